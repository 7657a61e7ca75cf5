// Containers: files in and out, what changed, export and commit.
#include <sys/stat.h>

#include "api/body_streams.h"
#include "api/handlers.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace hull::api {

namespace {

// A mode as Go's os.FileMode has it, which Docker's clients expect.
uint32_t go_mode(uint32_t mode) {
    constexpr uint32_t dir = 1u << 31, link = 1u << 27, device = 1u << 26, fifo = 1u << 25, sock = 1u << 24,
                       set_uid = 1u << 23, set_gid = 1u << 22, character = 1u << 21, sticky = 1u << 20;
    uint32_t go = mode & 0777;
    if (S_ISDIR(mode)) go |= dir;
    if (S_ISLNK(mode)) go |= link;
    if (S_ISBLK(mode)) go |= device;
    if (S_ISCHR(mode)) go |= device | character;
    if (S_ISFIFO(mode)) go |= fifo;
    if (S_ISSOCK(mode)) go |= sock;
    if (mode & S_ISUID) go |= set_uid;
    if (mode & S_ISGID) go |= set_gid;
    if (mode & S_ISVTX) go |= sticky;
    return go;
}

constexpr const char* stat_header = "X-Docker-Container-Path-Stat";

std::string stat_text(const engine::PathStat& stat) {
    // Zero is a time here: builds that can be repeated set it.
    const std::string mtime = stat.mtime.ns == 0 ? "1970-01-01T00:00:00Z" : to_rfc3339(stat.mtime);
    json::Object object{{"name", stat.name},
                        {"size", stat.size},
                        {"mode", go_mode(stat.mode)},
                        {"mtime", mtime},
                        {"linkTarget", stat.link_target}};
    return base64_encode(json::print(object));
}

Result<std::string> path_of(const Call& call) {
    if (call.text("path").empty()) return invalid("bad parameter: path cannot be empty");
    return call.text("path");
}

// The tar as it is made. The client sees a stream cut short when it can't be.
Result<void> send(Call& call, engine::OpenArchive& archive) {
    AnswerSink answer(call.exchange());
    GatheringSink sink(answer);
    auto written = archive.write(sink);
    if (written.ok()) written = sink.flush();
    if (!written.ok()) call.exchange().abort_stream();
    return written;
}

} // namespace

Result<void> stat_archive(Call& call) {
    auto stat = TRY(call.engine().files().stat(call.name(), TRY(path_of(call))));
    http::Headers headers = call.headers();
    headers.add(stat_header, stat_text(stat));
    call.exchange().respond({200, std::move(headers), {}});
    return {};
}

Result<void> get_archive(Call& call) {
    auto archive = TRY(call.engine().files().open_archive(call.name(), TRY(path_of(call))));
    http::Headers headers = call.headers("application/x-tar");
    headers.add(stat_header, stat_text(archive->stat()));
    TRY(call.exchange().start_stream(200, std::move(headers)));
    return send(call, *archive);
}

Result<void> put_archive(Call& call) {
    std::string path = TRY(path_of(call));
    engine::PutOptions options;
    options.keep_kinds = call.flag("noOverwriteDirNonDir");
    options.chown_to_user = call.flag("copyUIDGID");
    BodySource body(call.exchange());
    TRY(call.engine().files().put_archive(call.name(), path, options, body));
    return call.reply_empty(200);
}

Result<void> container_changes(Call& call) {
    json::Array array;
    for (const engine::FileChange& change : TRY(call.engine().files().changes(call.name())))
        array.push_back(json::Object{{"Path", change.path}, {"Kind", static_cast<int>(change.kind)}});
    // Docker's answer to "nothing changed" is null.
    return call.reply(200, array.empty() ? json::Value(nullptr) : json::Value(std::move(array)));
}

Result<void> export_container(Call& call) {
    auto archive = TRY(call.engine().files().open_export(call.name()));
    TRY(call.stream(200, "application/octet-stream"));
    return send(call, *archive);
}

Result<void> commit_container(Call& call) {
    engine::CommitRequest request;
    std::string body = TRY(call.json_body());
    if (!body.empty()) {
        json::Value value = TRY(json::parse(body));
        if (!value.is_null()) request.config = TRY(model::container_config_from_json(value));
    }
    request.container = call.text("container");
    if (request.container.empty()) return invalid("invalid name or ID supplied: \"\"");
    request.repository = call.text("repo");
    request.tag = call.text("tag");
    request.comment = call.text("comment");
    request.author = call.text("author");
    request.pause = call.text("pause").empty() || call.flag("pause");
    request.changes = call.texts("changes");
    auto id = TRY(call.engine().files().commit(request));
    return call.reply(201, json::Object{{"Id", id.str()}});
}

} // namespace hull::api
