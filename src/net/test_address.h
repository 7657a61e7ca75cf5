// Addresses for tests, from text that is known to be right.
#pragma once

#include "net/address.h"

namespace hull::net {

inline Prefix prefix(const char* text) { return MUST(Prefix::parse(text)); }
inline IpAddress ip(const char* text) { return MUST(IpAddress::parse(text)); }

} // namespace hull::net
