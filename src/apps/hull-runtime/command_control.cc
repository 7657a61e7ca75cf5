// kill, delete, pause, resume.

#include <csignal>

#include "apps/hull-runtime/environment.h"
#include "apps/hull-runtime/flag_values.h"
#include "apps/hull-runtime/making.h"
#include "apps/hull-runtime/placing.h"
#include "apps/hull-runtime/processes.h"
#include "sys/directory.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/pidfd.h"
#include "sys/process.h"
#include "sys/sleep.h"

namespace hull::oci_runtime {

namespace {

// A descriptor of init that surely is this container's.
Result<UniqueFd> init_of(const Container& container) {
    UniqueFd init = TRY(sys::pidfd_open(container.pid));
    if (!is_alive(container)) return Error(ErrorKind::conflict, "container not running");
    return init;
}

// How many took it.
Result<size_t> signal_all(Context& context, const Container& container, int signal) {
    size_t reached = 0;
    for (pid_t pid : TRY(processes_of(context, container)))
        if (auto fd = sys::pidfd_open(pid); fd.ok() && sys::pidfd_signal(*fd, signal).ok()) ++reached;
    return reached;
}

Result<bool> has_own_pids(const Context& context, const Container& container) {
    auto plan = TRY(context.store.load_plan(container.id));
    return plan.ns.pid.mode == runtime::NamespaceUse::Mode::fresh;
}

} // namespace

Result<int> run_kill(Context& context, const Args& args) {
    // A signal is one step, safe beside anything; but what was asked for before
    // comes first. Not for long: it may hang, and this be the cure.
    constexpr int patience_ms = 2000;
    auto lock = context.store.lock(args.words()[0], sys::Sharing::shared, patience_ms);
    if (!lock.ok() && lock.error().kind() != ErrorKind::timed_out) return std::move(lock).error();
    Container container = TRY(context.store.load(args.words()[0]));
    int signal = args.words().size() > 1 ? TRY(parse_signal(args.words()[1])) : SIGTERM;
    TRY(context.need_cgroups());
    if (args.has("all")) {
        TRY(signal_all(context, container, signal));
    } else {
        auto init = init_of(container);
        // The kernel ends all of a pid namespace with its init; without one of
        // its own nobody would, also when init has gone before them.
        size_t reached = 0;
        if (signal == SIGKILL && !TRY(has_own_pids(context, container))) {
            auto others = signal_all(context, container, signal);
            // Without a cgroup nobody knows who they are.
            if (!others.ok() && init.ok() && others.error().kind() != ErrorKind::unsupported)
                return std::move(others).error();
            if (others.ok()) reached = *others;
        }
        if (!init.ok() && reached == 0) return Error(ErrorKind::conflict, "container not running");
        if (init.ok()) TRY(sys::pidfd_signal(*init, signal));
    }
    // v1 keeps even SIGKILL from frozen processes.
    if (signal == SIGKILL) (void)context.cgroups->thaw(container.cgroup_path);
    return 0;
}

namespace {

Result<void> remove_cgroup(Context& context, const Container& container) {
    if (container.cgroup_path.empty()) return {};
    auto places = TRY(context.cgroups->locate(container.cgroup_path));
    places.scope = scope_of(container);
    constexpr int short_patience_ms = 100;
    auto removed = kernel::cgroup::remove(places, short_patience_ms);
    if (!removed.ok() && removed.error().kind() == ErrorKind::conflict) {
        // Without a pid namespace of its own the others outlive init.
        TRY(context.cgroups->kill_all(container.cgroup_path));
        removed = kernel::cgroup::remove(places);
    }
    remove_default_cgroup_parent(context, container.cgroup_path);
    return removed;
}

// created: init waits at the gate; it goes like one that runs.
Result<void> kill_init(const Container& container) {
    auto init = sys::pidfd_open(container.pid);
    if (!init.ok() || !is_alive(container)) return {};
    TRY(sys::pidfd_signal(*init, SIGKILL));
    sys::Backoff backoff(10'000);
    while (!sys::pidfd_ended(*init))
        if (!backoff.wait()) return Error(ErrorKind::timed_out, "container init still running");
    return {};
}

} // namespace

Result<void> destroy(Context& context, const Container& container) {
    TRY(context.need_cgroups());
    auto spec = context.store.load_spec(container.id);
    TRY(remove_cgroup(context, container));
    if (spec.ok()) {
        TRY(strip(container, *spec));
        // Nothing else takes it off.
        if (shares_mounts(*spec)) (void)sys::unmount_lazily(container.rootfs);
    }
    TRY(context.store.erase(container.id));
    if (!spec.ok() || !spec->hooks) return {};
    run_poststop(context, container, spec->hooks->poststop);
    return {};
}

namespace {

// What a create left that was killed, or is at work: then it fails.
Result<void> remove_unfinished(Context& context, const std::string& id) {
    auto plan = context.store.load_plan(id);
    if (plan.ok() && !plan->cgroup.dirs.empty()) {
        TRY(context.need_cgroups());
        auto killed = context.cgroups->kill_all(plan->cgroup.dirs.front().path);
        if (!killed.ok() && killed.error().kind() != ErrorKind::not_found) return killed;
        TRY(kernel::cgroup::remove(plan->cgroup));
        remove_default_cgroup_parent(context, plan->cgroup.dirs.front().path);
    }
    return {};
}

// By force whoever has the lock is given time to finish, and then not asked any more.
Result<UniqueFd> lock_for_delete(Context& context, const std::string& id, bool force) {
    constexpr int short_patience_ms = 500, long_patience_ms = 10'000;
    auto lock = context.store.lock(id, sys::Sharing::exclusive, force ? short_patience_ms : 30'000);
    if (lock.ok() || !force || lock.error().kind() != ErrorKind::timed_out) return lock;
    auto container = context.store.load(id);
    if (container.ok())
        (void)context.cgroups->kill_all(container->cgroup_path);
    else
        (void)remove_unfinished(context, id);
    lock = context.store.lock(id, sys::Sharing::exclusive, long_patience_ms);
    if (!lock.ok() && lock.error().kind() == ErrorKind::timed_out) return UniqueFd();
    return lock;
}

Result<void> delete_locked(Context& context, const std::string& id, bool force) {
    auto loaded = context.store.load(id);
    if (!loaded.ok()) {
        // Not there, or not readable: its create was killed early.
        if (!force && loaded.error().kind() != ErrorKind::corrupt) return std::move(loaded).error();
        TRY(remove_unfinished(context, id));
        return context.store.erase(id);
    }
    const Container& container = *loaded;
    Status status = status_of(container, context.store, *context.cgroups);
    bool runs = status == Status::running || status == Status::paused;
    if (runs && !force)
        return Error(ErrorKind::conflict, "cannot delete container " + id + " that is not stopped: " + name_of(status));
    if (status != Status::stopped) {
        if (status == Status::paused) (void)context.cgroups->thaw(container.cgroup_path);
        TRY(kill_init(container));
    }
    return destroy(context, container);
}

} // namespace

Result<int> run_delete(Context& context, const Args& args) {
    const std::string& id = args.words()[0];
    bool force = args.has("force");
    TRY(context.need_cgroups());
    auto lock = lock_for_delete(context, id, force);
    if (!lock.ok()) {
        if (force && lock.error().kind() == ErrorKind::not_found) return 0;
        return std::move(lock).error();
    }
    TRY(delete_locked(context, id, force));
    return 0;
}

Result<int> run_pause(Context& context, const Args& args) {
    UniqueFd lock = TRY(context.store.lock(args.words()[0]));
    Container container = TRY(context.store.load(args.words()[0]));
    TRY(context.need_cgroups());
    Status status = status_of(container, context.store, *context.cgroups);
    if (status != Status::running && status != Status::created)
        return Error(ErrorKind::conflict, "container not running");
    TRY(need_cgroup_of(container, "pause"));
    TRY(context.cgroups->freeze(container.cgroup_path));
    return 0;
}

Result<int> run_resume(Context& context, const Args& args) {
    UniqueFd lock = TRY(context.store.lock(args.words()[0]));
    Container container = TRY(context.store.load(args.words()[0]));
    TRY(context.need_cgroups());
    if (status_of(container, context.store, *context.cgroups) != Status::paused)
        return Error(ErrorKind::conflict, "container not paused");
    TRY(context.cgroups->thaw(container.cgroup_path));
    return 0;
}

} // namespace hull::oci_runtime
