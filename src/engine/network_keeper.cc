// Networks themselves; who is on them is in network_members.cc.
#include "engine/network_keeper.h"

#include <algorithm>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/random.h"

namespace hull::engine {
namespace {

constexpr const char* kBridgeOptions = "com.docker.network.bridge.";

Error bad_request(std::string text) { return {ErrorKind::invalid_argument, std::move(text)}; }

Result<bool> bool_option(const std::map<std::string, std::string>& options, const std::string& key, bool absent) {
    auto found = options.find(key);
    if (found == options.end()) return absent;
    const std::string& text = found->second;
    if (text == "true" || text == "1" || text == "t" || text == "T" || text == "TRUE" || text == "True") return true;
    if (text == "false" || text == "0" || text == "f" || text == "F" || text == "FALSE" || text == "False")
        return false;
    return bad_request("invalid value for " + key + ": " + text);
}

std::string text_option(const std::map<std::string, std::string>& options, const std::string& key) {
    auto found = options.find(key);
    return found == options.end() ? std::string() : found->second;
}

// What can't be honoured is refused here, before anything is made.
Result<void> check_options(const model::NetworkRequest& request) {
    auto unsupported = [](const std::string& text) { return Error(ErrorKind::unsupported, text); };
    if (!request.enable_ipv4.value_or(true) && !request.enable_ipv6) return bad_request("IPv4 or IPv6 must be enabled");
    if (request.config_only || !request.config_from.empty())
        return unsupported("configuration-only networks are not supported");
    if (request.ingress) return bad_request("Ingress network creation is not supported outside a swarm");
    if (!request.scope.empty() && request.scope != "local")
        return bad_request("invalid scope \"" + request.scope + "\": this engine is not in a swarm");
    if (!request.ipam.driver.empty() && request.ipam.driver != "default")
        return unsupported("IPAM driver \"" + request.ipam.driver + "\" is not supported");
    for (const auto& [key, value] : request.options) {
        const bool is_default = key == "com.docker.network.bridge.gateway_mode_ipv4"         ? value == "nat"
                                : key == "com.docker.network.bridge.gateway_mode_ipv6"       ? value == "nat"
                                : key == "com.docker.network.bridge.inhibit_ipv4"            ? value == "false"
                                : key == "com.docker.network.bridge.trusted_host_interfaces" ? value.empty()
                                                                                             : true;
        if (!is_default) return unsupported("network option " + key + "=" + value + " is not supported");
    }
    return {};
}

bool is_ipv6(const model::IpamPool& pool) {
    return (pool.subnet + pool.gateway + pool.ip_range).find(':') != std::string::npos;
}

// nullptr: none was given, or chosen yet.
const model::IpamPool* pool_of(const model::IpamSettings& ipam, bool v6) {
    for (const model::IpamPool& pool : ipam.config)
        if (is_ipv6(pool) == v6) return &pool;
    return nullptr;
}

Result<void> check_pool(const model::IpamSettings& ipam) {
    size_t of_v4 = 0, of_v6 = 0;
    for (const model::IpamPool& pool : ipam.config) ++(is_ipv6(pool) ? of_v6 : of_v4);
    if (of_v4 > 1 || of_v6 > 1) return bad_request("bridge driver doesn't support multiple subnets");
    for (const model::IpamPool& pool : ipam.config) {
        if (pool.subnet.empty()) {
            if (!pool.gateway.empty() || !pool.ip_range.empty() || !pool.aux_addresses.empty())
                return bad_request("every ip-range or gateway must have a corresponding subnet");
            continue;
        }
        auto subnet = net::Prefix::parse(pool.subnet);
        if (!subnet.ok()) return bad_request("invalid subnet " + pool.subnet + ": not a network in CIDR notation");
        if (subnet->address.is_v6() && subnet->length > 126)
            return bad_request("invalid subnet " + pool.subnet + ": too small");
        if (subnet->network() != *subnet)
            return bad_request("invalid subnet " + pool.subnet + ": it should be " + subnet->network().str());
        if (!pool.ip_range.empty()) {
            auto range = net::Prefix::parse(pool.ip_range);
            if (!range.ok() || range->length < subnet->length || !subnet->contains(range->address))
                return bad_request("invalid ip-range " + pool.ip_range + ": not a part of the subnet " + pool.subnet);
        }
        auto within = [&](const std::string& text, const char* what) -> Result<void> {
            auto ip = net::IpAddress::parse(text);
            if (!ip.ok() || !subnet->contains(*ip))
                return bad_request(std::string("invalid ") + what + " " + text + ": not in the subnet " + pool.subnet);
            return {};
        };
        if (!pool.gateway.empty()) TRY(within(pool.gateway, "gateway address"));
        for (const auto& [name, address] : pool.aux_addresses) TRY(within(address, "auxiliary address"));
    }
    return {};
}

// The name of the device says whose network it is.
std::string bridge_name(const NetworkRecord& record) {
    std::string asked = text_option(record.options, std::string(kBridgeOptions) + "name");
    return asked.empty() ? "br-" + record.id.substr(0, 12) : asked;
}

} // namespace

bool is_predefined_network(const std::string& name) {
    return name == "bridge" || name == "host" || name == "none" || name == "default";
}

Result<std::unique_ptr<NetworkKeeper>> NetworkKeeper::open(NetworkDefaults defaults, store::Records& records,
                                                           net::Bridge* bridge, std::string bridge_id) {
    std::unique_ptr<NetworkKeeper> keeper(new NetworkKeeper(std::move(defaults), records));
    keeper->server_ =
        TRY(net::NameServer::start([names = &keeper->names_](const std::string& who, const std::string& name,
                                                             uint16_t type) { return names->ask(who, name, type); }));
    TRY(keeper->load(bridge, std::move(bridge_id)));
    if (auto watch = net::RulesWatch::start([raw = keeper.get()] { raw->restore_rules(); }); watch.ok())
        keeper->rules_watch_ = *std::move(watch);
    else
        log::warning("watch firewall rules", watch.error());
    return keeper;
}

Result<void> NetworkKeeper::load(net::Bridge* bridge, std::string bridge_id) {
    if (bridge) {
        auto network = std::make_shared<Network>();
        network->record.id = std::move(bridge_id);
        network->record.name = "bridge";
        network->record.bridge = bridge->name();
        network->record.enable_ipv6 = bridge->ipv6().has_value();
        if (!defaults_.host_ip.empty())
            network->record.options[std::string(kBridgeOptions) + "host_binding_ipv4"] = defaults_.host_ip;
        network->bridge = bridge;
        networks_[network->record.id] = std::move(network);
    }
    for (const store::Record& one : TRY(records_.all(store::Table::networks))) {
        auto record = model::parse_network_record(one.text);
        if (!record.ok()) {
            log::error("network record " + one.key, record.error());
            continue;
        }
        auto network = std::make_shared<Network>();
        network->record = *std::move(record);
        auto made = net::Bridge::create(config_of(network->record));
        // The others are as good as before; this one's containers get the error.
        if (!made.ok()) log::error("network " + network->record.name, made.error());
        if (made.ok()) network->own = *std::move(made);
        network->bridge = network->own.get();
        networks_[network->record.id] = std::move(network);
    }
    return {};
}

net::BridgeConfig NetworkKeeper::config_of(const NetworkRecord& record) const {
    net::BridgeConfig config;
    auto on = [](bool value) { return value ? net::Switch::on : net::Switch::off; };
    const std::string prefix = kBridgeOptions;
    config.name = record.bridge;
    config.pools = defaults_.address_pools;
    config.owner = defaults_.owner + " network " + record.id.substr(0, 12);
    config.container_communication = on(bool_option(record.options, prefix + "enable_icc", true).ok()
                                            ? *bool_option(record.options, prefix + "enable_icc", true)
                                            : true);
    auto masquerade = bool_option(record.options, prefix + "enable_ip_masquerade", true);
    config.masquerade = on(!masquerade.ok() || *masquerade);
    config.internal = on(record.internal);
    if (const std::string mtu = text_option(record.options, "com.docker.network.driver.mtu"); !mtu.empty())
        config.mtu = static_cast<uint32_t>(std::strtoul(mtu.c_str(), nullptr, 10));
    config.ipv4 = on(record.enable_ipv4);
    config.ipv6 = on(record.enable_ipv6);
    config.firewall6 = on(defaults_.ip6tables);
    for (const bool v6 : {false, true}) {
        const model::IpamPool* pool = pool_of(record.ipam, v6);
        auto subnet = net::Prefix::parse(pool ? pool->subnet : "");
        if (!subnet.ok() || !(v6 ? record.enable_ipv6 : record.enable_ipv4)) continue;
        net::IpAddress host = net::next_address(subnet->network().address);
        if (auto gateway = net::IpAddress::parse(pool->gateway); gateway.ok()) host = *gateway;
        (v6 ? config.address6 : config.address) = net::Prefix{host, subnet->length};
        if (auto range = net::Prefix::parse(pool->ip_range); range.ok())
            (v6 ? config.fixed_cidr6 : config.fixed_cidr) = *range;
        for (const auto& [name, address] : pool->aux_addresses)
            if (auto ip = net::IpAddress::parse(address); ip.ok()) config.reserved.push_back(*ip);
    }
    return config;
}

Result<void> NetworkKeeper::check_overlap(const net::Prefix& subnet, const std::string& id) const {
    std::lock_guard lock(mutex_);
    for (const auto& [other, network] : networks_) {
        if (other == id || !network->bridge) continue;
        const auto v6 = network->bridge->ipv6();
        if (network->bridge->subnet().overlaps(subnet) || (v6 && v6->subnet.overlaps(subnet)))
            return Error(ErrorKind::forbidden, "invalid pool request: Pool overlaps with other one on this address "
                                               "space");
    }
    return {};
}

Result<NetworkRecord> NetworkKeeper::create(const model::NetworkRequest& asked) {
    model::NetworkRequest request = asked;
    request.options.insert(defaults_.bridge_options.begin(), defaults_.bridge_options.end());
    if (request.name.empty() || request.name.find_first_not_of(" \t") == std::string::npos)
        return bad_request("invalid network name: name is empty");
    if (is_predefined_network(request.name))
        return Error(ErrorKind::forbidden, "operation is not permitted on predefined " + request.name + " network ");
    const std::string driver = request.driver.empty() || request.driver == "default" ? "bridge" : request.driver;
    if (driver == "host" || driver == "null")
        return Error(ErrorKind::forbidden, "only one instance of \"" + driver + "\" network is allowed");
    if (driver == "overlay")
        return Error(ErrorKind::unavailable, "This node is not a swarm manager. Use \"docker swarm init\" or \"docker "
                                             "swarm join\" to connect this node to swarm and try again.");
    if (driver == "macvlan" || driver == "ipvlan")
        return Error(ErrorKind::unsupported, "the network driver " + driver + " is not supported yet");
    if (driver != "bridge") return Error(ErrorKind::not_found, "plugin \"" + driver + "\" not found");
    TRY(check_options(request));
    TRY(check_pool(request.ipam));
    for (const char* key : {"enable_icc", "enable_ip_masquerade"})
        TRY(bool_option(request.options, std::string(kBridgeOptions) + key, true));
    if (const std::string mtu = text_option(request.options, "com.docker.network.driver.mtu"); !mtu.empty()) {
        char* end = nullptr;
        const unsigned long value = std::strtoul(mtu.c_str(), &end, 10);
        if (*end != '\0' || value < 68 || value > 65535) return bad_request("invalid MTU: " + mtu);
    }

    std::lock_guard one(creating_);
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, network] : networks_)
            if (network->record.name == request.name)
                return Error(ErrorKind::conflict, "network with name " + request.name + " already exists");
    }
    auto network = std::make_shared<Network>();
    NetworkRecord& record = network->record;
    record.id = random_id();
    record.name = request.name;
    record.created = wall_now();
    record.internal = request.internal;
    record.attachable = request.attachable;
    record.enable_ipv4 = request.enable_ipv4.value_or(true);
    record.enable_ipv6 = request.enable_ipv6;
    record.ipam = request.ipam;
    record.ipam.driver = "default";
    std::erase_if(record.ipam.config, [](const model::IpamPool& pool) { return pool.subnet.empty(); });
    record.options = request.options;
    record.labels = request.labels;
    record.bridge = bridge_name(record);
    for (const model::IpamPool& pool : record.ipam.config)
        if (is_ipv6(pool) ? record.enable_ipv6 : record.enable_ipv4)
            TRY(check_overlap(TRY(net::Prefix::parse(pool.subnet)), record.id));

    // On record first: what a crash leaves is then known to the next engine.
    TRY(records_.put(store::Table::networks, record.id, model::print_network_record(record)));
    auto made = net::Bridge::create(config_of(record));
    if (auto reached = failpoint("network.made"); made.ok() && !reached.ok()) {
        (void)(*made)->remove();
        made = std::move(reached).error();
    }
    if (made.ok()) {
        network->own = *std::move(made);
        network->bridge = network->own.get();
        auto show = [&](bool v6, const net::Prefix& subnet, const net::IpAddress& gateway) {
            auto at = std::ranges::find_if(record.ipam.config,
                                           [&](const model::IpamPool& pool) { return is_ipv6(pool) == v6; });
            if (at == record.ipam.config.end())
                at = record.ipam.config.insert(v6 ? record.ipam.config.end() : record.ipam.config.begin(),
                                               model::IpamPool{});
            at->subnet = subnet.str();
            if (at->gateway.empty()) at->gateway = gateway.str();
        };
        const net::Bridge& bridge = *network->bridge;
        if (record.enable_ipv4) show(false, bridge.subnet(), bridge.gateway());
        if (const auto v6 = bridge.ipv6()) show(true, v6->subnet, v6->gateway);
    }
    Result<void> done = made.ok() ? records_.put(store::Table::networks, record.id, model::print_network_record(record),
                                                 store::Durability::power_loss)
                                  : Result<void>(made.error());
    if (!done.ok()) {
        if (network->own) (void)network->own->remove();
        (void)records_.erase(store::Table::networks, record.id);
        return std::move(done).error().context("create network " + request.name);
    }
    std::lock_guard lock(mutex_);
    networks_[record.id] = network;
    return record;
}

std::vector<NetworkRecord> NetworkKeeper::all() const {
    std::lock_guard lock(mutex_);
    std::vector<NetworkRecord> records;
    for (const auto& [id, network] : networks_)
        if (network->own || !is_predefined_network(network->record.name)) records.push_back(network->record);
    std::ranges::sort(records, {}, [](const NetworkRecord& record) { return record.created.ns; });
    return records;
}

NetworkKeeper::NetworkPtr NetworkKeeper::by_id(const std::string& id) const {
    std::lock_guard lock(mutex_);
    auto found = networks_.find(id);
    return found == networks_.end() ? nullptr : found->second;
}

Result<NetworkKeeper::NetworkPtr> NetworkKeeper::look_up(const std::string& name) const {
    const std::string wanted = name == "default" ? "bridge" : name;
    std::lock_guard lock(mutex_);
    for (const auto& [id, network] : networks_)
        if (network->record.name == wanted || id == wanted) return network;
    NetworkPtr match;
    for (const auto& [id, network] : networks_) {
        if (wanted.empty() || !id.starts_with(wanted)) continue;
        if (match) return bad_request("network " + name + " is ambiguous (2 matches found based on ID prefix)");
        match = network;
    }
    if (!match) return Error(ErrorKind::not_found, "network " + name + " not found");
    return match;
}

Result<NetworkRecord> NetworkKeeper::find(const std::string& name) const { return TRY(look_up(name))->record; }

size_t NetworkKeeper::members(const std::string& id) const {
    std::lock_guard lock(mutex_);
    auto found = networks_.find(id);
    return found == networks_.end() ? 0 : found->second->members.size();
}

Result<void> NetworkKeeper::remove(const std::string& name) {
    NetworkPtr network = TRY(look_up(name));
    const NetworkRecord& record = network->record;
    if (is_predefined_network(record.name))
        return Error(ErrorKind::forbidden, record.name + " is a pre-defined network and cannot be removed");
    std::lock_guard one(creating_);
    {
        std::lock_guard lock(mutex_);
        if (!networks_.contains(record.id)) return Error(ErrorKind::not_found, "network " + name + " not found");
        if (!network->members.empty())
            return Error(ErrorKind::forbidden, "error while removing network: network " + record.name + " id " +
                                                   record.id + " has active endpoints");
        networks_.erase(record.id); // nobody joins from here on
    }
    auto gone = [&]() -> Result<void> {
        if (network->own) TRY(network->own->remove());
        auto erased = records_.erase(store::Table::networks, record.id);
        if (erased.ok() || !network->own) return erased;
        // It stays, so what it needs is made again.
        auto again = net::Bridge::create(config_of(record));
        if (again.ok()) {
            network->own = *std::move(again);
            network->bridge = network->own.get();
        }
        return erased;
    }();
    if (gone.ok()) return {};
    std::lock_guard lock(mutex_);
    networks_[record.id] = network;
    return std::move(gone).error().context("remove network " + record.name);
}

} // namespace hull::engine
