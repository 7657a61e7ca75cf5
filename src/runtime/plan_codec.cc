#include "runtime/archive.h"
#include "runtime/plan.h"

namespace hull::kernel::cgroup {

constexpr IfMissing max_value(IfMissing) { return IfMissing::require_previous; }

template <class A>
void members(A& a, Write& w) {
    a(w.file, w.value, w.if_missing, w.inherit);
}
template <class A>
void members(A& a, Dir& d) {
    a(d.hierarchy, d.path, d.name, d.unified, d.writes, d.late, d.device_program);
}
template <class A>
void members(A& a, Scope& s) {
    a(s.unit, s.bus, s.properties);
}
template <class A>
void members(A& a, Plan& p) {
    a(p.dirs, p.scope);
}

} // namespace hull::kernel::cgroup

namespace hull::runtime {

namespace {

constexpr uint32_t plan_magic = 0x346c7048;      // "Hpl4"
constexpr uint32_t exec_plan_magic = 0x33657048; // "Hpe3"

} // namespace

constexpr NamespaceUse::Mode max_value(NamespaceUse::Mode) { return NamespaceUse::Mode::join; }
constexpr MountPlan::Kind max_value(MountPlan::Kind) { return MountPlan::Kind::remount_bind; }
constexpr MountPlan::IdMap max_value(MountPlan::IdMap) { return MountPlan::IdMap::own; }
constexpr RootChange max_value(RootChange) { return RootChange::move; }
constexpr Keyring max_value(Keyring) { return Keyring::inherited; }
constexpr Gate max_value(Gate) { return Gate::socket; }

template <class A>
void members(A& a, NamespaceUse& n) {
    a(n.mode, n.fd, n.path);
}
template <class A>
void members(A& a, Namespaces& n) {
    a(n.user, n.pid, n.mount, n.net, n.ipc, n.uts, n.cgroup, n.time);
}
template <class A>
void members(A& a, IdRange& r) {
    a(r.inside, r.outside, r.size);
}
template <class A>
void members(A& a, RootfsPlan& r) {
    a(r.lower, r.upper, r.work, r.path, r.readonly, r.discarded, r.idmap, r.propagation, r.change);
}
template <class A>
void members(A& a, MountPlan& m) {
    a(m.kind, m.target, m.source, m.lower, m.source_fd, m.fs_type, m.data, m.attr_set, m.attr_clear, m.attr_set_rec,
      m.attr_clear_rec, m.propagation, m.recursive, m.copy_up, m.idmap, m.idmap_recursive, m.uid_map, m.gid_map);
}
template <class A>
void members(A& a, DevicePlan& d) {
    a(d.path, d.type, d.major, d.minor, d.mode, d.uid, d.gid);
}
template <class A>
void members(A& a, Plan::Emulator& e) {
    a(e.architecture, e.program);
}
template <class A>
void members(A& a, Setting& s) {
    a(s.name, s.value);
}
template <class A>
void members(A& a, RlimitPlan& r) {
    a(r.resource, r.soft, r.hard);
}
template <class A>
void members(A& a, CapabilitySets& c) {
    a(c.bounding, c.effective, c.permitted, c.inheritable, c.ambient);
}
template <class A>
void members(A& a, SchedulerPlan& s) {
    a(s.policy, s.flags, s.nice, s.priority, s.runtime, s.deadline, s.period);
}
template <class A>
void members(A& a, MemoryPolicyPlan& m) {
    a(m.mode, m.nodes);
}
template <class A>
void members(A& a, ProcessPlan& p) {
    a(p.args, p.env, p.cwd, p.user, p.uid, p.gid, p.additional_gids, p.additional_groups, p.umask, p.caps, p.rlimits,
      p.seccomp, p.seccomp_flags, p.seccomp_listener, p.seccomp_metadata, p.no_new_privileges, p.terminal, p.rows,
      p.columns, p.oom_score_adj, p.scheduler, p.io_priority, p.memory_policy, p.personality, p.apparmor_profile,
      p.selinux_label, p.keyring);
}
template <class A>
void members(A& a, HookPlan& h) {
    a(h.path, h.args, h.env, h.timeout_seconds);
}
template <class A>
void members(A& a, Plan& p) {
    a(p.id, p.ns, p.uid_map, p.gid_map, p.hostname, p.domainname, p.rootfs, p.mounts, p.devices, p.default_dev_links,
      p.masked_paths, p.readonly_paths, p.mount_label, p.sysctls, p.emulator, p.time_offsets, p.cgroup, p.process,
      p.gate, p.stop_for_hooks, p.create_container_hooks, p.start_container_hooks);
}
template <class A>
void members(A& a, ExecPlan& p) {
    a(p.id, p.process, p.uid_map, p.gid_map, p.cgroup, p.time_ns, p.initial_cpus, p.final_cpus);
}

namespace {

template <class T>
std::string encode_as(uint32_t magic, const T& plan) {
    ArchiveWriter writer;
    writer(magic, plan);
    return writer.take();
}

template <class T>
Result<T> decode_as(uint32_t magic, std::string_view bytes, const char* what) {
    if (bytes.size() > max_plan_bytes)
        return Error(ErrorKind::too_large, std::string(what) + ": " + std::to_string(bytes.size()) + " bytes");
    ArchiveReader reader(bytes);
    uint32_t found = 0;
    T plan;
    reader(found);
    if (found != magic) return Error(ErrorKind::corrupt, std::string(what) + ": not one, or of another version");
    reader(plan);
    if (!reader.complete()) return Error(ErrorKind::corrupt, std::string("malformed ") + what);
    return plan;
}

} // namespace

std::string encode(const Plan& plan) { return encode_as(plan_magic, plan); }
std::string encode(const ExecPlan& plan) { return encode_as(exec_plan_magic, plan); }
Result<Plan> decode_plan(std::string_view bytes) { return decode_as<Plan>(plan_magic, bytes, "plan"); }
Result<ExecPlan> decode_exec_plan(std::string_view bytes) {
    return decode_as<ExecPlan>(exec_plan_magic, bytes, "exec plan");
}

} // namespace hull::runtime
