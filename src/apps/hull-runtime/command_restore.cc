// restore: a container whose processes CRIU makes from files.

#include <array>
#include <optional>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "apps/hull-runtime/checkpoint.h"
#include "apps/hull-runtime/criu.h"
#include "apps/hull-runtime/making.h"
#include "codec/json.h"
#include "kernel/namespaces.h"
#include "sys/directory.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/resolve.h"
#include "sys/socket.h"
#include "sys/tree.h"

namespace hull::oci_runtime {

namespace {

using Mode = runtime::NamespaceUse::Mode;

class Restore {
public:
    Restore(Context& context, const StartOptions& options, CriuSetup setup)
        : context_(context), options_(options), setup_(std::move(setup)) {}
    // Instead of runtime::launch().
    Result<void> run(const runtime::Plan& plan, const Container& container, const OnWay& on_way, Followed& into);

private:
    Context& context_;
    const StartOptions& options_;
    CriuSetup setup_;
    std::vector<UniqueFd> opened_;
    std::vector<BorrowedFd> inherited_;

    Result<void> describe(const runtime::Plan& plan, const Container& container, CriuOptions& options);
    Result<void> add_namespaces(const runtime::Plan& plan, CriuOptions& options);
    Result<void> add_streams(CriuOptions& options) const;
    Result<void> open_folders_for(pid_t criu, CriuOptions& options);
    Result<void> notified(CriuNotification& notification, const OnWay& on_way, Followed& into) const;
};

// Network and pid namespaces are handed over by descriptor, others by path.
Result<void> Restore::add_namespaces(const runtime::Plan& plan, CriuOptions& options) {
    struct Kind {
        const runtime::NamespaceUse& use;
        const char* name;
    };
    for (const Kind& kind : {Kind{plan.ns.net, "net"}, Kind{plan.ns.pid, "pid"}}) {
        if (kind.use.mode != Mode::join) continue;
        opened_.push_back(TRY(sys::open(kind.use.path, O_RDONLY).context("namespace " + kind.use.path)));
        constexpr int first = 4;
        options.inherited.emplace_back(external_namespace_key(kind.name), first + static_cast<int>(inherited_.size()));
        inherited_.emplace_back(opened_.back().get());
    }
    for (const Kind& kind : {Kind{plan.ns.ipc, "ipc"}, Kind{plan.ns.uts, "uts"}, Kind{plan.ns.user, "user"}})
        if (kind.use.mode == Mode::join) options.joined.emplace_back(kind.name, kind.use.path);
    if (plan.ns.cgroup.mode == Mode::join) return unsupported("criu can't restore into a given cgroup namespace");
    return {};
}

// Pipes that were its standard streams become ours of the same number.
Result<void> Restore::add_streams(CriuOptions& options) const {
    std::string text = TRY(sys::read_file(setup_.images + "/" + descriptors_file, size_t{64} << 10));
    auto names = TRY(json::decode_text<std::vector<std::string>>(text).context(descriptors_file));
    for (size_t i = 0; i < names.size() && i < 3; ++i)
        if (names[i].find("pipe:") != std::string::npos) options.inherited.emplace_back(names[i], static_cast<int>(i));
    return {};
}

Result<void> Restore::describe(const runtime::Plan& plan, const Container& container, CriuOptions& options) {
    options.root = context_.store.folder(container.id) + "/criu-root";
    options.evasive_devices = true;
    options.restore_as_sibling = true;
    options.config_file = criu_config_file(container.annotations);
    TRY(add_namespaces(plan, options));
    TRY(add_streams(options));
    for (const auto& mount : plan.mounts)
        if (mount.kind == runtime::MountPlan::Kind::bind)
            options.external_mounts.emplace_back(mount.target, mount.source);
    return {};
}

// What the binds will be mounted on; below another mount CRIU finds it there.
Result<void> make_targets(const runtime::Plan& plan) {
    UniqueFd root = TRY(sys::open(plan.rootfs.path, O_PATH | O_DIRECTORY));
    auto below_other = [&](const runtime::MountPlan& mount) {
        for (const auto& other : plan.mounts)
            if (&other != &mount && mount.target.starts_with(other.target + "/")) return true;
        return false;
    };
    for (const auto& mount : plan.mounts) {
        if (below_other(mount)) continue;
        bool folder = true;
        if (mount.kind == runtime::MountPlan::Kind::bind) folder = S_ISDIR(TRY(sys::stat(mount.source)).st_mode);
        auto made = folder ? sys::make_folders_beneath(root, mount.target, 0755)
                           : sys::make_file_beneath(root, mount.target, 0644);
        TRY((made.ok() ? Result<void>() : Result<void>(made.error())).context("mount " + mount.target));
    }
    return {};
}

// In the child, in a mount namespace of its own, so that nothing is left of it:
// CRIU wants the root to be a mount.
Result<void> mount_root(const std::string& rootfs, const std::string& place) {
    TRY(sys::unshare(CLONE_NEWNS));
    TRY(sys::mount_propagation("/", MS_REC | MS_SLAVE));
    UniqueFd tree = TRY(sys::clone_tree({}, rootfs, sys::Depth::all_below));
    return sys::attach_mount(tree, place);
}

// CRIU makes its processes where it is itself.
Result<void> enter_cgroups(const kernel::cgroup::Plan& places, pid_t criu, CriuOptions& options) {
    for (const auto& dir : places.dirs) TRY(sys::write_existing(dir.folder() + "/cgroup.procs", std::to_string(criu)));
    std::string text = TRY(sys::read_file("/proc/" + std::to_string(criu) + "/cgroup"));
    for (std::string_view rest = text; !rest.empty();) { // "4:memory:/path"
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        size_t first = line.find(':'), second = line.find(':', first + 1);
        if (first == line.npos || second == line.npos) continue;
        options.cgroup_roots.emplace_back(line.substr(first + 1, second - first - 1), line.substr(second + 1));
    }
    return {};
}

// CRIU works in its folders by way of our descriptors, which have to be of its
// own mount namespace: it mounts there.
Result<void> Restore::open_folders_for(pid_t criu, CriuOptions& options) {
    const std::string root = "/proc/" + std::to_string(criu) + "/root";
    setup_.images_dir = TRY(sys::open(root + setup_.images, O_RDONLY | O_DIRECTORY));
    options.images_dir = setup_.images_dir.get();
    if (!setup_.work_dir) return {};
    setup_.work_dir = TRY(sys::open(root + setup_.log_folder, O_RDONLY | O_DIRECTORY));
    options.work_dir = setup_.work_dir.get();
    return {};
}

Result<void> Restore::notified(CriuNotification& notification, const OnWay& on_way, Followed& into) const {
    const std::string& script = notification.script;
    if ((script == "setup-namespaces" || script == "post-restore") && notification.pid > 0) {
        into.pid = notification.pid;
        TRY(on_way.made(into.pid));
    }
    if (script == "setup-namespaces") TRY(on_way.at_hooks());
    if (script == "orphan-pts-master" && notification.fd) {
        if (!options_.console) {
            into.terminal = std::move(notification.fd);
            return {};
        }
        std::array<BorrowedFd, 1> master{notification.fd};
        TRY(sys::send_message(options_.console, script, master).context("send the terminal to the console socket"));
    }
    return {};
}

Result<void> Restore::run(const runtime::Plan& plan, const Container& container, const OnWay& on_way, Followed& into) {
    TRY(make_targets(plan));
    CriuRun run;
    run.program = context_.criu;
    run.type = CriuRequest::restore;
    run.log = setup_.log_folder + "/restore.log";
    run.options = setup_.options;
    TRY(describe(plan, container, run.options));
    run.inherited = inherited_;
    TRY(sys::mkdir(run.options.root, 0700));
    TRY(kernel::cgroup::create(plan.cgroup));
    run.in_child = [&] { return mount_root(plan.rootfs.path, run.options.root); };
    run.started = [&](pid_t criu, CriuOptions& options) -> Result<void> {
        TRY(open_folders_for(criu, options));
        return enter_cgroups(plan.cgroup, criu, options);
    };
    run.notified = [&](CriuNotification& notification) { return notified(notification, on_way, into); };
    TRY(run_criu(run, context_.log));
    TRY(sys::rmdir(run.options.root));
    if (into.pid <= 0) return Error(ErrorKind::internal, "criu restored nothing");
    into.pidfd = TRY(sys::pidfd_open(into.pid));
    return {};
}

} // namespace

Result<int> run_restore(Context& context, const Args& args) {
    bool detached = args.has("detach");
    auto restore = [&]() -> Result<Made> {
        StartOptions options = TRY(StartOptions::from(args));
        TRY(check_console(options, detached));
        Restore restore(context, options, TRY(CriuSetup::from(args, "restore.log")));
        options.instead_of_launch = [&](const runtime::Plan& plan, const Container& container, const OnWay& on_way,
                                        Followed& into) { return restore.run(plan, container, on_way, into); };
        return make_container(context, args.words()[0], options, runtime::Gate::none);
    };
    std::optional<sys::SignalQueue> signals;
    if (!detached) signals.emplace(TRY(hold_signals()));
    Made made = TRY(restore());
    made.lock.reset();
    if (detached) return 0;
    int code = TRY(attend(made.container.pid, std::move(made.terminal), *signals));
    TRY(destroy_unless_gone(context, made.container));
    return code;
}

} // namespace hull::oci_runtime
