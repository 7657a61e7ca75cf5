// What has to be made in the cgroup file systems for one container, as plain
// values: computed by a pure function from the limits and the machine's layout
// (Cgroups::plan in cgroup.h), carried out by a few small functions in the
// launcher.
//
//   plan -> create() -> join() (v1) or open_for_clone() (v2) -> ... -> remove()
//
// Everything here may be called by a single-threaded child between fork and
// exec: it allocates, and makes system calls, but takes no locks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::kernel::cgroup {

// What a kernel without the file means for a Write.
enum class IfMissing : uint8_t {
    fail,             // the limit can't be applied
    skip,             // nothing to limit there
    require_previous, // fine when the write before this one was done: two names of one limit
};

struct Write {
    std::string file;
    std::string value;
    IfMissing if_missing = IfMissing::fail;
    // Write what the same file of the folder above holds, instead of value
    // (cpuset.cpus and cpuset.mems begin empty).
    bool inherit = false;
    bool operator==(const Write&) const = default;
};

// One hierarchy: v1 has several, v2 one.
struct Dir {
    std::string hierarchy;     // mount point: "/sys/fs/cgroup/memory"
    std::string path;          // the container's, below it: "/hull/a1b2..."
    std::string name;          // folder in the container's /sys/fs/cgroup: "memory"; v2: empty
    bool unified = false;      // v2
    std::vector<Write> writes; // done before the container joins, in order
    // Limits that init sets itself, as under them it couldn't be made: pids.max
    // of 1.
    std::vector<Write> late;
    std::string device_program; // v2: struct bpf_insn[] as bytes; empty: all devices
    bool operator==(const Dir&) const = default;

    std::string folder() const { return hierarchy + path; }
};

// The unit of systemd that holds the container; empty: none does.
struct Scope {
    std::string unit;       // "docker-a1b2.scope"
    std::string bus;        // D-Bus address
    std::string properties; // as systemd/properties.h makes them
    bool operator==(const Scope&) const = default;
};

struct Plan {
    std::vector<Dir> dirs; // empty: the caller's own cgroups
    // With a unit: create() lets systemd make the folders around the calling
    // process, makes those that systemd left out, and remove() stops the unit.
    Scope scope = {};
    // A file with a line "oom_kill <n>", for oom_kills() below; empty: unknown.
    std::string oom_file() const;
    bool operator==(const Plan&) const = default;
};

// Makes every folder (and the missing ones above it, prepared as the kernel
// wants it) and does the writes. On error what was made is removed again,
// parents apart. A left-over empty folder is replaced; one that holds
// processes is a conflict. With a scope nothing is undone: the caller is in it,
// and whoever outlives it calls remove().
Result<void> create(const Plan& plan);

// Moves the calling process, which must be single-threaded, into the v1
// folders. (Through `tasks`: cgroup.procs would take a global lock and wait
// for an RCU grace period, some 6 ms.) v2 folders are left out.
Result<void> join(const Plan& plan);
// The v2 folder, for CLONE_INTO_CGROUP; an invalid descriptor without one. Only
// for who still has the host's user and cgroup namespaces at the clone: with
// others the kernel finds the folder not writable (EACCES) or not there (ENOENT,
// where cgroups are mounted with nsdelegate, as systemd does).
Result<UniqueFd> open_for_clone(const Plan& plan);
// As join(), and v2 by cgroup.procs: for who can't use clone3().
Result<void> join_all(const Plan& plan);

// Gives folders to who may then make further ones in them and move processes
// there, and change no limit of the folder itself. v1: of the hierarchy systemd
// alone, which has no limits.
Result<void> hand_over(const Plan& plan, uint32_t uid, uint32_t gid);

// v2 keeps processes out of a folder that hands controllers on. A container that
// made such (systemd) has moved its init: further processes go where that is.
void follow(pid_t init, Plan& plan);

// The files of the plan's late writes, opened while that is possible, with what
// to write to them: by init, before anything else.
struct LateWrite {
    UniqueFd file;
    std::string value;
};
Result<std::vector<LateWrite>> open_late(const Plan& plan);

// Removes the folders and those below them that the container made. Missing
// ones are fine. Processes that are just ending are waited for, up to
// patience_ms; then conflict.
Result<void> remove(const Plan& plan, int patience_ms = 2000);

// The number of processes that the kernel killed in there for want of memory,
// from Plan::oom_file(). Children's are included on v2, not on v1.
Result<uint64_t> oom_kills(const std::string& oom_file);

} // namespace hull::kernel::cgroup
