#include "engine/runtimes.h"

namespace hull::engine {

Result<std::optional<OciRuntime>> find_runtime(const EngineOptions& options, const std::string& name) {
    const std::string& wanted = name.empty() ? options.default_runtime : name;
    if (auto found = options.runtimes.find(wanted); found != options.runtimes.end())
        return std::optional(found->second);
    if (wanted == kOwnRuntime || wanted == "runc" || wanted == "io.containerd.runc.v2")
        return std::optional<OciRuntime>();
    bool path = wanted.starts_with('/') && wanted.find('\n') == std::string::npos;
    if (path) return std::optional(OciRuntime{.path = wanted, .args = {}});
    return invalid("unknown or invalid runtime name: " + wanted);
}

} // namespace hull::engine
