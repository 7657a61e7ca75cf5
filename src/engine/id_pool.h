// Ranges of host ids for containers' user namespaces.
//
// A range is in use from allocate (or reserve, for containers that ran on while
// the engine was away) to release. Layers and volumes carry plain ids, so a
// range is only needed while its container runs. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "model/oci_spec.h"

namespace hull::engine {

struct IdRange {
    uint32_t first = 0; // host id that container id 0 is
    uint32_t count = 0; // 0: no range

    bool empty() const { return count == 0; }
    // container 0.. -> first..; empty range: none. more: ids beyond the range that the container has, too; each takes
    // the place of one at the range's end, but of nobody (65534).
    std::vector<model::oci::IdMapping> mappings(const std::vector<uint32_t>& more = {}) const;
    bool operator==(const IdRange&) const = default;
};

// Ids beyond a range that one container may have.
inline constexpr size_t k_most_more_ids = 16;

struct IdPoolConfig {
    uint32_t first = 0x70000000;
    uint32_t ranges = 4096;
    uint32_t size = 65536; // ids per range
};

class IdPool {
public:
    // Errors: invalid_argument when the ranges don't fit below 2^32 - 1 or hold id 0.
    static Result<std::unique_ptr<IdPool>> create(const IdPoolConfig& config = {});

    // The next free range after the one given out last, so that a range that
    // was just released rests as long as possible. Errors: no_space.
    Result<IdRange> allocate();
    // Errors: invalid_argument (not a range of this pool), conflict (in use).
    Result<IdRange> reserve(uint32_t first);
    void release(const IdRange& range); // unknown, empty or free ranges are fine

    uint32_t in_use() const;
    const IdPoolConfig& config() const { return config_; }

private:
    explicit IdPool(const IdPoolConfig& config);
    std::optional<uint32_t> index_of(uint32_t first) const;

    const IdPoolConfig config_;
    mutable std::mutex mutex_;
    std::vector<bool> used_;
    uint32_t next_ = 0, count_ = 0;
};

} // namespace hull::engine
