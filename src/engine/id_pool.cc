#include "engine/id_pool.h"

#include <limits>
#include <string>

namespace hull::engine {

std::vector<model::oci::IdMapping> IdRange::mappings(const std::vector<uint32_t>& more) const {
    if (empty()) return {};
    if (more.empty()) return {{.container_id = 0, .host_id = first, .size = count}};
    constexpr uint32_t nobody = 65534;
    std::vector<uint32_t> places; // of ours, from the end
    for (uint32_t id = count; id-- > 0 && places.size() < more.size();)
        if (id != nobody) places.push_back(id);
    const uint32_t whole = places.back();
    std::vector<model::oci::IdMapping> out{{.container_id = 0, .host_id = first, .size = whole}};
    if (whole < nobody && nobody < count) out.push_back({.container_id = nobody, .host_id = first + nobody, .size = 1});
    for (size_t i = 0; i < places.size(); ++i)
        out.push_back({.container_id = more[i], .host_id = first + places[i], .size = 1});
    return out;
}

IdPool::IdPool(const IdPoolConfig& config) : config_(config), used_(config.ranges) {}

Result<std::unique_ptr<IdPool>> IdPool::create(const IdPoolConfig& config) {
    // 2^32 - 1 is no id: it means "unchanged" to chown(2).
    const uint64_t end = config.first + uint64_t{config.ranges} * config.size;
    if (config.first == 0 || config.ranges == 0 || config.size == 0 || end > std::numeric_limits<uint32_t>::max())
        return Error(ErrorKind::invalid_argument, "invalid id ranges: " + std::to_string(config.ranges) + " of " +
                                                      std::to_string(config.size) + " ids from " +
                                                      std::to_string(config.first));
    return std::unique_ptr<IdPool>(new IdPool(config));
}

Result<IdRange> IdPool::allocate() {
    const std::lock_guard lock(mutex_);
    for (uint32_t i = 0; i < config_.ranges; ++i) {
        const uint32_t index = (next_ + i) % config_.ranges;
        if (used_[index]) continue;
        used_[index] = true;
        ++count_;
        next_ = (index + 1) % config_.ranges;
        return IdRange{config_.first + index * config_.size, config_.size};
    }
    return Error(ErrorKind::no_space,
                 "all " + std::to_string(config_.ranges) + " id ranges for user namespaces are in use");
}

std::optional<uint32_t> IdPool::index_of(uint32_t first) const {
    if (first < config_.first || (first - config_.first) % config_.size != 0) return std::nullopt;
    const uint32_t index = (first - config_.first) / config_.size;
    return index < config_.ranges ? std::optional(index) : std::nullopt;
}

Result<IdRange> IdPool::reserve(uint32_t first) {
    const auto index = index_of(first);
    if (!index) return Error(ErrorKind::invalid_argument, "no id range of the pool begins at " + std::to_string(first));
    const std::lock_guard lock(mutex_);
    if (used_[*index]) return Error(ErrorKind::conflict, "the id range from " + std::to_string(first) + " is in use");
    used_[*index] = true;
    ++count_;
    return IdRange{first, config_.size};
}

void IdPool::release(const IdRange& range) {
    const auto index = index_of(range.first);
    if (!index || range.empty()) return;
    const std::lock_guard lock(mutex_);
    if (!used_[*index]) return;
    used_[*index] = false;
    --count_;
}

uint32_t IdPool::in_use() const {
    const std::lock_guard lock(mutex_);
    return count_;
}

} // namespace hull::engine
