// Capabilities by name and bit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hull::kernel {

// "CAP_NET_ADMIN" or "NET_ADMIN", any case. nullopt: no such capability.
std::optional<int> capability_number(std::string_view name);
// "CAP_NET_ADMIN"; numbers without a name give "CAP_<number>".
std::string capability_name(int number);
// Names in the kernel's order.
std::vector<std::string> capability_names(uint64_t mask);
// Those that we know by name.
constexpr int known_capabilities = 41;
// Bits of those that the running kernel has. Read once.
uint64_t kernel_capabilities();
// Bits of those that this process may hand on to what it executes.
uint64_t bounding_capabilities();

} // namespace hull::kernel
