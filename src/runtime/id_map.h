// Ids of a user namespace as seen from outside.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernel/namespaces.h"
#include "runtime/plan.h"

namespace hull::runtime {

// An empty map is the host's own: every id is itself. nullopt: not mapped.
inline std::optional<uint32_t> to_outside(std::span<const IdRange> map, uint32_t inside) {
    if (map.empty()) return inside;
    for (const auto& range : map)
        if (inside >= range.inside && inside - range.inside < range.size)
            return range.outside + (inside - range.inside);
    return std::nullopt;
}

inline std::vector<kernel::IdMapping> kernel_map(std::span<const IdRange> map) {
    std::vector<kernel::IdMapping> out;
    for (const auto& range : map) out.push_back({range.inside, range.outside, range.size});
    return out;
}

} // namespace hull::runtime
