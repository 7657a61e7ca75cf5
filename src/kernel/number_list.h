// "0-3,7": how the kernel and the OCI specification write sets of CPUs and of
// memory nodes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hull::kernel {

// Bit n % 64 of element n / 64 is number n; empty for an empty list. Numbers
// up to 8191 (CONFIG_NR_CPUS). Spaces around the parts are fine. Errors:
// invalid_argument.
Result<std::vector<uint64_t>> parse_number_list(std::string_view text);

} // namespace hull::kernel
