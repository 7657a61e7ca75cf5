// exec.
#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/container_calls.h"
#include "apps/hull/options/values.h"

namespace hull::cli {

namespace {

boost::json::array to_array(const std::vector<std::string>& texts) {
    boost::json::array out;
    for (const std::string& text : texts) out.emplace_back(text);
    return out;
}

Result<std::string> create_exec(Session& session, Engine& engine, bool detach, const DetachKeys& keys) {
    const Flags& flags = session.flags();
    const auto& operands = session.operands();
    boost::json::object body;
    body["User"] = flags.text("user");
    body["Privileged"] = flags.on("privileged");
    body["Tty"] = flags.on("tty");
    body["AttachStdin"] = !detach && flags.on("interactive");
    body["AttachStdout"] = !detach;
    body["AttachStderr"] = !detach;
    if (!keys.given.empty()) body["DetachKeys"] = keys.given;
    body["Env"] = to_array(TRY(read_environment(flags.list("env-file"), flags.list("env"))));
    body["WorkingDir"] = flags.text("workdir");
    body["Cmd"] = to_array({operands.begin() + 1, operands.end()});
    if (flags.on("tty"))
        if (auto size = sys::terminal_size(BorrowedFd(1)))
            body["ConsoleSize"] = boost::json::array{size->rows, size->columns};
    Call create{.method = http::Method::post,
                .path = container_path(operands[0], "exec"),
                .query = {},
                .body = boost::json::serialize(body),
                .headers = {},
                .repeatable = true}; // one that is never started costs nothing
    Reply reply = TRY(engine.call(create));
    return text(TRY(reply.json()), "Id");
}

Result<int> exit_code_of(Engine& engine, const std::string& id) {
    Json state = TRY(engine.get("/exec/" + id + "/json"));
    return static_cast<int>(number(state, "ExitCode"));
}

} // namespace

Result<int> exec_in_container(Session& session) {
    const Flags& flags = session.flags();
    bool detach = flags.on("detach"), tty = flags.on("tty");
    bool in = flags.on("interactive") && !detach;
    DetachKeys keys = TRY(detach_keys_of(session));
    TRY(check_terminal(in, tty));
    Engine& engine = *TRY(session.engine());
    std::string id = TRY(create_exec(session, engine, detach, keys));
    std::string path = "/exec/" + id;
    boost::json::object body{{"Detach", detach}, {"Tty", tty}};
    if (detach) {
        TRY(engine.post(path + "/start", {}, boost::json::serialize(body)));
        return 0;
    }
    Streams streams{
        .in = in, .out = true, .err = true, .tty = tty, .detach_keys = keys.bytes, .resize = {}, .forward = {}};
    if (tty)
        streams.resize = [&engine, path](sys::TerminalSize size) {
            Query query;
            query.add("h", std::to_string(size.rows)).add("w", std::to_string(size.columns));
            (void)engine.post(path + "/resize", query).ok(); // it may have ended already
        };
    SignalGuard signals = TRY(SignalGuard::create(streams));
    if (tty)
        if (auto size = sys::terminal_size(BorrowedFd(1)))
            body["ConsoleSize"] = boost::json::array{size->rows, size->columns};
    Exchange start = TRY(engine.begin({.method = http::Method::post,
                                       .path = path + "/start",
                                       .query = {},
                                       .body = boost::json::serialize(body),
                                       .upgrade = true,
                                       .headers = {}}));
    TRY(start.head());
    if (TRY(pump(start.take_stream(), streams, signals)) == PumpEnd::detached) {
        print_error("read escape sequence\n");
        return 0;
    }
    return exit_code_of(engine, id);
}

} // namespace hull::cli
