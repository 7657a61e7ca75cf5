// Networks over the keeper, with containers and events.
#pragma once

#include "engine/core.h"
#include "engine/networks.h"

namespace hull::engine {

class NetworksService : public Networks {
public:
    explicit NetworksService(Core& core) : core_(core) {}

    Result<model::NetworkRecord> create(const model::NetworkRequest& request) override;
    std::vector<model::NetworkRecord> all() override;
    Result<model::NetworkRecord> find(const std::string& name) override;
    bool in_use(const std::string& id) override;
    Result<void> remove(const std::string& name) override;
    Result<void> update(const std::string& name, const std::map<std::string, std::string>& options) override;
    Result<std::vector<std::string>> prune(const Filters& filters) override;
    Result<void> connect(const std::string& network, const model::NetworkConnectRequest& request) override;
    Result<void> disconnect(const std::string& network, const std::string& container, bool force) override;

private:
    Result<void> leave_none(Container& container);
    Result<void> apply_limits(const model::NetworkRecord& record);

    Core& core_;
};

} // namespace hull::engine
