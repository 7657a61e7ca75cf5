// Where hulld serves: unix sockets, sockets of a service manager, TCP with
// mutual TLS, and metrics.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/hulld/options.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "http/server.h"

namespace hull {

class StateFolder;

class Listeners {
public:
    // activation: sockets for fd://; those of a network are served with TLS as
    // any other. exec_root lets the group of the socket pass when it is inside.
    // metrics makes the text for --metrics-addr. Serves when it returns.
    static Result<std::unique_ptr<Listeners>> open(const Options& options, std::vector<UniqueFd> activation,
                                                   StateFolder& exec_root, http::Handler handler,
                                                   std::function<std::string()> metrics);
    virtual ~Listeners() = default; // stops

    // Certificates are read anew. Errors: the old ones stay.
    virtual Result<void> reload(const Options& options) = 0;
    // No new connections; requests that are just being sent get window_ns to come.
    virtual void drain(int64_t window_ns) = 0;
    // No new requests; those under way get grace_ns. Socket files made here go.
    virtual void stop(int64_t grace_ns) = 0;
};

} // namespace hull
