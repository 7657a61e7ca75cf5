// Which cgroup hierarchies this machine has, and what they can do.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/cgroup/cgroup.h"

namespace hull::kernel::cgroup {

struct Hierarchy {
    std::string mount;                    // "/sys/fs/cgroup/cpu,cpuacct"
    std::string name;                     // last part of mount
    std::vector<std::string> controllers; // v1: as the mount says, "name=..." too
};

struct Layout {
    std::vector<Hierarchy> v1; // in the order of mounting, each set of controllers once
    std::string unified;       // where v2 is mounted; empty: nowhere
};
// mountinfo: the text of /proc/self/mountinfo (proc(5)).
Layout parse_mounts(std::string_view mountinfo);

struct Machine {
    Version version = Version::none;
    std::vector<Hierarchy> v1;
    std::string unified;
    std::set<std::string> unified_controllers; // v2: those at its root
    Support support;
    bool bfq_weight = false;   // v1: the weight's file is of the BFQ scheduler
    bool join_named = false;   // v1: make folders in name=... hierarchies too
    uint64_t memory_total = 0; // bytes
};
// Looks at files; never fails.
Machine probe(const Layout& layout);

// The part of mountinfo's \040 and the like.
std::string unescape_mount(std::string_view text);

// "hull//x/" -> "/hull/x". Errors: invalid_argument, unsupported (see cgroup.h).
Result<std::string> check_path(std::string_view path);

} // namespace hull::kernel::cgroup
