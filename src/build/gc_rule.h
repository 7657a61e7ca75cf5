// When the build cache is collected by itself: after builds, by rules, one after the
// other. Source: Docker, "Build garbage collection".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hull::build {

struct GcRule {
    std::vector<std::string> filters = {}; // of record_filter(); empty: everything
    bool all = false;                      // what images share, too
    int64_t unused_for_ns = 0;             // only what was not used for so long
    // As in CachePrune; a rule without any removes all that fits.
    uint64_t reserved_bytes = 0, max_used_bytes = 0, min_free_bytes = 0;
};

} // namespace hull::build
