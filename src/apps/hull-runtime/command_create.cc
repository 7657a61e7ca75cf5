#include <csignal>
#include <optional>

#include <fcntl.h>

#include "apps/hull-runtime/making.h"
#include "sys/file.h"
#include "sys/pidfd.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace hull::oci_runtime {

namespace {

std::string failed(const Context& context, const char* command) { return context.program + " " + command + " failed"; }

// After the program was started; an error ends the container.
Result<void> run_poststart(Context& context, const Container& container) {
    auto spec = TRY(context.store.load_spec(container.id));
    if (!spec.hooks || spec.hooks->poststart.empty()) return {};
    auto done = run_hooks(spec.hooks->poststart, "poststart", hook_state(container, "running"));
    if (!done.ok())
        if (auto fd = sys::pidfd_open(container.pid); fd.ok()) (void)sys::pidfd_signal(*fd, SIGKILL);
    return done;
}

bool wants_terminal(const std::string& bundle) {
    auto text = sys::read_file(bundle + "/config.json", size_t{4} << 20);
    if (!text.ok()) return false;
    auto spec = model::oci::parse_spec(*text);
    return spec.ok() && spec->process && spec->process->terminal;
}

} // namespace

Result<void> check_console(const StartOptions& options, bool detached) {
    bool terminal = wants_terminal(options.bundle);
    if (detached && terminal && !options.console)
        return Error(ErrorKind::invalid_argument,
                     "cannot allocate tty if runc will detach without setting console socket");
    if ((!detached || !terminal) && options.console)
        return Error(ErrorKind::invalid_argument, "cannot use console socket if runc will not detach or allocate tty");
    return {};
}

Result<void> destroy_unless_gone(Context& context, const Container& container) {
    auto lock = context.store.lock(container.id);
    if (!lock.ok() && lock.error().kind() == ErrorKind::not_found) return {};
    TRY(std::move(lock));
    auto now = context.store.load(container.id);
    if (!now.ok() || now->pid != container.pid || now->start_ticks != container.start_ticks) return {};
    return destroy(context, container);
}

Result<int> run_create(Context& context, const Args& args) {
    auto create = [&]() -> Result<int> {
        StartOptions options = TRY(StartOptions::from(args));
        TRY(check_console(options, true));
        TRY(make_container(context, args.words()[0], options, runtime::Gate::socket));
        return 0;
    };
    return create().context(failed(context, "create"));
}

Result<int> run_start(Context& context, const Args& args) {
    const std::string& id = args.words()[0];
    UniqueFd lock = TRY(context.store.lock(id));
    Container container = TRY(context.store.load(id));
    TRY(context.need_cgroups());
    Status status = status_of(container, context.store, *context.cgroups);
    if (status == Status::stopped) return Error(ErrorKind::conflict, "cannot start a container that has stopped");
    if (status == Status::creating) return unfinished(id);
    if (status == Status::running) return Error(ErrorKind::conflict, "cannot start an already running container");
    if (status == Status::paused) return Error(ErrorKind::conflict, "cannot start a container in the paused state");

    UniqueFd folder = TRY(sys::open(context.store.folder(id), O_PATH | O_DIRECTORY));
    std::string gate = "/proc/self/fd/" + std::to_string(folder.get()) + "/gate";
    UniqueFd connection = TRY(sys::connect_unix(gate, sys::SocketType::seqpacket).context("start"));
    // From here on the container is not a created one any more, come what may.
    auto removed = sys::unlink(gate);
    if (!removed.ok()) return Error(ErrorKind::conflict, "cannot start an already running container");
    auto report = runtime::ReportReader::after_gate(std::move(connection));
    Followed followed;
    OnWay on_way;
    on_way.at_listener = [&](BorrowedFd listener, pid_t) -> Result<void> {
        auto plan = TRY(context.store.load_plan(id));
        return send_to_agent(container, "created", plan.process, listener, container.pid);
    };
    auto started = follow(report, on_way, context.log, followed);
    if (!started.ok()) return start_error(std::move(started).error());
    lock.reset(); // the hooks may use this program too
    TRY(run_poststart(context, container));
    return 0;
}

Result<int> run_run(Context& context, const Args& args) {
    bool detached = args.has("detach");
    auto start = [&]() -> Result<Made> {
        StartOptions options = TRY(StartOptions::from(args));
        TRY(check_console(options, detached));
        return make_container(context, args.words()[0], options, runtime::Gate::none);
    };
    std::optional<sys::SignalQueue> signals;
    if (!detached) signals.emplace(TRY(hold_signals()));
    Made made = TRY(start().context(failed(context, "run")));
    made.lock.reset(); // the hooks may use this program too
    auto hooked = run_poststart(context, made.container);
    if (!hooked.ok()) {
        (void)sys::wait_for(made.container.pid);
        (void)destroy_unless_gone(context, made.container);
        return std::move(hooked).error().context(failed(context, "run"));
    }
    if (detached) return 0;
    int code = TRY(attend(made.container.pid, std::move(made.terminal), *signals));
    if (!args.has("keep")) TRY(destroy_unless_gone(context, made.container));
    return code;
}

} // namespace hull::oci_runtime
