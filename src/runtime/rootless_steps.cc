#include "runtime/rootless_steps.h"

#include <array>

#include "kernel/cgroup/own_places.h"
#include "kernel/subordinate_ids.h"
#include "runtime/bound_devices.h"
#include "runtime/id_map.h"
#include "runtime/rootfs.h"
#include "runtime/user_namespace.h"
#include "sys/credentials.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/process.h"

namespace hull::runtime {

namespace {

Result<void> make_own_namespaces(Launching& l) {
    TRY(open_other_namespaces(l));
    // Made below, by this process: what it mounts there is seen by init.
    l.fresh &= ~uint64_t{CLONE_NEWNS};
    // Its /proc files must be the user's, for the maps and the OOM score.
    TRY(sys::set_dumpable());
    const NamespaceUse& user = l.plan.ns.user;
    if (user.mode == NamespaceUse::Mode::fresh) {
        auto uids = kernel_map(l.plan.uid_map);
        auto gids = kernel_map(l.plan.gid_map);
        l.user_ns = TRY(kernel::make_user_namespace_unprivileged({uids, gids}));
    } else if (user.mode == NamespaceUse::Mode::join) {
        l.user_ns = TRY(open_namespace(l, user).context("user namespace"));
    }
    return {};
}

Result<void> prepare_as_user(Launching& l) {
    TRY(prepare_unprivileged({l.plan.process, l.plan.uid_map, l.plan.gid_map, l.stdio}));
    TRY(open_own_proc(l));
    return sys::set_not_dumpable();
}

Result<void> enter_cgroup(Launching& l) {
    TRY(kernel::cgroup::create(l.plan.cgroup));
    l.late_limits = TRY(kernel::cgroup::open_late(l.plan.cgroup));
    l.cgroup = TRY(join_cgroups_unprivileged(l.plan.cgroup, l.plan.uid_map));
    return {};
}

// Namespaces of the outer user namespace can be joined only before the inner
// one is entered, those of the inner one only afterwards.
Result<void> join_what_can_be(std::vector<JoinedNamespace>& joined) {
    std::vector<JoinedNamespace> left;
    for (auto& one : joined) {
        auto entered = sys::setns(one.fd, one.clone_flag);
        if (entered.ok()) continue;
        if (entered.error().code() != EPERM) return entered;
        left.push_back(std::move(one));
    }
    joined = std::move(left);
    return {};
}

Result<void> enter_namespaces(Launching& l) {
    TRY(join_what_can_be(l.joined));
    if (l.user_ns) {
        drop_groups();
        TRY(sys::setns(l.user_ns, CLONE_NEWUSER).context("enter the user namespace"));
        TRY(join_what_can_be(l.joined));
    }
    if (!l.joined.empty())
        return Error(ErrorKind::forbidden, "a namespace to be joined belongs to a user namespace in which this user "
                                           "has no privileges")
            .with_code(EPERM);
    TRY(make_time_namespace(l));
    // Copies of mounts can be made only in a mount namespace of one's own.
    auto own = sys::unshare(CLONE_NEWNS);
    if (!own.ok() && own.error().code() == EPERM && !l.user_ns)
        return Error(ErrorKind::forbidden, "without privileges a container needs a user namespace of its own (an "
                                           "entry \"user\" in linux.namespaces)")
            .with_code(EPERM);
    TRY(std::move(own).context("make a mount namespace"));
    return prepare_for_mounts(l);
}

// ---- with the caller's ids -----------------------------------------------------

Result<void> copy_root(Launching& l) {
    l.rootfs = TRY(make_rootfs(l.plan.rootfs, Ownership{}));
    return {};
}

Result<PreparedMount> copy_bind(const Launching& l, const MountPlan& plan) {
    if (plan.idmap != MountPlan::IdMap::none)
        return Error(ErrorKind::unsupported, "id-mapped mounts need privileges on the host; leave out idmap, ridmap, "
                                             "uidMappings and gidMappings");
    auto copy = prepare_bind(l, plan);
    if (!copy.ok() && copy.error().code() == EINVAL && !plan.recursive)
        return std::move(copy).error().context("what is mounted below the source can't be left out without privileges "
                                               "on the host (use rbind)");
    return copy;
}

// Every mount of the plan gets its entry; those that are made come later.
Result<void> copy_sources(Launching& l) {
    for (const auto& plan : l.plan.mounts) {
        auto in_mount = [&] { return "mount " + plan.target; };
        if (plan.kind == MountPlan::Kind::bind)
            l.mounts.push_back(TRY(copy_bind(l, plan).context(in_mount)));
        else
            l.mounts.emplace_back();
    }
    return {};
}

// ---- with the container's ------------------------------------------------------

Result<void> take_ids(Launching& l) { return l.user_ns ? become_inside_root_unprivileged() : Result<void>(); }

Ownership own_ids() {
    auto self = sys::identity();
    return Ownership{{}, self.effective_uid, self.effective_gid};
}

// Without a folder of its own in a hierarchy the container sees the one that
// it is in all the same.
Result<std::vector<kernel::cgroup::Dir>> visible_cgroups(const Launching& l) {
    // Not in it yet (CLONE_INTO_CGROUP).
    for (const auto& dir : l.plan.cgroup.dirs)
        if (dir.unified) return l.plan.cgroup.dirs;
    return kernel::cgroup::own_places();
}

Result<void> make_mounts(Launching& l) {
    for (size_t i = 0; i < l.plan.mounts.size(); ++i) {
        const MountPlan& plan = l.plan.mounts[i];
        auto in_mount = [&] { return "mount " + plan.target; };
        if (plan.kind == MountPlan::Kind::dev) {
            l.mounts[i] = TRY(make_dev_of_bound(l.plan, plan).context(in_mount));
            l.devices_in_dev = true;
        } else if (plan.kind == MountPlan::Kind::cgroup) {
            auto dirs = TRY(visible_cgroups(l));
            l.mounts[i] = TRY(prepare_cgroup(plan, dirs, own_ids()).context(in_mount));
        }
    }
    l.bound_devices = TRY(bind_other_devices(l.plan, l.devices_in_dev));
    return {};
}

constexpr std::array<Step<Launching>, 8> rootless_list{{
    {"namespaces", make_own_namespaces},
    {"process", prepare_as_user},
    {"cgroup", enter_cgroup},
    {"enter namespaces", enter_namespaces},
    {"rootfs", copy_root},
    {"mount sources", copy_sources},
    {"inside ids", take_ids},
    {"made mounts", make_mounts},
}};

} // namespace

std::span<const Step<Launching>> rootless_steps() { return rootless_list; }

Result<void> prepare_unprivileged(const EnterProcess& enter) {
    auto scored = set_oom_score(enter);
    if (!scored.ok() && scored.error().code() != EACCES && scored.error().code() != EPERM) return scored;
    TRY(set_priorities(enter));
    return raise_limits(enter);
}

Result<UniqueFd> join_cgroups_unprivileged(const CgroupPlan& cgroup, std::span<const IdRange> uid_map) {
    if (to_outside(uid_map, 0) == sys::identity().effective_uid) {
        TRY(kernel::cgroup::join(cgroup));
        return kernel::cgroup::open_for_clone(cgroup);
    }
    TRY(kernel::cgroup::join_all(cgroup));
    return UniqueFd();
}

} // namespace hull::runtime
