// Device nodes that every container has, and making nodes.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hull::kernel {

struct DefaultDevice {
    std::string_view path;
    unsigned major, minor;
};
// /dev/null, zero, full, random, urandom, tty: character devices, 0666.
std::span<const DefaultDevice> default_devices();

struct DefaultLink {
    std::string_view name, target; // in /dev: "fd" -> "/proc/self/fd"
};
std::span<const DefaultLink> default_device_links();

} // namespace hull::kernel
