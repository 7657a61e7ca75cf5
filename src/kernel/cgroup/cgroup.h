// Control groups behind one interface: v1 (with or without an empty v2 beside
// it) and v2, both by their files.
//
//   detect() once per process -> Cgroups
//     plan(path, resources) -> Plan (plan.h) -> made by the launcher
//     usage, pids, freeze, ... (path)            by whoever supervises
//
// A path names the same place in every hierarchy, from its root: "hull/<id>".
// It is checked: no empty, "." or ".." parts, at most 1,024 bytes; a leading
// slash is fine. systemd's form ("slice:prefix:name") is unsupported.
//
// A limit that can't be applied on this machine is an error of plan() and
// update() (unsupported), naming the limit and what is missing; a hierarchy
// that isn't there and isn't needed is fine.
//
// Thread-safe: objects are immutable.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/cgroup/plan.h"
#include "model/oci_spec.h"

namespace hull::kernel::cgroup {

enum class Version : uint8_t { none, v1, v2 };

// What can be limited here; `docker info` shows most of it.
struct Support {
    bool memory = false, swap = false, swappiness = false, oom_kill_disable = false, memory_reservation = false;
    bool cpu_shares = false, cpu_quota = false, cpu_realtime = false, cpuset = false;
    bool pids = false, io_weight = false, io_throttle = false, hugepages = false;
    bool devices = false, freezer = false;
    bool net_cls = false, net_prio = false, rdma = false;
};

struct IoEntry {
    uint64_t major = 0, minor = 0;
    std::string op; // Read Write Sync Async Discard Total
    uint64_t value = 0;
};

// One kind of memory, in bytes. limit: UINT64_MAX when unlimited.
struct MemoryCounter {
    uint64_t usage = 0, max_usage = 0, limit = 0, failcnt = 0;
};

// Pressure stall information (the kernel's accounting/psi.rst): the share of
// time, in percent, in which some or all processes waited, and its sum.
struct Stall {
    double avg10 = 0, avg60 = 0, avg300 = 0;
    uint64_t total_us = 0;
};
struct Pressure {
    Stall some, full;
};

// The same meaning on v1 and v2. What the machine doesn't count is 0 or empty.
struct Usage {
    uint64_t cpu_total_ns = 0, cpu_user_ns = 0, cpu_kernel_ns = 0;
    std::vector<uint64_t> cpu_per_core_ns; // v1 only
    uint64_t throttled_periods = 0, periods = 0, throttled_ns = 0;
    uint64_t memory_usage = 0, memory_max_usage = 0;
    uint64_t memory_limit = 0; // the machine's memory when unlimited
    uint64_t memory_failcnt = 0;
    uint64_t oom_kills = 0;
    // Memory and swap together; of the kernel (v1 only) and its TCP buffers.
    std::optional<MemoryCounter> swap, kernel, kernel_tcp;
    std::map<std::string, MemoryCounter> hugepages; // by page size: "2MB"
    std::map<std::string, uint64_t> memory_stats;   // memory.stat as the kernel names it
    uint64_t pids_current = 0, pids_limit = 0;      // limit 0: unlimited
    std::vector<IoEntry> io_service_bytes, io_serviced;
    std::optional<Pressure> cpu_pressure, memory_pressure, io_pressure; // v2, kernels with PSI
};

class Cgroups {
public:
    virtual ~Cgroups() = default;

    virtual Version version() const = 0;
    virtual const Support& support() const = 0;

    // Pure. Device rules: when there are any, everything else is denied, and
    // the devices of every container (null, zero, full, random, urandom, tty,
    // ptmx, pts, mknod of all) are allowed whatever the rules say.
    virtual Result<Plan> plan(std::string_view path, const model::oci::Resources& resources) const = 0;
    // The places of an existing cgroup, with no writes: for join() and remove().
    virtual Result<Plan> locate(std::string_view path) const = 0;

    // Missing cgroup: not_found, in all of these.
    virtual Result<Usage> usage(std::string_view path) const = 0;
    // All processes in it and below it.
    virtual Result<std::vector<pid_t>> pids(std::string_view path) const = 0;
    // Returns when every process stands still; timed_out (and thawed again)
    // when that took more than 5 s.
    virtual Result<void> freeze(std::string_view path) const = 0;
    virtual Result<void> thaw(std::string_view path) const = 0;
    virtual Result<bool> frozen(std::string_view path) const = 0;
    // SIGKILL to all, also to frozen ones, until none is left (zombies apart);
    // timed_out after 5 s.
    virtual Result<void> kill_all(std::string_view path) const = 0;
    // New limits for a cgroup in use; limits that are absent stay. With
    // memory.check_before_update a memory limit below what is in use is a
    // conflict, and nothing is changed (v1: after the kernel tried to reclaim).
    // On other errors the limits before the failing one are applied.
    virtual Result<void> update(std::string_view path, const model::oci::Resources& resources) const = 0;
    // Becomes readable when the kernel runs out of memory there; compare
    // oom_kills() then, as it also wakes at removal. read() it to reset.
    virtual Result<UniqueFd> watch_oom(std::string_view path) const = 0;
};

// Looks at the mounts of this process once. Never fails for want of cgroups:
// then version() is none, plan() of no limits is empty, any limit is
// unsupported.
Result<std::unique_ptr<Cgroups>> detect();

} // namespace hull::kernel::cgroup
