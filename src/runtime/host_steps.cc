#include "runtime/host_steps.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "kernel/bind.h"
#include "kernel/locked_flags.h"
#include "kernel/namespaces.h"
#include "runtime/device_tree.h"
#include "runtime/id_map.h"
#include "runtime/rootfs.h"
#include "runtime/user_namespace.h"
#include "sys/credentials.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/scheduling.h"
#include "sys/tree.h"

namespace hull::runtime {

namespace {

using Mode = NamespaceUse::Mode;

Result<BorrowedFd> given_fd(const Launching& l, FdIndex index) {
    if (index < 0 || static_cast<size_t>(index) >= l.fds.size())
        return Error(ErrorKind::invalid_argument, "descriptor " + std::to_string(index) + " was not sent");
    return l.fds[static_cast<size_t>(index)];
}

} // namespace

Result<UniqueFd> open_namespace(const Launching& l, const NamespaceUse& use) {
    if (use.fd == no_fd) return sys::open(use.path, O_RDONLY);
    return sys::duplicate_above(TRY(given_fd(l, use.fd)), 3);
}

namespace {

Result<void> check_kind(BorrowedFd fd, const NamespaceUse& use, uint64_t clone_flag) {
    if (use.fd != no_fd) return {};
    auto kind = sys::namespace_kind(fd);
    if (kind.ok() && *kind == clone_flag) return {};
    return Error(ErrorKind::invalid_argument, use.path + " is not a namespace of this kind");
}

struct NamespaceMember {
    NamespaceUse Namespaces::* use;
    uint64_t clone_flag;
    const char* name;
};
// All but the user namespace, which is entered last.
constexpr std::array<NamespaceMember, 7> members_of_plan{{
    {&Namespaces::net, CLONE_NEWNET, "network namespace"},
    {&Namespaces::ipc, CLONE_NEWIPC, "ipc namespace"},
    {&Namespaces::uts, CLONE_NEWUTS, "uts namespace"},
    {&Namespaces::pid, CLONE_NEWPID, "pid namespace"},
    {&Namespaces::cgroup, CLONE_NEWCGROUP, "cgroup namespace"},
    {&Namespaces::time, sys::abi::clone_newtime, "time namespace"},
    {&Namespaces::mount, CLONE_NEWNS, "mount namespace"},
}};

} // namespace

bool is_parted_from_host(const Plan& plan) {
    if (sys::mount_way() == sys::MountWay::detached) return true;
    return std::ranges::none_of(plan.mounts, [](const auto& m) { return m.propagation & MS_SHARED; });
}

Result<void> prepare_for_mounts(Launching& l) {
    if (sys::mount_way() == sys::MountWay::detached) return {};
    // The namespace they are staged in does for init, if it is to belong to the
    // same user namespace.
    if (!l.user_ns) l.fresh &= ~uint64_t{CLONE_NEWNS};
    return sys::prepare_for_mounts(is_parted_from_host(l.plan) ? MS_SLAVE | MS_REC : MS_SLAVE);
}

Result<void> open_other_namespaces(Launching& l) {
    for (const auto& member : members_of_plan) {
        const NamespaceUse& use = l.plan.ns.*member.use;
        // clone(2) makes no time namespaces: unshare(2) does, see join_namespaces().
        if (use.mode == Mode::fresh && member.clone_flag != sys::abi::clone_newtime) l.fresh |= member.clone_flag;
        if (use.mode != Mode::join) continue;
        if (member.clone_flag == CLONE_NEWNS && sys::mount_way() == sys::MountWay::staged)
            return Error(ErrorKind::unsupported, "to join a mount namespace takes mount_setattr (Linux 5.12), which "
                                                 "this kernel or the sandbox around it doesn't have");
        UniqueFd fd = TRY(open_namespace(l, use).context(member.name));
        TRY(check_kind(fd, use, member.clone_flag).context(member.name));
        l.joined.push_back({std::move(fd), member.clone_flag});
    }
    return {};
}

namespace {

Result<void> open_namespaces(Launching& l) {
    TRY(open_other_namespaces(l));
    const NamespaceUse& user = l.plan.ns.user;
    if (user.mode == Mode::fresh)
        l.user_ns = TRY(kernel::make_user_namespace(kernel_map(l.plan.uid_map), kernel_map(l.plan.gid_map)));
    else if (user.mode == Mode::join)
        l.user_ns = TRY(open_namespace(l, user).context("user namespace"));
    if (user.mode == Mode::join) TRY(check_kind(l.user_ns, user, CLONE_NEWUSER).context("user namespace"));
    // Only now: who has something mounted over its "/" may not make user namespaces.
    return prepare_for_mounts(l);
}

Result<uint32_t> outside(std::span<const IdRange> map, uint32_t inside) {
    auto id = to_outside(map, inside);
    if (!id)
        return Error(ErrorKind::invalid_argument,
                     "id " + std::to_string(inside) + " is not in the container's user namespace");
    return *id;
}

bool may_write_cgroups(const Plan& plan) {
    if (plan.ns.cgroup.mode != Mode::fresh || plan.ns.user.mode == Mode::host) return false;
    return std::ranges::any_of(plan.mounts, [](const MountPlan& mount) {
        return mount.kind == MountPlan::Kind::cgroup && !(mount.attr_set & MOUNT_ATTR_RDONLY);
    });
}

// The OCI specification's "cgroup ownership".
Result<void> hand_over_cgroup(const Launching& l) {
    if (!may_write_cgroups(l.plan)) return {};
    const ProcessPlan& process = l.plan.process;
    return kernel::cgroup::hand_over(l.plan.cgroup, TRY(outside(l.plan.uid_map, process.uid)),
                                     TRY(outside(l.plan.gid_map, process.gid)));
}

Result<void> make_cgroup(Launching& l) {
    TRY(kernel::cgroup::create(l.plan.cgroup));
    TRY(hand_over_cgroup(l));
    bool in_scope = !l.plan.cgroup.scope.unit.empty(); // where init will be born anyway
    bool leaves = l.plan.ns.user.mode != Mode::host || l.plan.ns.cgroup.mode == Mode::join;
    if (!in_scope && !leaves) l.cgroup = TRY(kernel::cgroup::open_for_clone(l.plan.cgroup));
    l.late_limits = TRY(kernel::cgroup::open_late(l.plan.cgroup));
    return {};
}

Result<Ownership> ownership(const Launching& l) {
    return Ownership{l.user_ns, TRY(outside(l.plan.uid_map, 0)), TRY(outside(l.plan.gid_map, 0))};
}

Result<void> make_root(Launching& l) {
    Ownership owner = TRY(ownership(l));
    l.rootfs = TRY(make_rootfs(l.plan.rootfs, owner));
    return {};
}

Result<bool> is_folder(BorrowedFd fd) { return S_ISDIR(TRY(sys::stat_fd(fd)).st_mode); }

// A copy of a shared mount is shared with it; what isn't asked for becomes a
// slave, so that nothing mounted inside shows outside.
uint64_t propagation_of(const MountPlan& plan) { return plan.propagation == 0 ? MS_SLAVE | MS_REC : plan.propagation; }

sys::MountAttributes attributes_for_all(const MountPlan& plan) {
    sys::MountAttributes attributes;
    attributes.propagation = propagation_of(plan) & ~uint64_t{MS_REC};
    attributes.set = plan.attr_set_rec;
    attributes.clear = plan.attr_clear_rec;
    return attributes;
}

Result<void> dress_part(const MountPlan& plan, BorrowedFd tree) {
    sys::MountAttributes attributes = attributes_for_all(plan);
    if (!(propagation_of(plan) & MS_REC)) attributes.propagation = MS_SLAVE;
    return sys::set_mount_attributes(tree, "", sys::Depth::one, attributes);
}

// Attributes for the topmost mount, attributes for all, propagation.
Result<void> dress_bind(const MountPlan& plan, BorrowedFd tree) {
    uint64_t propagation = propagation_of(plan);
    sys::MountAttributes spread = attributes_for_all(plan);
    bool all = plan.recursive && (propagation & MS_REC || spread.set || spread.clear);
    TRY(kernel::change_mount(tree, all ? sys::Depth::all_below : sys::Depth::one, spread));
    if (!plan.attr_set && !plan.attr_clear) return {};
    sys::MountAttributes top;
    top.set = plan.attr_set;
    top.clear = plan.attr_clear;
    return kernel::change_mount(tree, sys::Depth::one, top);
}

// "/proc/<pid>/root/<path>": what another container has there. The kernel copies
// a mount only from inside its namespace, so go there and come back.
std::optional<std::pair<std::string, std::string>> foreign_source(const std::string& source) {
    constexpr std::string_view proc = "/proc/", root = "/root/";
    if (!source.starts_with(proc)) return std::nullopt;
    size_t end = source.find_first_not_of("0123456789", proc.size());
    if (end == source.npos || end == proc.size() || source.compare(end, root.size(), root) != 0) return std::nullopt;
    return std::pair{source.substr(0, end), source.substr(end + root.size() - 1)};
}

Result<PreparedMount> prepare_foreign_bind(const MountPlan& plan, const std::string& process, const std::string& path) {
    if (sys::mount_way() == sys::MountWay::staged)
        return Error(ErrorKind::unsupported, "a mount of another container can't be shared without mount_setattr "
                                             "(Linux 5.12), which this kernel or the sandbox around it doesn't have");
    UniqueFd own = TRY(sys::open("/proc/self/ns/mnt", O_RDONLY));
    UniqueFd theirs = TRY(sys::open(process + "/ns/mnt", O_RDONLY));
    auto copy = [&]() -> Result<UniqueFd> {
        UniqueFd source = TRY(sys::open(path, O_PATH));
        return sys::clone_tree(source, "", sys::Depth::one);
    };
    TRY(sys::setns(theirs, CLONE_NEWNS));
    auto tree = copy();
    TRY(sys::setns(own, CLONE_NEWNS));
    PreparedMount mount;
    mount.tree = TRY(std::move(tree));
    mount.is_folder = TRY(is_folder(mount.tree));
    TRY(dress_bind(plan, mount.tree));
    return mount;
}

} // namespace

Result<PreparedMount> prepare_bind(const Launching& l, const MountPlan& plan) {
    if (auto foreign = foreign_source(plan.source)) return prepare_foreign_bind(plan, foreign->first, foreign->second);
    UniqueFd opened;
    BorrowedFd source;
    if (plan.source_fd != no_fd) {
        source = TRY(given_fd(l, plan.source_fd));
    } else {
        opened = TRY(sys::open(plan.source, O_PATH));
        source = opened;
    }
    UniqueFd own_map;
    BorrowedFd user_ns;
    if (plan.idmap == MountPlan::IdMap::container) user_ns = l.user_ns;
    if (plan.idmap == MountPlan::IdMap::own) {
        own_map = TRY(kernel::make_user_namespace(kernel_map(plan.uid_map), kernel_map(plan.gid_map)));
        user_ns = own_map;
    }
    PreparedMount mount;
    mount.is_folder = TRY(is_folder(source));
    auto bound =
        TRY(kernel::clone_for_container(source, plan.source, plan.recursive ? sys::Depth::all_below : sys::Depth::one,
                                        user_ns, plan.idmap_recursive ? sys::Depth::all_below : sys::Depth::one));
    TRY(dress_bind(plan, bound.tree));
    for (const auto& part : bound.parts) TRY(dress_part(plan, part.tree));
    mount.tree = std::move(bound.tree);
    mount.parts = std::move(bound.parts);
    return mount;
}

namespace {

Result<UniqueFd> cgroup_folder(const MountPlan& plan, const kernel::cgroup::Dir& dir) {
    UniqueFd folder = TRY(sys::open(dir.folder(), O_PATH | O_DIRECTORY));
    UniqueFd tree = TRY(sys::clone_tree(folder, "", sys::Depth::one));
    sys::MountAttributes attributes;
    attributes.set = plan.attr_set;
    attributes.propagation = MS_PRIVATE;
    TRY(sys::set_mount_attributes(tree, "", sys::Depth::one, attributes));
    return tree;
}

// v1: a tmpfs with a folder for each hierarchy, and links for the parts of
// "cpu,cpuacct".
Result<UniqueFd> cgroup_shelf(const MountPlan& plan, std::span<const kernel::cgroup::Dir> dirs,
                              const Ownership& owner) {
    auto identity = TRY(FilesystemIdentity::assume(owner.root_uid, owner.root_gid));
    auto tmpfs = TRY(sys::NewFilesystem::open("tmpfs"));
    TRY(tmpfs.options("source=tmpfs,mode=755,size=64k"));
    UniqueFd shelf = TRY(tmpfs.mount(plan.attr_set & ~uint64_t{MOUNT_ATTR_RDONLY}));
    for (const auto& dir : dirs) {
        if (dir.name.empty()) continue;
        TRY(sys::make_dir_at(shelf, dir.name, 0755));
        if (dir.name.find(',') == dir.name.npos) continue;
        for (std::string_view rest = dir.name; !rest.empty();) {
            size_t comma = rest.find(',');
            TRY(sys::make_symlink_at(shelf, std::string(rest.substr(0, comma)), dir.name));
            rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
        }
    }
    sys::MountAttributes attributes;
    attributes.set = plan.attr_set;
    TRY(sys::set_mount_attributes(shelf, "", sys::Depth::one, attributes));
    return shelf;
}

} // namespace

Result<PreparedMount> prepare_cgroup(const MountPlan& plan, std::span<const kernel::cgroup::Dir> dirs,
                                     const Ownership& owner) {
    PreparedMount mount;
    if (dirs.size() == 1 && dirs.front().unified) {
        mount.tree = TRY(cgroup_folder(plan, dirs.front()));
        return mount;
    }
    mount.tree = TRY(cgroup_shelf(plan, dirs, owner));
    for (const auto& dir : dirs)
        if (!dir.name.empty()) mount.parts.push_back({dir.name, TRY(cgroup_folder(plan, dir))});
    return mount;
}

namespace {

// The files of an image, by its layers.
Result<PreparedMount> prepare_image(Launching& l, const MountPlan& plan) {
    RootfsPlan layers;
    layers.lower = plan.lower;
    layers.idmap = plan.idmap == MountPlan::IdMap::container;
    Rootfs made = TRY(make_rootfs(layers, TRY(ownership(l))));
    TRY(dress_bind(plan, made.mount));
    std::ranges::move(made.leftovers, std::back_inserter(l.rootfs.leftovers));
    PreparedMount mount;
    mount.tree = std::move(made.mount);
    mount.is_folder = true;
    return mount;
}

Result<PreparedMount> prepare_mount(Launching& l, const MountPlan& plan) {
    switch (plan.kind) {
    case MountPlan::Kind::bind: return plan.lower.empty() ? prepare_bind(l, plan) : prepare_image(l, plan);
    case MountPlan::Kind::cgroup: return prepare_cgroup(plan, l.plan.cgroup.dirs, TRY(ownership(l)));
    case MountPlan::Kind::dev: {
        PreparedMount mount;
        mount.tree = TRY(make_dev(l.plan, plan, TRY(ownership(l))));
        l.devices_in_dev = true;
        return mount;
    }
    case MountPlan::Kind::filesystem:
    case MountPlan::Kind::remount:
    case MountPlan::Kind::remount_bind: break;
    }
    return PreparedMount{};
}

Result<void> prepare_mounts(Launching& l) {
    for (const auto& plan : l.plan.mounts)
        l.mounts.push_back(TRY(prepare_mount(l, plan).context([&] { return "mount " + plan.target; })));
    l.device_shelf = TRY(make_device_shelf(l.plan, l.devices_in_dev, TRY(ownership(l))));
    return {};
}

EnterProcess entering(const Launching& l) { return {l.plan.process, l.plan.uid_map, l.plan.gid_map, l.stdio}; }

Result<void> prepare_process(Launching& l) {
    TRY(give_stdio(entering(l)));
    TRY(set_oom_score(entering(l)));
    TRY(set_priorities(entering(l)));
    TRY(open_own_proc(l));
    return raise_limits(entering(l));
}

Result<void> join_cgroup(Launching& l) {
    bool there = l.cgroup || !l.plan.cgroup.scope.unit.empty();
    return there ? kernel::cgroup::join(l.plan.cgroup) : kernel::cgroup::join_all(l.plan.cgroup);
}

Result<void> join_namespaces(Launching& l) {
    for (const auto& joined : l.joined) TRY(sys::setns(joined.fd, joined.clone_flag));
    l.joined.clear();
    if (l.user_ns) TRY(enter_user_namespace(l.user_ns));
    return make_time_namespace(l);
}

constexpr std::array<Step<Launching>, 4> host_list{{
    {"namespaces", open_namespaces},
    {"cgroup", make_cgroup},
    {"rootfs", make_root},
    {"mount sources", prepare_mounts},
}};

constexpr std::array<Step<Launching>, 3> entering_list{{
    {"process", prepare_process},
    {"join cgroup", join_cgroup},
    {"join namespaces", join_namespaces},
}};

} // namespace

std::span<const Step<Launching>> host_steps() { return host_list; }
std::span<const Step<Launching>> entering_steps() { return entering_list; }

Result<void> give_stdio(const EnterProcess& enter) {
    if (enter.uid_map.empty() || enter.process.terminal) return {};
    uint32_t uid = TRY(outside(enter.uid_map, 0));
    uint32_t gid = TRY(outside(enter.gid_map, 0));
    for (BorrowedFd fd : {enter.stdio.stdin_, enter.stdio.stdout_, enter.stdio.stderr_}) {
        if (!fd) continue;
        auto info = TRY(sys::stat_fd(fd));
        if (S_ISFIFO(info.st_mode)) TRY(sys::change_owner(fd, uid, gid).context("standard streams"));
    }
    return {};
}

Result<void> raise_limits(const EnterProcess& enter) {
    for (const auto& wanted : enter.process.rlimits) {
        auto now = TRY(sys::get_limit(wanted.resource));
        if (wanted.hard <= now.hard) continue;
        auto raised = sys::set_limit(wanted.resource, {now.soft, wanted.hard});
        if (raised.ok()) continue;
        if (raised.error().code() != EPERM) return std::move(raised).context(rlimit_name(wanted.resource));
        return Error(ErrorKind::invalid_argument,
                     "ulimit " + rlimit_name(wanted.resource) + ": the hard limit " + std::to_string(wanted.hard) +
                         " is above the " + std::to_string(now.hard) +
                         " that this host allows the engine, which may not raise it (no CAP_SYS_RESOURCE)");
    }
    return {};
}

// What SCHED_FLAG_RESET_ON_FORK and SCHED_DEADLINE give only to the process
// itself is set there (process_steps.cc).
bool is_inherited(const SchedulerPlan& scheduler) {
    constexpr uint64_t reset_on_fork = 1;
    constexpr uint32_t deadline = 6;
    return !(scheduler.flags & reset_on_fork) && scheduler.policy != deadline;
}

Result<void> set_scheduler(const SchedulerPlan& s) {
    return sys::set_scheduler({s.policy, s.flags, s.nice, s.priority, s.runtime, s.deadline, s.period})
        .context("process.scheduler");
}

Result<void> set_priorities(const EnterProcess& enter) {
    if (enter.process.io_priority) TRY(sys::set_io_priority(*enter.process.io_priority).context("process.ioPriority"));
    if (enter.process.scheduler && is_inherited(*enter.process.scheduler)) TRY(set_scheduler(*enter.process.scheduler));
    return {};
}

Result<void> open_own_proc(Launching& l) {
    l.host_proc = TRY(open_proc_for_labels({l.plan.process, l.plan.uid_map, l.plan.gid_map, l.stdio}));
    if (!l.plan.time_offsets.empty()) l.time_offsets = TRY(sys::open("/proc/self/timens_offsets", O_WRONLY));
    return {};
}

Result<void> make_time_namespace(Launching& l) {
    // Like that of pids, a new one is for who is forked from now on.
    if (l.plan.ns.time.mode == Mode::fresh) TRY(sys::unshare(sys::abi::clone_newtime).context("make a time namespace"));
    if (l.time_offsets) TRY(sys::write_all(l.time_offsets, l.plan.time_offsets).context("set the offsets of clocks"));
    l.time_offsets.reset();
    return {};
}

Result<UniqueFd> open_proc_for_labels(const EnterProcess& enter) {
    if (enter.process.apparmor_profile.empty() && enter.process.selinux_label.empty()) return UniqueFd();
    return sys::open("/proc", O_PATH | O_DIRECTORY);
}

Result<void> set_oom_score(const EnterProcess& enter) {
    if (!enter.process.oom_score_adj) return {};
    return sys::write_existing("/proc/self/oom_score_adj", std::to_string(*enter.process.oom_score_adj))
        .context("set the OOM score");
}

} // namespace hull::runtime
