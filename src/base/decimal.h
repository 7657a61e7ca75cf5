// Decimal fractions. std::from_chars of a double takes 60 KiB of program,
// strtod 35: too much for the few settings that are fractions.
#pragma once

#include <optional>
#include <string_view>

namespace hull {

// All of text, "-12.5e3": digits with at most one point, then maybe an
// exponent. Exact to the last bit up to 15 digits with an exponent of at most
// 22, within a few units of it beyond. nullopt for anything else, hexadecimal,
// infinity and what a double can't hold included.
std::optional<double> decimal_of(std::string_view text);

} // namespace hull
