#include "apps/hull-runtime/making.h"
#include "apps/hull-runtime/placing.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

#include "apps/hull-runtime/environment.h"
#include "apps/hull-runtime/rootless.h"
#include "kernel/caps.h"
#include "runtime/compile.h"
#include "runtime/hooks.h"
#include "runtime/listener.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/pidfd.h"
#include "sys/process.h"
#include "sys/socket.h"
#include "sys/terminal_mode.h"

namespace hull::oci_runtime {

namespace {

namespace oci = model::oci;

std::string absolute(const std::string& path) {
    std::array<char, 4097> resolved{};
    if (!::realpath(path.empty() ? "." : path.c_str(), resolved.data())) return {};
    return resolved.data();
}

bool holds(const std::vector<std::string>& set, const std::string& name) {
    return std::ranges::find(set, name) != set.end();
}

// What can't be had is left out and said: "runtimes SHOULD NOT fail" for it
// (config.md, "Linux Process").
void leave_out_capabilities(oci::Capabilities& caps, uint64_t grantable, const Logger& log) {
    std::vector<std::string> missing;
    for (auto* set : {&caps.bounding, &caps.effective, &caps.permitted, &caps.inheritable, &caps.ambient})
        std::erase_if(*set, [&](const std::string& name) {
            auto number = kernel::capability_number(name);
            bool granted = number && grantable >> *number & 1;
            if (!granted && !holds(missing, name)) missing.push_back(name);
            return !granted;
        });
    std::string names;
    for (const std::string& name : missing) names += (names.empty() ? "" : ", ") + name;
    if (!names.empty()) log.warning("capabilities that can't be granted here are left out: " + names);
}

Result<void> check_version(const std::string& version) {
    if (version.starts_with("1.") && version.find_first_not_of("0123456789", 2) != 2) return {};
    return invalid("config.json: ociVersion: \"" + version +
                   "\" is not a version of the specification that is supported (1.0 to 1.3)");
}

} // namespace

// In a new user namespace all that the kernel has; otherwise what we may hand on.
uint64_t grantable_capabilities(const oci::Spec& spec) {
    bool own_users = spec.linux_ && std::ranges::any_of(spec.linux_->namespaces,
                                                        [](const oci::Namespace& ns) { return ns.type == "user"; });
    return own_users ? kernel::kernel_capabilities() : kernel::bounding_capabilities();
}

void adapt_process(oci::Process& process, uint64_t grantable, const Logger& log) {
    // On Linux the numbers count; the specification has the name for Windows.
    process.user.username.clear();
    if (process.terminal && !process.console_size)
        if (auto size = sys::terminal_size(BorrowedFd(STDIN_FILENO)))
            process.console_size = oci::Box{.height = size->rows, .width = size->columns};
    if (!process.capabilities) return;
    auto& caps = *process.capabilities;
    leave_out_capabilities(caps, grantable, log);
    size_t removed = std::erase_if(caps.ambient, [&](const std::string& name) {
        return !holds(caps.permitted, name) || !holds(caps.inheritable, name);
    });
    if (removed != 0)
        log.warning("ambient capabilities that aren't permitted and inheritable are left out, as the kernel has it");
}

Result<StartOptions> StartOptions::from(const Args& args) {
    StartOptions options;
    if (args.has("no-pivot")) options.root_change = runtime::RootChange::move;
    if (args.has("no-new-keyring")) options.keyring = runtime::Keyring::inherited;
    std::string bundle = args.value("bundle");
    options.bundle = absolute(bundle);
    if (options.bundle.empty()) return Error::from_errno("chdir", bundle);
    options.pid_file = args.value("pid-file");
    options.preserve_fds = TRY(args.number("preserve-fds", 0));
    if (auto path = args.value("console-socket"); !path.empty())
        options.console = TRY(sys::connect_unix(path, sys::SocketType::stream).context("console socket"));
    if (auto path = args.value("pidfd-socket"); !path.empty())
        options.pidfd_socket = TRY(sys::connect_unix(path, sys::SocketType::stream).context("pidfd socket"));
    return options;
}

Result<std::vector<BorrowedFd>> preserved_fds(int64_t n) {
    std::vector<BorrowedFd> fds;
    for (int fd = 3; fd < 3 + n; ++fd) {
        if (!sys::exists("/proc/self/fd/" + std::to_string(fd)))
            return Error(ErrorKind::invalid_argument, "please check that preserved-fd " + std::to_string(fd - 3) +
                                                          " is present (file descriptor " + std::to_string(fd) + ")");
        fds.emplace_back(fd);
    }
    return fds;
}

Error start_error(Error error) {
    // dockerd before 25 takes only this text for exit code 126.
    if (error.kind() == ErrorKind::not_executable && error.message().ends_with("is a directory"))
        error = Error(error.kind(), error.message() + ": permission denied").with_code(error.code());
    return std::move(error).context("unable to start container process");
}

Result<void> run_hooks(const std::vector<oci::Hook>& hooks, const char* kind, const std::string& state) {
    for (size_t i = 0; i < hooks.size(); ++i) {
        const oci::Hook& hook = hooks[i];
        runtime::HookPlan plan{hook.path, hook.args, hook.env, hook.timeout.value_or(0)};
        TRY(runtime::run_hook(plan, state).context([&] { return runtime::hook_failure(kind, i); }));
    }
    return {};
}

void run_poststop(const Context& context, const Container& container, const std::vector<oci::Hook>& hooks) {
    Container ended = container;
    ended.pid = 0;
    for (const auto& hook : hooks) {
        auto done = run_hooks({hook}, "poststop", hook_state(ended, "stopped"));
        if (!done.ok()) context.log.warning(done.error().message());
    }
}

Result<void> write_pid_file(const std::string& path, pid_t pid) {
    if (path.empty()) return {};
    return sys::replace_file(path, std::to_string(pid), 0666).context("pid file");
}

Result<void> send_pidfd(const StartOptions& options, const Followed& followed, const char* kind) {
    if (!options.pidfd_socket) return {};
    std::array<BorrowedFd, 1> pidfd{followed.pidfd};
    return sys::send_message(options.pidfd_socket, kind, pidfd).context("send the pidfd to the pidfd socket");
}

Result<void> send_to_agent(const Container& container, const char* status, const runtime::ProcessPlan& plan,
                           BorrowedFd listener, pid_t pid) {
    return runtime::send_to_agent({plan, container.oci_version, hook_state(container, status), pid}, listener);
}

Result<void> follow(runtime::ReportReader& report, const OnWay& on_way, const Logger& log, Followed& into) {
    using Kind = runtime::LaunchEvent::Kind;
    for (;;) {
        for (runtime::LaunchEvent& event : report.wait()) {
            switch (event.kind) {
            case Kind::step:
                if (log.debugs()) log.debug("step " + event.name + ": " + std::to_string(event.ns / 1000) + " us");
                break;
            case Kind::pid:
                into.pid = event.pid;
                into.pidfd = std::move(event.fd);
                if (on_way.made) TRY(on_way.made(into.pid));
                break;
            case Kind::terminal: into.terminal = std::move(event.fd); break;
            case Kind::at_hooks: TRY(report.resume(on_way.at_hooks ? TRY(on_way.at_hooks()) : std::string())); break;
            case Kind::listener:
                if (!on_way.at_listener) return Error(ErrorKind::internal, "an unexpected seccomp listener");
                TRY(on_way.at_listener(event.fd, into.pid));
                TRY(report.resume(""));
                break;
            case Kind::at_gate:
            case Kind::executed: return {};
            case Kind::failed: return std::move(event.error);
            }
        }
    }
}

namespace {

void take_off_root(const std::string& path, int outer_mount) {
    auto folder = sys::open(path, O_PATH | O_DIRECTORY);
    if (!folder.ok()) return;
    auto mount = sys::mount_id(*folder);
    if (mount.ok() && *mount != outer_mount) (void)sys::unmount_lazily(path);
}

// One attempt to make a container; destroyed before commit() it takes all of
// it down again, and runs the poststop hooks when others have run.
class Attempt {
public:
    Attempt(Context& context, Container& container) : context_(context), container_(container) {}
    ~Attempt() {
        if (committed_) return;
        if (followed.pid > 0) {
            if (auto fd = sys::pidfd_open(followed.pid); fd.ok()) (void)sys::pidfd_signal(*fd, 9);
            (void)sys::wait_for(followed.pid);
        }
        (void)runtime::remove_cgroups(plan.cgroup);
        remove_default_cgroup_parent(context_, container_.cgroup_path);
        if (equipped) (void)strip(container_, *equipped);
        if (outer_mount) take_off_root(plan.rootfs.path, *outer_mount);
        (void)context_.store.erase(container_.id);
        if (hooked) run_poststop(context_, container_, hooked->poststop);
    }
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;
    void commit() { committed_ = true; }

    runtime::Plan plan;
    Followed followed;
    const oci::Hooks* hooked = nullptr;  // set once hooks run
    const oci::Spec* equipped = nullptr; // set: to be stripped again
    // Of the folder of its root before the container lay over it, when it
    // shares the mount namespace with us.
    std::optional<int> outer_mount;

private:
    Context& context_;
    Container& container_;
    bool committed_ = false;
};

Result<oci::Spec> read_bundle(const std::string& bundle, std::string& text) {
    auto read = sys::read_file(bundle + "/config.json", size_t{4} << 20);
    if (!read.ok() && read.error().kind() == ErrorKind::not_found)
        return Error(ErrorKind::not_found, "JSON specification file config.json not found");
    text = TRY(std::move(read));
    oci::Spec spec = TRY(oci::parse_spec(text).context("config.json"));
    if (!spec.process) return Error(ErrorKind::invalid_argument, "process property must not be empty");
    if (!spec.root) return Error(ErrorKind::invalid_argument, "root filesystem is not specified");
    return spec;
}

// sd_listen_fds(3): what this process was given is the container's.
int64_t take_listen_fds(oci::Process& process) {
    const char* text = std::getenv("LISTEN_FDS");
    int64_t n = text ? std::strtol(text, nullptr, 10) : 0;
    if (n <= 0 || n > 1024) return 0;
    process.env.push_back("LISTEN_FDS=" + std::to_string(n));
    process.env.emplace_back("LISTEN_PID=1");
    return n;
}

Result<runtime::Plan> compile_plan(Context& context, const Container& container, const oci::Spec& spec,
                                   const StartOptions& start, runtime::Gate gate) {
    runtime::CompileOptions options;
    options.id = container.id;
    options.bundle = container.bundle;
    options.gate = gate;
    options.root_change = start.root_change;
    options.keyring = start.keyring;
    static const oci::Resources none;
    const oci::Resources& resources = spec.linux_ && spec.linux_->resources ? *spec.linux_->resources : none;
    options.cgroup = TRY(plan_cgroup(context, container, resources));
    if (context.driver == CgroupDriver::systemd)
        TRY(put_in_scope(container, spec, context.cgroups->version(), options.cgroup));
    return runtime::compile(spec, options);
}

// Bound through the folder's descriptor: a socket's path has 107 bytes only.
Result<UniqueFd> make_gate(const std::string& folder) {
    UniqueFd dir = TRY(sys::open(folder, O_PATH | O_DIRECTORY));
    return sys::listen_unix("/proc/self/fd/" + std::to_string(dir.get()) + "/gate", sys::SocketType::seqpacket, 0600,
                            1);
}

std::string stream_name(int fd) {
    auto link = sys::readlink("/proc/self/fd/" + std::to_string(fd));
    return link.ok() ? *link : "";
}

Container describe(const std::string& id, const std::string& bundle, const oci::Spec& spec) {
    Container c;
    c.id = id;
    c.bundle = bundle;
    c.rootfs = spec.root->path.starts_with('/') ? spec.root->path : bundle + "/" + spec.root->path;
    c.oci_version = spec.oci_version;
    c.created = wall_now();
    c.annotations = spec.annotations;
    c.owner = ::geteuid();
    if (!spec.process->terminal)
        for (int fd = 0; fd < 3; ++fd) c.descriptors.push_back(stream_name(fd));
    return c;
}

} // namespace

Result<Made> make_container(Context& context, const std::string& id, const StartOptions& options, runtime::Gate gate) {
    TRY(check_id(id));
    std::string config;
    oci::Spec spec = TRY(read_bundle(options.bundle, config));
    TRY(check_version(spec.oci_version));
    adapt_process(*spec.process, grantable_capabilities(spec), context.log);
    TRY(context.need_cgroups());
    int64_t extra = options.preserve_fds + take_listen_fds(*spec.process);
    auto extra_fds = TRY(preserved_fds(extra));
    TRY(complete_mappings(spec));
    Made made;
    Container& container = made.container;
    TRY(check_rootless(context, spec));
    container = describe(id, options.bundle, spec);
    TRY(place_cgroup(context, spec, container));
    runtime::Plan plan = TRY(compile_plan(context, container, spec, options, gate));
    // None of its own: the path may be somebody else's.
    if (plan.cgroup.dirs.empty() && context.cgroup_errors == CgroupErrors::tolerated) container.cgroup_path.clear();

    made.lock = TRY(context.store.reserve(id));
    Attempt attempt(context, container);
    attempt.plan = std::move(plan);
    const std::string folder = context.store.folder(id);
    TRY(sys::replace_file(folder + "/config.json", config, 0600));
    TRY(sys::replace_file(folder + "/plan", runtime::encode(attempt.plan), 0600));
    if (shares_mounts(spec))
        attempt.outer_mount = TRY(sys::mount_id(TRY(sys::open(attempt.plan.rootfs.path, O_PATH | O_DIRECTORY))));
    UniqueFd gate_socket;
    if (gate == runtime::Gate::socket) gate_socket = TRY(make_gate(folder));

    runtime::LaunchFds fds;
    fds.stdin_ = BorrowedFd(0);
    fds.stdout_ = BorrowedFd(1);
    fds.stderr_ = BorrowedFd(2);
    fds.gate = gate_socket;
    fds.console_socket = options.console;
    // As runc: who reads it needn't be a terminal, and one that is adds its own.
    fds.line_ends = runtime::LineEnds::kept;
    fds.extra = extra_fds;
    OnWay on_way;
    on_way.made = [&](pid_t pid) -> Result<void> {
        container.pid = pid;
        if (auto ticks = sys::start_ticks(pid); ticks.ok()) container.start_ticks = *ticks;
        return context.store.save(container);
    };
    on_way.at_hooks = [&]() -> Result<std::string> {
        attempt.equipped = &spec;
        TRY(equip(container, spec));
        std::string state = hook_state(container, "creating");
        if (spec.hooks) {
            attempt.hooked = &*spec.hooks;
            TRY(run_hooks(spec.hooks->prestart, "prestart", state));
            TRY(run_hooks(spec.hooks->create_runtime, "createRuntime", state));
        }
        return hook_state(container, "");
    };
    on_way.at_listener = [&](BorrowedFd listener, pid_t pid) {
        return send_to_agent(container, "creating", attempt.plan.process, listener, pid);
    };
    runtime::ReportReader report;
    auto start = [&]() -> Result<void> {
        if (options.instead_of_launch)
            return options.instead_of_launch(attempt.plan, container, on_way, attempt.followed);
        auto pending = TRY(runtime::launch(attempt.plan, {}, fds, context.privileges));
        report = std::move(pending.report);
        auto followed = follow(report, on_way, context.log, attempt.followed);
        (void)sys::wait_for(pending.intermediate);
        return followed;
    };
    auto followed = start();
    if (!followed.ok())
        return options.instead_of_launch ? std::move(followed).error() : start_error(std::move(followed).error());
    compare_oom_score(context, *spec.process, container.pid);
    TRY(send_pidfd(options, attempt.followed, "standard"));
    TRY(write_pid_file(options.pid_file, container.pid));
    TRY(context.store.finish(container.id));
    if (gate == runtime::Gate::socket) TRY(report.resume("").context("the container's first process"));
    made.terminal = std::move(attempt.followed.terminal);
    attempt.commit();
    return made;
}

} // namespace hull::oci_runtime
