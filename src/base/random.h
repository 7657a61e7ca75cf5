// Random names: ids of containers, execs, temporary files.
#pragma once

#include <cstddef>
#include <string>

namespace hull {

// digits lower-case hexadecimal digits from the kernel's random source.
std::string random_hex(size_t digits);

// A 64-digit id whose first 12 digits are not all decimal, so that a short id
// can't be taken for a number (Docker's rule).
std::string random_id();

} // namespace hull
