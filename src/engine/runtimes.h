// Which program makes a container: ours, or another OCI runtime by the name that
// the configuration gives it, or by its path.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "engine/engine.h"

namespace hull::engine {

inline constexpr const char* kOwnRuntime = "hull";

// nullopt: our own. "runc" and "io.containerd.runc.v2" are ours too where nothing
// is configured under these names. Errors: invalid_argument in Docker's words.
Result<std::optional<OciRuntime>> find_runtime(const EngineOptions& options, const std::string& name);

} // namespace hull::engine
