// The sandbox port over the warm pool, the bridge and the id ranges.
#include <algorithm>

#include "base/log.h"
#include "base/random.h"
#include "engine/sandbox_port.h"
#include "net/bridge.h"

namespace hull::engine {
namespace {

Result<net::Endpoint> to_endpoint(const EndpointRecord& record) {
    net::Endpoint endpoint;
    endpoint.ip = TRY(net::IpAddress::parse(record.ip_address));
    endpoint.prefix_length = static_cast<uint8_t>(record.prefix_length);
    endpoint.gateway = TRY(net::IpAddress::parse(record.gateway));
    endpoint.mac = TRY(net::MacAddress::parse(record.mac_address));
    endpoint.interface = record.interface;
    endpoint.host_interface = record.host_interface;
    return endpoint;
}

EndpointRecord to_record(const net::Endpoint& endpoint, const std::string& network_id) {
    return {.network_id = network_id,
            .endpoint_id = random_id(),
            .ip_address = endpoint.ip.str(),
            .prefix_length = endpoint.prefix_length,
            .gateway = endpoint.gateway.str(),
            .mac_address = endpoint.mac.str(),
            .interface = endpoint.interface,
            .host_interface = endpoint.host_interface};
}

// 64 digits that depend on the bridge's name alone, so that they are the same
// after a restart (FNV-1a, continued).
std::string network_id_of(const std::string& bridge) {
    constexpr char digits[] = "0123456789abcdef";
    uint64_t hash = 0xcbf29ce484222325;
    std::string id;
    for (int word = 0; word < 4; ++word) {
        for (unsigned char c : "bridge " + bridge) hash = (hash ^ c) * 0x100000001b3;
        for (int shift = 60; shift >= 0; shift -= 4) id += digits[hash >> shift & 0xf];
    }
    return id;
}

class BridgeSandboxes : public SandboxPort {
public:
    BridgeSandboxes(RuntimePort& runtime, net::Bridge* bridge, std::unique_ptr<IdPool> ids,
                    const SandboxPoolConfig& pool)
        : bridge_(bridge), ids_(std::move(ids)), pool_(pool, runtime, *ids_, bridge),
          network_id_(network_id_of(bridge ? bridge->name() : "none")) {}

    Result<void> recover(const std::vector<HeldSandbox>& running) override {
        std::vector<net::Endpoint> live;
        for (const HeldSandbox& held : running) {
            if (!held.ids.empty()) {
                auto reserved = ids_->reserve(held.ids.first);
                // Another pool was configured meanwhile: then it can't collide either.
                if (!reserved.ok()) log::warning("id range of a running container", reserved.error());
            }
            if (held.endpoint) live.push_back(TRY(to_endpoint(*held.endpoint).context("endpoint on record")));
        }
        if (bridge_) TRY(bridge_->recover(live));
        pool_.start();
        return {};
    }

    Result<TakenSandbox> take(SandboxNetwork network, SandboxUsers users, const AddressRequest& address) override {
        net::EndpointRequest request;
        if (!address.ip_address.empty()) request.ip = TRY(net::IpAddress::parse(address.ip_address));
        if (!address.mac_address.empty()) request.mac = TRY(net::MacAddress::parse(address.mac_address));
        PreparedSandbox prepared = TRY(pool_.take(network, users));
        TakenSandbox taken;
        taken.ids = prepared.ids;
        taken.sandbox = std::move(prepared.sandbox);
        if (prepared.link) {
            auto endpoint = bridge_->connect(std::move(*prepared.link), request);
            if (!endpoint.ok()) {
                ids_->release(taken.ids);
                return std::move(endpoint).error();
            }
            taken.endpoint = to_record(*endpoint, network_id_);
        }
        return taken;
    }

    void release(const HeldSandbox& held) override {
        if (held.endpoint && bridge_)
            if (auto endpoint = to_endpoint(*held.endpoint); endpoint.ok()) bridge_->disconnect(*endpoint);
        if (!held.ids.empty()) ids_->release(held.ids);
    }

    std::string host_gateway() const override { return bridge_ ? bridge_->gateway().str() : std::string(); }
    std::string network_id() const override { return network_id_; }

private:
    net::Bridge* bridge_;
    std::unique_ptr<IdPool> ids_;
    SandboxPool pool_;
    const std::string network_id_;
};

} // namespace

Result<std::unique_ptr<SandboxPort>> make_bridge_sandboxes(RuntimePort& runtime, net::Bridge* bridge,
                                                           const IdPoolConfig& ids, const SandboxPoolConfig& pool) {
    auto ranges = TRY(IdPool::create(ids));
    return std::unique_ptr<SandboxPort>(std::make_unique<BridgeSandboxes>(runtime, bridge, std::move(ranges), pool));
}

} // namespace hull::engine
