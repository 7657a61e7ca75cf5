#include "kernel/devices.h"

#include <array>

namespace hull::kernel {

namespace {

// Source: OCI Runtime Specification 1.3, config-linux.md, "Default Devices".
constexpr std::array<DefaultDevice, 6> devices{{
    {"/dev/null", 1, 3},
    {"/dev/zero", 1, 5},
    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8},
    {"/dev/urandom", 1, 9},
    {"/dev/tty", 5, 0},
}};

constexpr std::array<DefaultLink, 6> links{{
    {"fd", "/proc/self/fd"},
    {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"},
    {"core", "/proc/kcore"},
    {"ptmx", "pts/ptmx"},
}};

} // namespace

std::span<const DefaultDevice> default_devices() { return devices; }
std::span<const DefaultLink> default_device_links() { return links; }

} // namespace hull::kernel
