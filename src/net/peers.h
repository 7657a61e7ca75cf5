// The machines that share a network: a list of their addresses. Pure, but for the file.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "net/address.h"

namespace hull::net {

// Addresses between commas, white space and lines; what follows a # is a remark. Each
// once, in the order given, all of one family, at most 1024. Errors: invalid_argument.
Result<std::vector<IpAddress>> parse_peers(const std::string& text);
// Of at most 1 MiB.
Result<std::vector<IpAddress>> read_peers(const std::string& path);

} // namespace hull::net
