// What a volume holds, as a whole: /hull/volumes/{name}/... No endpoints of
// Docker's.
#include "api/body_streams.h"
#include "api/handlers.h"
#include "api/volume_json.h"
#include "codec/json.h"
#include "model/volume.h"

namespace hull::api {

namespace {

json::Object snapshot_json(const store::SnapshotInfo& snapshot) {
    return {{"Name", snapshot.name}, {"CreatedAt", to_rfc3339(snapshot.created)}, {"Size", snapshot.size}};
}

Result<std::string> required(const Call& call, const char* parameter) {
    if (call.text(parameter).empty())
        return Error(ErrorKind::invalid_argument, "bad parameter: " + std::string(parameter) + " cannot be empty");
    return call.text(parameter);
}

} // namespace

Result<void> list_volume_snapshots(Call& call) {
    json::Array array;
    for (const auto& snapshot : TRY(call.volumes().snapshots(call.name()))) array.push_back(snapshot_json(snapshot));
    return call.reply(200, json::Object{{"Snapshots", std::move(array)}});
}

// Parameter name: of the snapshot; without, one by the time.
Result<void> make_volume_snapshot(Call& call) {
    return call.reply(201, snapshot_json(TRY(call.volumes().make_snapshot(call.name(), call.text("name")))));
}

Result<void> restore_volume(Call& call) {
    TRY(call.volumes().restore(call.name(), TRY(required(call, "snapshot"))));
    return call.reply_empty(204);
}

// The body is that of POST /volumes/create; its Name is the clone's.
Result<void> clone_volume(Call& call) {
    std::string body = TRY(call.json_body());
    if (body.empty()) return Error(ErrorKind::invalid_argument, "invalid JSON: got EOF while reading request body");
    auto request = TRY(model::parse_volume_request(body));
    return call.reply(201, volume_json(TRY(call.volumes().clone(call.name(), request))));
}

// The client sees a stream cut short when the volume can't be read to its end.
Result<void> export_volume(Call& call) {
    auto archive = TRY(call.volumes().open_export(call.name()));
    TRY(call.stream(200, "application/x-tar"));
    AnswerSink answer(call.exchange());
    GatheringSink sink(answer);
    auto written = archive->write(sink);
    if (written.ok()) written = sink.flush();
    if (!written.ok()) call.exchange().abort_stream();
    return written;
}

Result<void> import_volume(Call& call) {
    BodySource body(call.exchange());
    auto replace = call.flag("replace") ? engine::Replace::yes : engine::Replace::no;
    return call.reply(200, volume_json(TRY(call.volumes().import_tar(call.name(), body, replace))));
}

Result<void> resize_volume(Call& call) {
    return call.reply(200, volume_json(TRY(call.volumes().resize(call.name(), TRY(required(call, "size"))))));
}

} // namespace hull::api
