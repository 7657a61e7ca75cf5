// SandboxPort over the sandbox pool and the bridge.
#include <cstdio>
#include <utility>

#include "base/log.h"
#include "engine/endpoint_records.h"
#include "engine/sandbox_port.h"

namespace hull::engine {
namespace {

// 64 digits that stay the same as long as the bridge is the same engine's:
// FNV-1a, stretched by splitmix64. Only a name; nothing relies on its strength.
std::string stable_id(std::string_view text) {
    uint64_t state = 0xcbf29ce484222325;
    for (const unsigned char c : text) state = (state ^ c) * 0x100000001b3;
    std::string id;
    for (int i = 0; i < 4; ++i) {
        uint64_t z = state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        char digits[17];
        std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(z ^ (z >> 31)));
        id += digits;
    }
    return id;
}

Result<net::EndpointRequest> parse(const SandboxRequest& address) {
    net::EndpointRequest request;
    if (!address.ip_address.empty()) request.ip = TRY(net::IpAddress::parse(address.ip_address));
    if (!address.mac_address.empty()) request.mac = TRY(net::MacAddress::parse(address.mac_address));
    return request;
}

class BridgeSandboxes : public SandboxPort {
public:
    BridgeSandboxes(RuntimePort& runtime, net::Bridge* bridge, std::unique_ptr<IdPool> ids,
                    const SandboxPoolConfig& pool)
        : bridge_(bridge), ids_(std::move(ids)), pool_(pool, runtime, *ids_, bridge) {
        if (bridge) network_id_ = stable_id(bridge->owner() + '\n' + bridge->name());
    }

    Result<void> recover(const std::vector<HeldSandbox>& running) override;
    Result<TakenSandbox> take(SandboxNetwork network, SandboxUsers users, const SandboxRequest& address) override;
    void release(const HeldSandbox& held) override;
    std::string host_gateway() const override { return bridge_ ? bridge_->address().str() : ""; }
    std::string network_id() const override { return network_id_; }

private:
    Result<EndpointRecord> connect(net::PreparedLink link, const net::EndpointRequest& request);

    net::Bridge* const bridge_;
    const std::unique_ptr<IdPool> ids_;
    SandboxPool pool_; // last: it uses ids_
    std::string network_id_;
};

// A record that doesn't fit the settings of this run (another id range, another
// subnet) is no reason not to start: its container runs on with what it has.
Result<void> BridgeSandboxes::recover(const std::vector<HeldSandbox>& running) {
    std::vector<net::Endpoint> live;
    for (const HeldSandbox& held : running) {
        if (!held.ids.empty())
            if (const auto reserved = ids_->reserve(held.ids.first); !reserved.ok())
                log::warning("take over id range", reserved.error());
        if (!held.endpoint) continue;
        if (auto endpoint = endpoint_from_record(*held.endpoint); endpoint.ok())
            live.push_back(*std::move(endpoint));
        else
            log::warning("take over endpoint", endpoint.error());
    }
    if (bridge_) TRY(bridge_->recover(live));
    pool_.start();
    return {};
}

Result<EndpointRecord> BridgeSandboxes::connect(net::PreparedLink link, const net::EndpointRequest& request) {
    return record_of_endpoint(TRY(bridge_->connect(std::move(link), request)), network_id_, "bridge");
}

Result<TakenSandbox> BridgeSandboxes::take(SandboxNetwork network, SandboxUsers users, const SandboxRequest& address) {
    const net::EndpointRequest request = TRY(parse(address));
    PreparedSandbox prepared = TRY(pool_.take(network, users, address.more_ids));
    TakenSandbox taken{std::move(prepared.sandbox), prepared.ids, std::nullopt};
    if (!prepared.link) return taken;
    auto record = connect(*std::move(prepared.link), request);
    if (!record.ok()) {
        ids_->release(taken.ids);
        return std::move(record).error();
    }
    taken.endpoint = *std::move(record);
    return taken;
}

void BridgeSandboxes::release(const HeldSandbox& held) {
    if (bridge_ && held.endpoint) {
        net::Endpoint endpoint;
        endpoint.host_interface = held.endpoint->host_interface;
        bridge_->disconnect(endpoint);
    }
    ids_->release(held.ids);
}

} // namespace

Result<std::unique_ptr<SandboxPort>> make_bridge_sandboxes(RuntimePort& runtime, net::Bridge* bridge,
                                                           const IdPoolConfig& ids, const SandboxPoolConfig& pool) {
    std::unique_ptr<IdPool> id_pool = TRY(IdPool::create(ids));
    return std::unique_ptr<SandboxPort>(new BridgeSandboxes(runtime, bridge, std::move(id_pool), pool));
}

} // namespace hull::engine
