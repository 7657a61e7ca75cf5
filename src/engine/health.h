// Health checks: runs a container's probe at its interval and keeps what came
// of it. Status by Docker's rules: starting until the first success, or until
// as many failures in a row as retries (those of the start period don't count).
#pragma once

#include <string>

#include "engine/core.h"
#include "engine/execs_service.h"

namespace hull::engine {

class HealthMonitor {
public:
    HealthMonitor(Core& core, ExecsService& execs) : core_(core), execs_(execs) {}

    // The container was started, or adopted. Nothing when it has no check. The
    // runner cancels what is scheduled when the container ends.
    void begin(const ContainerPtr& container);

private:
    void schedule(const ContainerPtr& container, unsigned run);
    void probe(const ContainerPtr& container, unsigned run);
    HealthProbe run_probe(const ContainerPtr& container);
    void take(const ContainerPtr& container, unsigned run, HealthProbe probe);

    Core& core_;
    ExecsService& execs_;
};

// Has a test that isn't NONE.
bool has_health_check(const ContainerSettings& settings);

} // namespace hull::engine
