// Networks as the API sees them. Errors have Docker's texts. Thread-safe.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/filters.h"
#include "model/network.h"

namespace hull::engine {

class Networks {
public:
    virtual ~Networks() = default;
    virtual Result<model::NetworkRecord> create(const model::NetworkRequest& request) = 0;
    // User-defined ones, oldest first; bridge, host and none are api/'s.
    virtual std::vector<model::NetworkRecord> all() = 0;
    virtual Result<model::NetworkRecord> find(const std::string& name) = 0; // not_found
    virtual bool in_use(const std::string& id) = 0;                         // by a running container
    virtual Result<void> remove(const std::string& name) = 0;
    // Lists and rates of a network (hull.egress, hull.bandwidth; empty: none), for its running
    // containers at once; on error for none of them. Errors: invalid_argument, forbidden, unsupported.
    virtual Result<void> update(const std::string& name, const std::map<std::string, std::string>& options) = 0;
    // Filters: until label label!. Names of those removed.
    virtual Result<std::vector<std::string>> prune(const Filters& filters) = 0;
    virtual Result<void> connect(const std::string& network, const model::NetworkConnectRequest& request) = 0;
    virtual Result<void> disconnect(const std::string& network, const std::string& container, bool force) = 0;
};

} // namespace hull::engine
