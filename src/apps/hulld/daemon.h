// The engine process put together: stores, images, runtime, network, engine,
// API, sockets, in this order, and taken apart in the reverse one.
#pragma once

#include <memory>
#include <vector>

#include "apps/hulld/options.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace hull {

class Daemon {
public:
    // activation: sockets of a service manager, for fd://. Serves when it
    // returns.
    static Result<std::unique_ptr<Daemon>> start(const Options& options, std::vector<UniqueFd> activation);
    virtual ~Daemon() = default;

    // Takes over what can change while it runs: log level, labels, the time that
    // requests get at the end, certificates. Errors: nothing was changed.
    virtual Result<void> reload(const Options& options) = 0;
    // The machine goes down: containers are stopped first.
    virtual void stop_containers() = 0;
    // Ends requests under way; containers run on.
    virtual void stop() = 0;
};

} // namespace hull
