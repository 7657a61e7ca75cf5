// TCP connections, for engines that are reached by host and port.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// Tries the addresses of host one after the other. Errors: not_found when the
// name is unknown, else those of connect(2), kind unavailable.
Result<UniqueFd> connect_tcp(const std::string& host, const std::string& port);

} // namespace hull::sys
