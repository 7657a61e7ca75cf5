// attach, start and wait.
#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/container_calls.h"

namespace hull::cli {

namespace {

// Copies until the end and gives the container's exit code; 0 after a detach.
Result<int> follow(http::ClientConnection::RawStream stream, const Streams& streams, SignalGuard& signals,
                   ExitWaiter& waiter) {
    if (TRY(pump(std::move(stream), streams, signals)) == PumpEnd::detached) {
        print_error("read escape sequence\n");
        return 0;
    }
    return waiter.code();
}

Result<void> check_attachable(const Json& container) {
    if (boolean(container, "State.Restarting"))
        return Error(ErrorKind::conflict, "You cannot attach to a restarting container, wait until it is running");
    if (!boolean(container, "State.Running"))
        return Error(ErrorKind::conflict, "You cannot attach to a stopped container, start it first");
    if (boolean(container, "State.Paused"))
        return Error(ErrorKind::conflict, "You cannot attach to a paused container, unpause it first");
    return {};
}

// start -a: one container, attached before it starts.
Result<int> start_attached(Session& session) {
    const Flags& flags = session.flags();
    if (session.operands().size() > 1)
        return Error(ErrorKind::invalid_argument, "you cannot start and attach multiple containers at once");
    Engine& engine = *TRY(session.engine());
    DetachKeys keys = TRY(detach_keys_of(session));
    Json container = TRY(engine.get(container_path(session.operands()[0], "json")));
    std::string id = text(container, "Id");
    Streams streams{.in = flags.on("interactive") && boolean(container, "Config.OpenStdin"),
                    .out = true,
                    .err = true,
                    .tty = boolean(container, "Config.Tty"),
                    .detach_keys = keys.bytes,
                    .resize = {},
                    .forward = {}};
    connect_controls(streams, engine, id, !streams.tty);
    SignalGuard signals = TRY(SignalGuard::create(streams));
    Exchange attach = TRY(begin_attach(engine, id, streams, keys.given));
    const char* condition = boolean(container, "HostConfig.AutoRemove") ? "removed" : "next-exit";
    ExitWaiter waiter = TRY(ExitWaiter::begin(engine, id, condition));
    TRY(attach.head());
    TRY(waiter.settle());
    TRY(engine.post(container_path(id, "start")));
    return follow(attach.take_stream(), streams, signals, waiter);
}

} // namespace

Result<int> attach_container(Session& session) {
    const Flags& flags = session.flags();
    Engine& engine = *TRY(session.engine());
    DetachKeys keys = TRY(detach_keys_of(session));
    Json container = TRY(engine.get(container_path(session.operands()[0], "json")));
    TRY(check_attachable(container));
    std::string id = text(container, "Id");
    bool tty = boolean(container, "Config.Tty");
    Streams streams{.in = !flags.on("no-stdin") && boolean(container, "Config.OpenStdin"),
                    .out = true,
                    .err = true,
                    .tty = tty,
                    .detach_keys = keys.bytes,
                    .resize = {},
                    .forward = {}};
    TRY(check_terminal(streams.in, tty));
    connect_controls(streams, engine, id, flags.on("sig-proxy") && !tty);
    SignalGuard signals = TRY(SignalGuard::create(streams));
    // A container that ends between the two requests has its code all the same.
    const char* condition = boolean(container, "HostConfig.AutoRemove") ? "removed" : "";
    ExitWaiter waiter = TRY(ExitWaiter::begin(engine, id, condition));
    Exchange attach = TRY(begin_attach(engine, id, streams, keys.given));
    TRY(attach.head());
    return follow(attach.take_stream(), streams, signals, waiter);
}

Result<int> start_containers(Session& session) {
    const Flags& flags = session.flags();
    if (flags.on("attach") || flags.on("interactive")) return start_attached(session);
    Query query;
    query.add_unless_empty("checkpoint", flags.text("checkpoint"))
        .add_unless_empty("checkpoint-dir", flags.text("checkpoint-dir"));
    if (flags.given("checkpoint") && session.operands().size() > 1)
        return Error(ErrorKind::invalid_argument, "you cannot restore multiple containers at once");
    std::string failed;
    int code = TRY(for_each_operand(session, [&](Engine& engine, const std::string& name) -> Result<void> {
        auto started = engine.post(container_path(name, "start"), query);
        if (started.ok()) return {};
        failed += (failed.empty() ? "" : ", ") + name;
        return std::move(started).error();
    }));
    if (code != 0) print_error("Error: failed to start containers: " + failed + "\n");
    return code;
}

Result<int> wait_containers(Session& session) {
    return for_each_operand(
        session,
        [](Engine& engine, const std::string& name) -> Result<void> {
            ExitWaiter waiter = TRY(ExitWaiter::begin(engine, name, ""));
            print(std::to_string(TRY(waiter.code())) + "\n");
            return {};
        },
        false);
}

} // namespace hull::cli
