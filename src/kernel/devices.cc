#include "kernel/devices.h"

#include <array>

#include <unistd.h>

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
    {"ptmx", "pts/ptmx"},
    {"core", "/proc/kcore"}, // last, see below
}};

} // namespace

std::span<const DefaultDevice> default_devices() { return devices; }
std::span<const DefaultLink> default_device_links() {
    // As runc has it: no link that leads nowhere.
    static const bool has_core = ::access("/proc/kcore", F_OK) == 0;
    return std::span(links).first(has_core ? links.size() : links.size() - 1);
}

} // namespace hull::kernel
