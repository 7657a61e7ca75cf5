// checkpoint: the processes of a container into files, by CRIU.

#include <fcntl.h>

#include "apps/hull-runtime/checkpoint.h"
#include "apps/hull-runtime/criu.h"
#include "codec/json.h"
#include "sys/file.h"
#include "sys/pidfd.h"
#include "sys/process.h"
#include "sys/sleep.h"

namespace hull::oci_runtime {

namespace {

using Mode = runtime::NamespaceUse::Mode;

Result<void> check_parent(const CriuSetup& setup, const std::string& parent) {
    if (parent.empty()) return {};
    if (parent.starts_with('/')) return invalid("--parent-path must be relative");
    auto info = sys::stat(setup.images + "/" + parent);
    if (info.ok() && !S_ISDIR(info->st_mode)) info = Error::from_errno("stat", setup.images + "/" + parent, ENOTDIR);
    if (!info.ok()) return std::move(info).error().context("invalid --parent-path");
    return {};
}

// A network or pid namespace that came by path stays where it is.
Result<void> add_external_namespaces(const runtime::Plan& plan, pid_t init, CriuOptions& options) {
    struct Kind {
        const runtime::NamespaceUse& use;
        const char* name;
    };
    for (const Kind& kind : {Kind{plan.ns.net, "net"}, Kind{plan.ns.pid, "pid"}}) {
        if (kind.use.mode != Mode::join) continue;
        auto info = TRY(sys::stat("/proc/" + std::to_string(init) + "/ns/" + kind.name));
        options.external.push_back(std::string(kind.name) + "[" + std::to_string(info.st_ino) +
                                   "]:" + external_namespace_key(kind.name));
    }
    return {};
}

// v1: the freezer's folder, v2: the one there is.
std::string freezer_of(const kernel::cgroup::Plan& places) {
    for (const auto& dir : places.dirs)
        if (dir.unified || dir.name == "freezer") return dir.folder();
    return {};
}

Result<void> describe_container(const Context& context, const Container& container, const runtime::Plan& plan,
                                CriuOptions& options) {
    options.pid = container.pid;
    options.root = container.rootfs;
    options.config_file = criu_config_file(container.annotations);
    options.freeze_cgroup = freezer_of(TRY(context.cgroups->locate(container.cgroup_path)));
    TRY(add_external_namespaces(plan, container.pid, options));
    for (const auto& mount : plan.mounts)
        if (mount.kind == runtime::MountPlan::Kind::bind)
            options.external_mounts.emplace_back(mount.target, mount.target);
    return {};
}

// --status-fd: told once the server of lazy pages is there.
class StatusFd {
public:
    static Result<StatusFd> from(const Args& args) {
        StatusFd status;
        std::string text = args.value("status-fd");
        if (text.empty() || text == "-1") return status;
        int64_t number = TRY(args.number("status-fd", -1));
        if (!sys::exists("/proc/self/fd/" + std::to_string(number)))
            return invalid("invalid --status-fd argument " + text + ": it is not open");
        status.fd_.reset(static_cast<int>(number));
        return status;
    }
    void ready() {
        if (fd_) (void)sys::write_all(fd_, std::string_view("\0", 1));
        fd_.reset();
    }

private:
    UniqueFd fd_;
};

Result<void> dump(Context& context, const Container& container, const Args& args, bool pre_dump) {
    CriuSetup setup = TRY(CriuSetup::from(args, "dump.log"));
    TRY(check_parent(setup, args.value("parent-path")));
    StatusFd status = TRY(StatusFd::from(args));
    CriuRun run;
    run.program = context.criu;
    run.type = pre_dump ? CriuRequest::pre_dump : CriuRequest::dump;
    run.log = setup.log_folder + "/dump.log";
    run.options = setup.options;
    run.options.leave_running = args.has("leave-running");
    run.options.parent_images = args.value("parent-path");
    auto plan = TRY(context.store.load_plan(container.id));
    TRY(describe_container(context, container, plan, run.options));
    run.notified = [&](CriuNotification& notification) -> Result<void> {
        if (notification.script == "status-ready") status.ready();
        return {};
    };
    if (!pre_dump)
        TRY(sys::replace_file(setup.images + "/" + descriptors_file, json::print(json::encode(container.descriptors)),
                              0600));
    return run_criu(run, context.log);
}

} // namespace

Result<int> run_checkpoint(Context& context, const Args& args) {
    const std::string& id = args.words()[0];
    UniqueFd lock = TRY(context.store.lock(id));
    Container container = TRY(context.store.load(id));
    TRY(context.need_cgroups());
    Status status = status_of(container, context.store, *context.cgroups);
    if (status != Status::running && status != Status::paused)
        return Error(ErrorKind::conflict,
                     std::string("Container cannot be checkpointed in ") + name_of(status) + " state");
    bool pre_dump = args.has("pre-dump");
    TRY(dump(context, container, args, pre_dump));
    if (pre_dump || args.has("leave-running")) return 0;
    // CRIU has ended it; what is left of it goes.
    sys::Backoff backoff(2000);
    while (is_alive(container) && backoff.wait()) {}
    auto destroyed = destroy(context, container);
    if (!destroyed.ok()) context.log.warning(destroyed.error().message());
    return 0;
}

} // namespace hull::oci_runtime
