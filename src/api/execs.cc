// Execs: create, start, inspect.
#include "api/handlers.h"
#include "api/stream_frames.h"
#include "base/log.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace hull::json {

template <>
struct Fields<engine::ExecConfig> {
    static constexpr auto list = std::tuple{
        field("AttachStdin", &engine::ExecConfig::attach_stdin),
        field("AttachStdout", &engine::ExecConfig::attach_stdout),
        field("AttachStderr", &engine::ExecConfig::attach_stderr),
        field("Tty", &engine::ExecConfig::tty),
        field("Privileged", &engine::ExecConfig::privileged),
        field("User", &engine::ExecConfig::user),
        field("WorkingDir", &engine::ExecConfig::working_dir),
        field("DetachKeys", &engine::ExecConfig::detach_keys),
        field("Env", &engine::ExecConfig::env),
        field("Cmd", &engine::ExecConfig::cmd),
        field("ConsoleSize", &engine::ExecConfig::console_size),
    };
};

} // namespace hull::json

namespace hull::api {

namespace {

struct StartBody {
    bool detach = false, tty = false;
    std::vector<uint32_t> console_size;
};

} // namespace
} // namespace hull::api

template <>
struct hull::json::Fields<hull::api::StartBody> {
    static constexpr auto list = std::tuple{
        field("Detach", &hull::api::StartBody::detach),
        field("Tty", &hull::api::StartBody::tty),
        field("ConsoleSize", &hull::api::StartBody::console_size),
    };
};

namespace hull::api {

namespace {

// What went wrong after the upgrade, where the program's output would be.
void tell_on_stream(BorrowedFd socket, bool framed, const Error& error) {
    std::string text = error.message() + "\r\n", frame;
    if (framed)
        append_frame(frame, StreamId::stdout_, text);
    else
        frame = text;
    if (auto sent = http::send_raw(socket, frame); !sent.ok()) log::debug("exec: the client left before the error");
}

} // namespace

Result<void> create_exec(Call& call) {
    std::string body = TRY(call.json_body());
    if (body.empty()) return Error(ErrorKind::invalid_argument, "invalid JSON: got EOF while reading request body");
    auto config = TRY(json::decode_text<engine::ExecConfig>(body, {.max_bytes = size_t{4} << 20}));
    if (config.cmd.empty()) return Error(ErrorKind::invalid_argument, "No exec command specified");
    if (!call.at_least(42)) config.console_size.clear();
    ExecId id = TRY(call.engine().execs().create(call.name(), std::move(config)));
    return call.reply(201, json::Object{{"Id", id.str()}});
}

Result<void> start_exec(Call& call) {
    std::string body = TRY(call.json_body());
    StartBody start;
    if (!body.empty()) start = TRY(json::decode_text<StartBody>(body, {.max_bytes = size_t{4} << 20}));
    if (!start.console_size.empty() && start.console_size.size() != 2)
        return Error(ErrorKind::invalid_argument, "ConsoleSize: two numbers are wanted, height and width");
    auto& execs = call.engine().execs();
    auto exec = TRY(execs.check_start(call.name()));
    engine::ExecStart request{.detach = start.detach, .tty = start.tty, .console_size = {}, .streams = {}};
    if (call.at_least(42)) request.console_size = start.console_size;
    // Nothing to attach to: the program runs on its own, and there is no stream to keep open.
    bool streams = exec.open_stdin || exec.open_stdout || exec.open_stderr;
    if (start.detach || !streams) {
        request.detach = true;
        TRY(execs.start(call.name(), std::move(request)));
        return call.reply_empty(200);
    }
    bool framed = !start.tty; // whatever the program has, as in Docker
    auto hijacked = TRY(call.exchange().hijack({{"Content-Type", stream_content_type(framed, call.at_least(42))}}));
    // The engine may close the socket; the error needs one too.
    UniqueFd second = TRY(http::duplicate(hijacked.socket));
    request.streams = engine::Streams{.client = std::move(hijacked.socket),
                                      .already_read = std::move(hijacked.already_read),
                                      .stdin_ = exec.open_stdin,
                                      .stdout_ = exec.open_stdout,
                                      .stderr_ = exec.open_stderr,
                                      .detach_keys = exec.detach_keys,
                                      .framed = framed};
    auto started = execs.start(call.name(), std::move(request));
    if (!started.ok()) {
        log::debug("exec " + call.name() + ": " + started.error().message());
        tell_on_stream(second, framed, started.error());
    }
    return {};
}

Result<void> inspect_exec(Call& call) {
    auto view = TRY(call.engine().execs().inspect(call.name()));
    json::Object process{
        {"tty", view.tty},
        {"entrypoint", view.entrypoint},
        {"arguments", json::encode(view.arguments)},
        {"privileged", view.privileged},
    };
    if (!view.user.empty()) process["user"] = view.user;
    return call.reply(
        200, json::Object{
                 {"ID", view.id.str()},
                 {"Running", view.running},
                 {"ExitCode", view.exit_code ? json::Value(*view.exit_code) : json::Value(nullptr)},
                 {"ProcessConfig", std::move(process)},
                 {"OpenStdin", view.open_stdin},
                 {"OpenStderr", view.open_stderr},
                 {"OpenStdout", view.open_stdout},
                 {"CanRemove", view.can_remove},
                 {"ContainerID", view.container.str()},
                 {"DetachKeys",
                  view.own_detach_keys
                      ? base64_encode({reinterpret_cast<const char*>(view.detach_keys.data()), view.detach_keys.size()})
                      : ""},
                 {"Pid", view.pid},
             });
}

} // namespace hull::api
