// The OCI runtime configuration (config.json), Linux platform, as plain types.
// Source: OCI Runtime Specification 1.3, config.md and config-linux.md. Members
// carry the specification's names in snake_case; what is absent in JSON is
// empty, nullopt or zero here, as documented per member.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hull::model::oci {

struct Box { // console size, in characters
    unsigned height = 0;
    unsigned width = 0;
};

struct User {
    uint32_t uid = 0;
    uint32_t gid = 0;
    std::optional<uint32_t> umask;
    std::vector<uint32_t> additional_gids;
    // Docker's form of a user ("name", "uid:gid", "name:group"), resolved inside
    // the rootfs from its own passwd and group files when the process starts;
    // takes precedence over uid and gid when set (the specification's
    // "username", used for this).
    std::string username;
    // Names or numbers, looked up like username (not in the specification).
    std::vector<std::string> additional_groups;
};

struct Capabilities {
    std::vector<std::string> bounding, effective, inheritable, permitted, ambient; // "CAP_CHOWN"
};

struct Rlimit {
    std::string type; // "RLIMIT_NOFILE"
    uint64_t hard = 0;
    uint64_t soft = 0;
};

struct Scheduler {                                  // sched_setattr(2)
    std::string policy;                             // SCHED_OTHER ...
    int32_t nice = 0;                               // SCHED_OTHER, SCHED_BATCH
    int32_t priority = 0;                           // SCHED_FIFO, SCHED_RR
    std::vector<std::string> flags;                 // SCHED_FLAG_RESET_ON_FORK ...
    uint64_t runtime = 0, deadline = 0, period = 0; // SCHED_DEADLINE; nanoseconds
};

struct IoPriority {
    std::string io_class; // IOPRIO_CLASS_RT ...
    int32_t priority = 0; // 0 (highest) to 7
};

struct CpuAffinity {
    std::string initial, final_; // "0-3,7"; empty: unchanged
};

struct Process {
    bool terminal = false;
    std::optional<Box> console_size;
    User user;
    std::vector<std::string> args;
    std::vector<std::string> env;             // "NAME=value"
    std::string cwd;                          // absolute, inside the container
    std::optional<Capabilities> capabilities; // nullopt: none at all
    std::vector<Rlimit> rlimits;
    bool no_new_privileges = false;
    std::string apparmor_profile;
    std::string selinux_label;
    std::optional<int> oom_score_adj;
    std::optional<Scheduler> scheduler;
    std::optional<IoPriority> io_priority;
    std::optional<CpuAffinity> exec_cpu_affinity; // of processes that join, not of the first
};

struct Root {
    std::string path; // absolute, or relative to the bundle
    bool readonly = false;
};

struct IdMapping {
    uint32_t container_id = 0;
    uint32_t host_id = 0;
    uint32_t size = 0;
};

struct Mount {
    std::string destination; // absolute path inside the container
    std::string type;        // "bind", "proc", "tmpfs", ...; may be empty with a bind option
    std::string source;
    std::vector<std::string> options;
    std::vector<IdMapping> uid_mappings, gid_mappings;
};

struct Hook {
    std::string path;
    std::vector<std::string> args, env;
    std::optional<int> timeout; // seconds
};

struct Hooks {
    std::vector<Hook> prestart, create_runtime, create_container, start_container, poststart, poststop;
};

struct Namespace {
    std::string type; // pid network mount ipc uts user cgroup time
    std::string path; // empty: a new one
};

struct Device {
    std::string path;
    std::string type; // c b u p
    int64_t major = 0, minor = 0;
    std::optional<uint32_t> file_mode, uid, gid;
};

struct DeviceRule {
    bool allow = false;
    std::string type;                    // a c b; empty is a
    std::optional<int64_t> major, minor; // nullopt: all
    std::string access;                  // of "rwm"
};

struct MemoryLimits { // bytes; -1 is unlimited
    std::optional<int64_t> limit, reservation, swap, kernel, kernel_tcp;
    std::optional<uint64_t> swappiness;
    std::optional<bool> disable_oom_killer, use_hierarchy, check_before_update;
};

struct CpuLimits { // microseconds
    std::optional<uint64_t> shares, period, realtime_period, burst;
    std::optional<int64_t> quota, realtime_runtime, idle;
    std::string cpus, mems;
};

struct WeightDevice {
    int64_t major = 0, minor = 0;
    std::optional<uint16_t> weight, leaf_weight;
};
struct ThrottleDevice { // bytes or operations per second
    int64_t major = 0, minor = 0;
    uint64_t rate = 0;
};
struct BlockIoLimits {
    std::optional<uint16_t> weight, leaf_weight;
    std::vector<WeightDevice> weight_device;
    std::vector<ThrottleDevice> throttle_read_bps, throttle_write_bps, throttle_read_iops, throttle_write_iops;
};

struct HugepageLimit {
    std::string page_size; // "2MB"
    uint64_t limit = 0;    // bytes
};

struct InterfacePriority {
    std::string name; // interface in the caller's network namespace
    uint32_t priority = 0;
};
struct NetworkLimits { // cgroup v1: net_cls and net_prio
    std::optional<uint32_t> class_id;
    std::vector<InterfacePriority> priorities;
};

struct RdmaLimit { // at least one of both
    std::optional<uint32_t> hca_handles, hca_objects;
};

struct Resources {
    std::vector<DeviceRule> devices;
    std::optional<MemoryLimits> memory;
    std::optional<CpuLimits> cpu;
    std::optional<int64_t> pids_limit; // -1 is unlimited
    std::optional<BlockIoLimits> block_io;
    std::vector<HugepageLimit> hugepage_limits;
    std::optional<NetworkLimits> network;
    std::map<std::string, RdmaLimit> rdma;      // by device: "mlx5_1"
    std::map<std::string, std::string> unified; // cgroup v2: file name -> lines to write
};

struct SeccompArg {
    uint32_t index = 0;
    uint64_t value = 0, value_two = 0;
    std::string op; // SCMP_CMP_EQ ...
};
struct SeccompSyscall {
    std::vector<std::string> names;
    std::string action; // SCMP_ACT_ALLOW ...
    std::optional<uint32_t> errno_ret;
    std::vector<SeccompArg> args;
};
struct Seccomp {
    std::string default_action;
    std::optional<uint32_t> default_errno_ret;
    std::vector<std::string> architectures, flags;
    std::string listener_path, listener_metadata;
    std::vector<SeccompSyscall> syscalls;
};

struct TimeOffset { // of a clock in a new time namespace
    int64_t seconds = 0;
    uint32_t nanoseconds = 0;
};

struct NetDevice {
    std::string name; // inside; empty: the same
};

struct IntelRdt {
    std::string clos_id; // empty: one of the container's own
    std::string l3_cache_schema, mem_bw_schema;
    std::vector<std::string> schemata;
    bool enable_monitoring = false;
};

struct MemoryPolicy {
    std::string mode;               // MPOL_DEFAULT ...
    std::string nodes;              // "0-3,7"
    std::vector<std::string> flags; // MPOL_F_STATIC_NODES ...
};

struct Personality {
    std::string domain; // LINUX, LINUX32
    std::vector<std::string> flags;
};

struct Linux {
    std::vector<IdMapping> uid_mappings, gid_mappings;
    std::map<std::string, std::string> sysctl;
    std::optional<Resources> resources;
    std::string cgroups_path;
    std::vector<Namespace> namespaces;
    std::vector<Device> devices;
    std::optional<Seccomp> seccomp;
    std::string rootfs_propagation;
    std::vector<std::string> masked_paths, readonly_paths;
    std::string mount_label;
    std::map<std::string, TimeOffset> time_offsets; // by clock: "boottime", "monotonic"
    std::map<std::string, NetDevice> net_devices;   // by name on the host
    std::optional<IntelRdt> intel_rdt;
    std::optional<MemoryPolicy> memory_policy;
    std::optional<Personality> personality;
};

struct Spec {
    std::string oci_version;
    std::optional<Root> root;
    std::optional<Process> process;
    std::string hostname, domainname;
    std::vector<Mount> mounts;
    std::optional<Hooks> hooks;
    std::map<std::string, std::string> annotations;
    std::optional<Linux> linux_;
};

// Reads a config.json. Unknown properties and other platforms' sections are
// ignored; a wrong type is an invalid_argument naming the property. Bounds:
// 4 MiB, 64 levels.
Result<Spec> parse_spec(std::string_view json);
// Reads a process.json (hull-runtime exec --process).
Result<Process> parse_process(std::string_view json);
// New limits for a container that runs (hull-runtime update).
Result<Resources> parse_resources(std::string_view json);
std::string print_spec(const Spec& spec);
std::string print_resources(const Resources& resources);

// A seccomp profile in the runtime specification's form, as the engine passes it.
Result<Seccomp> parse_seccomp(std::string_view json);

} // namespace hull::model::oci
