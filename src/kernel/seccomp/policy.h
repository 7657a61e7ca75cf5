// A profile with its texts made into types.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/seccomp/syscalls.h"
#include "model/oci_spec.h"

namespace hull::kernel::seccomp {

// (argument & mask) compared with value.
struct Comparison {
    enum class Op : uint8_t { eq, ne, lt, le, gt, ge };
    uint8_t index = 0; // of the argument, 0 to 5
    Op op = Op::eq;
    uint64_t value = 0;
    uint64_t mask = UINT64_MAX;
};

struct Rule {
    uint32_t action = 0; // SECCOMP_RET_* with its data
    std::vector<SyscallName> names;
    // One of them must hold, in it all comparisons. Empty: always matches.
    std::vector<std::vector<Comparison>> alternatives;
};

struct Policy {
    uint32_t default_action = 0;
    uint32_t flags = 0;                             // SECCOMP_FILTER_FLAG_*
    bool notifies = false;                          // some action is SCMP_ACT_NOTIFY
    std::vector<const Architecture*> architectures; // this machine's first
    std::vector<Rule> rules;                        // without those that say what the default says
    std::vector<SyscallName> named;                 // by any rule, also those left out
};

// Names of calls that no architecture has are left out. Errors:
// invalid_argument with the JSON path of what is wrong.
Result<Policy> parse_policy(const model::oci::Seccomp& profile);

} // namespace hull::kernel::seccomp
