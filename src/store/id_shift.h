// Ids as a container has them, and as the machine has them, when the container's
// users are a range of the machine's. Pure.
#pragma once

#include <cstdint>
#include <optional>

namespace hull::store {

struct IdShift {
    uint32_t first = 0; // the machine's id of the container's 0
    uint32_t count = 0; // 0: they are the same ids

    // Of ids that aren't the container's, what it sees itself: nobody.
    uint32_t inside(uint32_t id) const {
        constexpr uint32_t nobody = 65534;
        if (count == 0) return id;
        return id >= first && id - first < count ? id - first : nobody;
    }
    // nullopt: the container has no such id.
    std::optional<uint32_t> outside(uint32_t id) const {
        if (count == 0) return id;
        if (id >= count) return std::nullopt;
        return first + id;
    }
};

struct Owner {
    uint32_t uid = 0, gid = 0;
};

// Users and groups.
struct IdShifts {
    IdShift users, groups;
};

} // namespace hull::store
