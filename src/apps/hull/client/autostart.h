// Starting the engine when nobody answers and no service manager does it.
#pragma once

#include "base/result.h"
#include "http/client.h"

namespace hull::cli {

// For the default endpoint only. Starts hulld detached from this process, its
// output in /var/log/hulld.log, and waits until it answers; says so on standard
// error. Errors: unavailable, saying what to do instead (a service manager is
// in charge, not root, no hulld, it ended at once).
Result<void> start_engine(const http::Endpoint& endpoint);

} // namespace hull::cli
