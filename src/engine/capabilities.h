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
Result<std::vector<std::string>> container_capabilities(const model::HostConfig& host);
std::vector<std::string> all_capabilities();

// "ALL", or with CAP_ and in capitals; as inspect shows them. Unchecked.
std::string normalised_capability(const std::string& name);

} // namespace hull::engine
