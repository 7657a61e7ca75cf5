// Which capabilities a container has: Docker's default set, --cap-add,
// --cap-drop and --privileged.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/container.h"

namespace hull::engine {

// "CAP_CHOWN" ..., in the order of their numbers. Errors: invalid_argument
// `invalid CapAdd: unknown capability: "CAP_X"`.
// "All" (--privileged, --cap-add ALL) is what the engine itself has: own; empty:
// every one there is. One asked for by name is kept, and fails the start if it
// can't be had.
Result<std::vector<std::string>> container_capabilities(const model::HostConfig& host,
                                                        const std::vector<std::string>& own);
std::vector<std::string> all_capabilities(const std::vector<std::string>& own);

// "ALL", or with CAP_ and in capitals; as inspect shows them. Unchecked.
std::string normalised_capability(const std::string& name);

} // namespace hull::engine
