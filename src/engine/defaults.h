// Values that a container gets when it names none.
#pragma once

#include <string>
#include <vector>

namespace hull::engine {

inline constexpr const char* kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
inline constexpr const char* kInitInContainer = "/sbin/docker-init";

std::vector<std::string> default_masked_paths();
std::vector<std::string> default_readonly_paths();

} // namespace hull::engine
