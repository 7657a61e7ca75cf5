// volume snapshot, snapshots, restore, clone, export, import, resize: what Docker
// has no commands for.
#include <fcntl.h>

#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/display.h"
#include "apps/hull/format/human.h"
#include "apps/hull/format/table.h"
#include "apps/hull/stream/save_stream.h"
#include "sys/file.h"
#include "sys/terminal_mode.h"

namespace hull::cli {

namespace {

constexpr format::Column snapshot_columns[] = {{"Name", "SNAPSHOT"}, {"CreatedAt", "CREATED"}, {"Size", "SIZE"}};

std::string contents_path(const std::string& volume, const char* what) {
    return "/hull/volumes/" + path_part(volume) + "/" + what;
}

} // namespace

Result<int> snapshot_volume(Session& session) {
    const auto& operands = session.operands();
    Engine* engine = TRY(session.engine());
    Reply reply = TRY(engine->post(contents_path(operands[0], "snapshots"),
                                   Query().add_unless_empty("name", operands.size() > 1 ? operands[1] : "")));
    print(operands[0] + "@" + text(TRY(reply.json()), "Name") + "\n");
    return 0;
}

Result<int> list_snapshots(Session& session) {
    const Flags& flags = session.flags();
    Engine* engine = TRY(session.engine());
    Json answer = TRY(engine->get(contents_path(session.operands()[0], "snapshots")));
    format::Listing listing{snapshot_columns, "{{.Name}}\t{{.CreatedAt}}\t{{.Size}}"};
    for (const Json& one : list(answer, "Snapshots"))
        listing.rows.push_back({{"Name", text(one, "Name")},
                                {"CreatedAt", text(one, "CreatedAt")},
                                {"Size", format::decimal_size(number(one, "Size"), 4)}});
    std::string format = flags.text("format");
    if (flags.on("quiet") && (format.empty() || format == "table")) format = "{{.Name}}";
    print(TRY(format::render(listing, format)));
    return 0;
}

Result<int> restore_volume(Session& session) {
    const auto& operands = session.operands();
    Engine* engine = TRY(session.engine());
    TRY(engine->post(contents_path(operands[0], "restore"), Query().add("snapshot", operands[1])));
    print(operands[0] + "\n");
    return 0;
}

Result<int> clone_volume(Session& session) {
    const auto& operands = session.operands();
    boost::json::object body{{"Name", operands[1]},
                             {"DriverOpts", pairs_json(session.flags().list("opt"))},
                             {"Labels", pairs_json(session.flags().list("label"))}};
    Engine* engine = TRY(session.engine());
    Reply reply = TRY(engine->post(contents_path(operands[0], "clone"), {}, boost::json::serialize(body)));
    print(text(TRY(reply.json()), "Name") + "\n");
    return 0;
}

Result<int> export_volume(Session& session) {
    const std::string path = session.flags().text("output");
    if (path.empty() && sys::is_terminal(BorrowedFd(1)))
        return Error(ErrorKind::invalid_argument,
                     "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    Engine* engine = TRY(session.engine());
    Call call{.path = contents_path(session.operands()[0], "export"), .query = {}, .body = {}, .headers = {}};
    Exchange exchange = TRY(engine->begin(std::move(call)));
    TRY(exchange.head());
    TRY(save_stream(exchange, path).context("failed to export volume"));
    return 0;
}

namespace {

// The file that the operand names, or standard input.
Result<BorrowedFd> open_archive(const std::vector<std::string>& operands, UniqueFd& file) {
    if (operands.size() > 1 && operands[1] != "-") {
        file = TRY(sys::open(operands[1], O_RDONLY | O_CLOEXEC));
        return BorrowedFd(file);
    }
    if (sys::is_terminal(BorrowedFd(0)))
        return Error(ErrorKind::invalid_argument, "the archive is read from standard input, which is a terminal: "
                                                  "redirect it, or name a file");
    return BorrowedFd(0);
}

} // namespace

Result<int> export_build_mount(Session& session) {
    const std::string path = session.flags().text("output"), id = session.operands()[0];
    if (path.empty() && sys::is_terminal(BorrowedFd(1)))
        return Error(ErrorKind::invalid_argument,
                     "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    Engine* engine = TRY(session.engine());
    Exchange exchange = TRY(
        engine->begin({.path = "/hull/build/mount", .query = Query().add("id", id).str(), .body = {}, .headers = {}}));
    TRY(exchange.head());
    TRY(save_stream(exchange, path).context("failed to export the cache mount"));
    return 0;
}

Result<int> import_build_mount(Session& session) {
    const auto& operands = session.operands();
    UniqueFd file;
    BorrowedFd input = TRY(open_archive(operands, file));
    Engine* engine = TRY(session.engine());
    Exchange exchange = TRY(engine->upload({.method = http::Method::post,
                                            .path = "/hull/build/mount",
                                            .query = Query().add("id", operands[0]).str(),
                                            .body = {},
                                            .headers = {{"Content-Type", "application/x-tar"}}},
                                           [input](std::span<char> into) { return sys::read(input, into); }));
    TRY(exchange.head());
    TRY(exchange.read_all());
    print(operands[0] + "\n");
    return 0;
}

Result<int> import_volume(Session& session) {
    const auto& operands = session.operands();
    UniqueFd file;
    BorrowedFd input = TRY(open_archive(operands, file));
    Call call{.method = http::Method::post,
              .path = contents_path(operands[0], "import"),
              .query = Query().add_if(session.flags().on("replace"), "replace", "1").str(),
              .body = {},
              .headers = {{"Content-Type", "application/x-tar"}}};
    Engine* engine = TRY(session.engine());
    Exchange exchange = TRY(engine->upload(call, [input](std::span<char> into) { return sys::read(input, into); }));
    TRY(exchange.head());
    TRY(exchange.read_all());
    print(operands[0] + "\n");
    return 0;
}

Result<int> resize_volume(Session& session) {
    const auto& operands = session.operands();
    Engine* engine = TRY(session.engine());
    TRY(engine->post(contents_path(operands[0], "resize"), Query().add("size", operands[1])));
    print(operands[0] + "\n");
    return 0;
}

} // namespace hull::cli
