// What a policy says of every system call number of one architecture.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/seccomp/policy.h"

namespace hull::kernel::seccomp {

// One rule's way to match a number: comparisons that must all hold.
struct Condition {
    uint32_t number = 0;
    uint32_t action = 0;
    const std::vector<Comparison>* comparisons = nullptr; // nullptr: none
    // Of a multiplexed call: the first argument must be this, and what the rule
    // says of it doesn't count (it is about the call's own, which are in memory).
    uint32_t selector = 0; // 0: not multiplexed
    uint32_t order = 0;    // in the profile

    bool always() const { return !comparisons && selector == 0; }
};

// From start on, to the next range's: either one action, or conditions
// (indexes into Verdicts::conditions) of which the first that holds decides,
// and the default where none does.
struct Range {
    uint32_t start = 0;
    uint32_t action = 0;
    uint32_t first = 0, count = 0; // conditions

    bool operator==(const Range& other) const = default;
};

struct Verdicts {
    const Architecture* arch = nullptr;
    std::vector<Condition> conditions;
    std::vector<Range> ranges; // ascending, the first one begins at arch->base's range
};

// begin: the first number that is the architecture's to judge (x32's bit, or 0).
Verdicts judge(const Policy& policy, const Architecture& arch, uint32_t begin);

// Does it always hold for arguments of this width?
bool is_trivial(const Comparison& comparison, Width width);

} // namespace hull::kernel::seccomp
