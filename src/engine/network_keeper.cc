// Networks themselves; who is on them is in network_members.cc.
#include "engine/network_keeper.h"

#include <algorithm>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/random.h"

namespace hull::engine {
namespace {

// What the engine chose, as inspect shows it.
void show_subnets(NetworkRecord& record, const net::Network& network) {
    for (const net::Network::Subnet& one : network.subnets()) {
        const bool v6 = one.subnet.address.is_v6();
        auto at = std::ranges::find_if(record.ipam.config, [&](const model::IpamPool& pool) {
            const auto subnet = net::Prefix::parse(pool.subnet);
            return subnet.ok() && *subnet == one.subnet;
        });
        if (at == record.ipam.config.end())
            at = record.ipam.config.insert(v6 ? record.ipam.config.end() : record.ipam.config.begin(),
                                           model::IpamPool{});
        at->subnet = one.subnet.str();
        if (at->gateway.empty()) at->gateway = one.gateway.str();
    }
}

std::map<std::string, std::string> limits_among(const std::map<std::string, std::string>& options) {
    std::map<std::string, std::string> out;
    for (const char* key : {k_egress_key, k_bandwidth_key})
        if (auto found = options.find(key); found != options.end()) out.insert(*found);
    return out;
}

Error bad_network(std::string text) { return {ErrorKind::invalid_argument, std::move(text)}; }

} // namespace

bool is_predefined_network(const std::string& name) {
    return name == "bridge" || name == "host" || name == "none" || name == "default";
}

Result<std::unique_ptr<NetworkKeeper>> NetworkKeeper::open(NetworkDefaults defaults, store::Records& records,
                                                           net::Bridge* bridge, std::string bridge_id) {
    std::unique_ptr<NetworkKeeper> keeper(new NetworkKeeper(std::move(defaults), records));
    keeper->server_ = TRY(net::NameServer::start(
        [raw = keeper.get()](const std::string& who, const std::string& name, uint16_t type) {
            net::NameAnswer answer = raw->names_.ask(who, name, type);
            if (answer.kind == net::NameAnswer::Kind::unknown && !raw->egress_.may_ask(who, name))
                answer.kind = net::NameAnswer::Kind::refused;
            return answer;
        },
        [raw = keeper.get()](const std::string& who, const std::string& name,
                             const std::vector<net::IpAddress>& addresses,
                             uint32_t ttl) { raw->egress_.learned(who, name, addresses, std::chrono::seconds(ttl)); }));
    net::sweep_egress();
    TRY(keeper->load(bridge, std::move(bridge_id)));
    keeper->watch_peers();
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
        network->carrier = bridge;
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
        network->limits = limits_among(network->record.options);
        // The others are as good as before; this one's containers get the error.
        if (!network->record.config_only)
            if (auto made = make(*network); !made.ok()) log::error("network " + network->record.name, made.error());
        networks_[network->record.id] = std::move(network);
    }
    return {};
}

std::vector<net::Prefix> NetworkKeeper::taken_subnets(const std::string& but) const {
    std::vector<net::Prefix> out;
    std::lock_guard lock(mutex_);
    for (const auto& [id, network] : networks_)
        if (id != but && network->carrier)
            for (const auto& one : network->carrier->subnets()) out.push_back(one.subnet);
    return out;
}

Result<void> NetworkKeeper::check_overlap(const net::Prefix& subnet, const std::string& id) const {
    for (const net::Prefix& other : taken_subnets(id))
        if (other.overlaps(subnet))
            return Error(ErrorKind::forbidden, "invalid pool request: Pool overlaps with other one on this address "
                                               "space");
    return {};
}

// Docker's rules for networks on one device of the host.
Result<void> NetworkKeeper::check_parent(const NetworkRecord& record) const {
    if (record.driver != "macvlan" && record.driver != "ipvlan") return {};
    auto passthru = [](const NetworkRecord& one) {
        auto mode = one.options.find("macvlan_mode");
        return mode != one.options.end() && mode->second == "passthru";
    };
    std::lock_guard lock(mutex_);
    for (const auto& [id, network] : networks_) {
        const NetworkRecord& other = network->record;
        if (other.bridge != record.bridge || other.config_only) continue;
        if (other.driver != "macvlan" && other.driver != "ipvlan") continue;
        if (other.driver != record.driver)
            return Error(ErrorKind::forbidden, other.driver + " network " + other.name +
                                                   " is already using parent interface " + record.bridge +
                                                   ": a device carries macvlan or ipvlan, not both");
        if (passthru(record))
            return Error(ErrorKind::forbidden, "cannot use mode passthru, macvlan network " + other.id +
                                                   " is already using parent interface " + record.bridge);
        if (passthru(other))
            return Error(ErrorKind::forbidden, "macvlan network " + other.id + " is already using parent interface " +
                                                   record.bridge + " in mode passthru");
    }
    return {};
}

Result<void> NetworkKeeper::make(Network& network) const {
    if (network.record.driver == "overlay") network.overlay = TRY(plan_overlay(network.record));
    network.own = TRY(make_network(network.record, defaults_, taken_subnets(network.record.id)));
    network.carrier = network.own.get();
    return {};
}

// The settings of the network that it has them from.
Result<model::NetworkRequest> NetworkKeeper::with_configuration(const model::NetworkRequest& asked) const {
    model::NetworkRequest request = asked;
    if (asked.config_from.empty()) return request;
    std::lock_guard lock(mutex_);
    for (const auto& [id, network] : networks_) {
        const NetworkRecord& record = network->record;
        if (!record.config_only || record.name != asked.config_from) continue;
        request.ipam = record.ipam;
        request.options = record_of(*network).options;
        request.labels = record.labels;
        request.enable_ipv6 = record.enable_ipv6;
        if (!record.enable_ipv4) request.enable_ipv4 = false;
        return request;
    }
    return Error(ErrorKind::not_found, "configuration network \"" + asked.config_from + "\" does not exist");
}

Result<NetworkRecord> NetworkKeeper::create(const model::NetworkRequest& asked) {
    if (asked.name.empty() || asked.name.find_first_not_of(" \t") == std::string::npos)
        return bad_network("invalid network name: name is empty");
    if (is_predefined_network(asked.name))
        return Error(ErrorKind::forbidden, "operation is not permitted on predefined " + asked.name + " network ");
    TRY(check_configuration(asked));
    const std::string driver = TRY(check_driver(asked));

    std::lock_guard one(creating_);
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, network] : networks_)
            if (network->record.name == asked.name)
                return Error(ErrorKind::conflict, "network with name " + asked.name + " already exists");
    }
    model::NetworkRequest request = TRY(with_configuration(asked));
    if (driver == "bridge") request.options.insert(defaults_.bridge_options.begin(), defaults_.bridge_options.end());
    TRY(check_request(request, driver));
    auto network = std::make_shared<Network>();
    NetworkRecord& record = network->record;
    record.id = random_id();
    record.name = request.name;
    record.driver = driver;
    record.created = wall_now();
    record.internal = request.internal;
    record.attachable = request.attachable;
    record.enable_ipv4 = request.enable_ipv4.value_or(true);
    record.enable_ipv6 = request.enable_ipv6;
    record.config_only = request.config_only;
    record.config_from = request.config_from;
    record.ipam = request.ipam;
    record.ipam.driver = "default";
    std::erase_if(record.ipam.config, [](const model::IpamPool& pool) { return pool.subnet.empty(); });
    record.options = request.options;
    network->limits = limits_among(record.options);
    record.labels = request.labels;
    if (!record.config_only) {
        record.bridge = device_of(record);
        TRY(check_parent(record));
        for (const model::IpamPool& pool : record.ipam.config)
            if (is_ipv6(pool) ? record.enable_ipv6 : record.enable_ipv4)
                TRY(check_overlap(TRY(net::Prefix::parse(pool.subnet)), record.id));
    }

    // On record first: what a crash leaves is then known to the next engine.
    TRY(records_.put(store::Table::networks, record.id, model::print_network_record(record)));
    Result<void> made = record.config_only ? Result<void>() : make(*network);
    if (auto reached = failpoint("network.made"); made.ok() && !reached.ok()) made = std::move(reached).error();
    if (made.ok() && network->carrier) show_subnets(record, *network->carrier);
    Result<void> done = made.ok() ? records_.put(store::Table::networks, record.id, model::print_network_record(record),
                                                 store::Durability::power_loss)
                                  : std::move(made);
    if (!done.ok()) {
        if (network->own) (void)network->own->remove();
        (void)records_.erase(store::Table::networks, record.id);
        return std::move(done).error().context("create network " + request.name);
    }
    {
        std::lock_guard lock(mutex_);
        networks_[record.id] = network;
    }
    watch_peers();
    return record;
}

std::vector<NetworkRecord> NetworkKeeper::all() const {
    std::lock_guard lock(mutex_);
    std::vector<NetworkRecord> records;
    for (const auto& [id, network] : networks_)
        if (network->own || !is_predefined_network(network->record.name)) records.push_back(record_of(*network));
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
        if (match) return bad_network("network " + name + " is ambiguous (2 matches found based on ID prefix)");
        match = network;
    }
    if (!match) return Error(ErrorKind::not_found, "network " + name + " not found");
    return match;
}

Result<NetworkRecord> NetworkKeeper::find(const std::string& name) const {
    NetworkPtr network = TRY(look_up(name));
    std::lock_guard lock(mutex_);
    return record_of(*network);
}

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
        for (const auto& [id, other] : networks_)
            if (record.config_only && other->record.config_from == record.name)
                return Error(ErrorKind::forbidden,
                             "error while removing network: configuration network \"" + record.name + "\" is in use");
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
        (void)make(*network).ok();
        return erased;
    }();
    if (gone.ok()) return {};
    std::lock_guard lock(mutex_);
    networks_[record.id] = network;
    return std::move(gone).error().context("remove network " + record.name);
}

} // namespace hull::engine
