// Versions of the Engine API: "/v1.43/..." asks for one, no prefix for the newest.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hull::api {

struct Version {
    int major = 1, minor = 0;
    auto operator<=>(const Version&) const = default;
    std::string text() const { return std::to_string(major) + "." + std::to_string(minor); }
};

constexpr bool at_least(Version version, int minor) { return version >= Version{1, minor}; }

inline constexpr Version oldest_version{1, 24};
inline constexpr Version newest_version{1, 55};

struct VersionedPath {
    Version version = newest_version;
    std::string_view rest; // "/containers/json"
};
// Takes the prefix off. Errors: invalid_argument with Docker's texts for a
// version that is too new or too old.
Result<VersionedPath> split_version(std::string_view path);

} // namespace hull::api
