// Volumes.
#include "api/handlers.h"
#include "api/volume_json.h"
#include "codec/json.h"
#include "model/volume.h"

namespace hull::api {

json::Object volume_json(const engine::VolumeView& volume) {
    json::Object object{
        {"CreatedAt", to_rfc3339(WallTime{volume.record.created.ns / 1'000'000'000 * 1'000'000'000})},
        {"Driver", volume.record.driver},
        {"Labels", json::encode(volume.record.labels)},
        {"Mountpoint", volume.mountpoint},
        {"Name", volume.record.name},
        {"Options", json::encode(volume.record.options)},
        {"Scope", volume.scope},
    };
    // Written by ourselves from what was JSON before.
    if (auto status = json::parse(volume.status.empty() ? "null" : volume.status); status.ok() && status->is_object())
        object["Status"] = *status;
    if (volume.measured) object["UsageData"] = json::Object{{"RefCount", volume.users}, {"Size", volume.size}};
    return object;
}

Result<void> create_volume(Call& call) {
    std::string body = TRY(call.json_body());
    if (body.empty()) return Error(ErrorKind::invalid_argument, "invalid JSON: got EOF while reading request body");
    return call.reply(201, volume_json(TRY(call.volumes().create(TRY(model::parse_volume_request(body))))));
}

Result<void> list_volumes(Call& call) {
    json::Array array;
    for (const engine::VolumeView& volume : TRY(call.volumes().list(TRY(call.filters()))))
        array.push_back(volume_json(volume));
    return call.reply(200, json::Object{{"Volumes", std::move(array)}, {"Warnings", nullptr}});
}

Result<void> inspect_volume(Call& call) {
    return call.reply(200, volume_json(TRY(call.volumes().inspect(call.name()))));
}

Result<void> remove_volume(Call& call) {
    TRY(call.volumes().remove(call.name(), call.flag("force")));
    return call.reply_empty(204);
}

// Only of a swarm's volumes is there anything to update.
Result<void> update_volume(Call&) {
    return Error(ErrorKind::unavailable, "volume update only valid for cluster volumes, but swarm is unavailable");
}

Result<void> prune_volumes(Call& call) {
    engine::Filters filters = TRY(call.filters());
    // Before 1.42 named ones went, too, without asking.
    bool named = TRY(filters.boolean("all", false)) || !call.at_least(42);
    auto report = TRY(call.volumes().prune(filters, named));
    return call.reply(200, json::Object{{"VolumesDeleted", json::encode(report.deleted)},
                                        {"SpaceReclaimed", report.space_reclaimed}});
}

} // namespace hull::api
