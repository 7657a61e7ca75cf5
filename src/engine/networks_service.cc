#include "engine/networks_service.h"

#include <algorithm>
#include <array>

#include "engine/container_networks.h"
#include "engine/service.h"
#include "engine/validate.h"

namespace hull::engine {
namespace {

Event network_event(const model::NetworkRecord& record, const char* action) {
    return {.type = "network",
            .action = action,
            .actor = record.id,
            .attributes = {{"name", record.name}, {"type", record.driver}},
            .time = {}};
}

// Networks are joined one by one; these are all or nothing. "none" can be left for others.
Result<void> check_joinable(const Container& container, const std::string& network) {
    const bool private_mode = networks_of(container.settings(), container.state()).contains("none");
    const std::string& mode = container.settings().host_config.network_mode;
    auto refuse = [](const char* text) { return Error(ErrorKind::forbidden, text); };
    if (mode == "host" || network == "host")
        return refuse("container cannot be disconnected from host network or connected to host network");
    if (!joined_container(mode).empty())
        return refuse("container sharing network namespace with another container or host cannot be connected to any "
                      "other network");
    if (private_mode || network == "none")
        return refuse("container cannot be connected to multiple networks with one of the networks in private (none) "
                      "mode");
    return {};
}

} // namespace

Result<model::NetworkRecord> NetworksService::create(const model::NetworkRequest& request) {
    model::NetworkRecord record = TRY(core_.networks->create(request));
    core_.events.publish(network_event(record, "create"));
    return record;
}

std::vector<model::NetworkRecord> NetworksService::all() { return core_.networks->all(); }

Result<model::NetworkRecord> NetworksService::find(const std::string& name) { return core_.networks->find(name); }

bool NetworksService::in_use(const std::string& id) { return core_.networks->members(id) > 0; }

Result<void> NetworksService::remove(const std::string& name) {
    const model::NetworkRecord record = TRY(core_.networks->find(name));
    TRY(core_.networks->remove(name));
    core_.events.publish(network_event(record, "destroy"));
    return {};
}

// Those on the network whose own word doesn't stand before it.
Result<void> NetworksService::apply_limits(const model::NetworkRecord& record) {
    for (const ContainerPtr& container : core_.registry.all()) {
        std::lock_guard operation(container->operation());
        if (!has_processes(container->status())) continue;
        if (!networks_of(container->settings(), container->state()).contains(record.name)) continue;
        UniqueFd net_ns = TRY(core_.host.net_namespace(container->state().pid));
        TRY(core_.networks->change_limits(TRY(make_member(core_, *container)), net_ns));
    }
    return {};
}

Result<void> NetworksService::update(const std::string& name, const std::map<std::string, std::string>& options) {
    const model::NetworkRecord before = TRY(core_.networks->update(name, options));
    if (auto done = apply_limits(before); !done.ok()) {
        auto old = options;
        for (auto& [key, value] : old) {
            const auto was = before.options.find(key);
            value = was == before.options.end() ? std::string() : was->second;
        }
        (void)core_.networks->update(before.id, old).ok();
        (void)apply_limits(before).ok(); // as far as it goes
        return std::move(done).error().context("Cannot update network " + before.name);
    }
    core_.events.publish(network_event(before, "update"));
    return {};
}

Result<std::vector<std::string>> NetworksService::prune(const Filters& filters) {
    constexpr std::array<std::string_view, 3> names = {"until", "label", "label!"};
    TRY(filters.check_names(names));
    std::optional<WallTime> until;
    for (const std::string& text : filters.get("until")) until = TRY(parse_time_filter(text, wall_now()));
    // Also those that a container which doesn't run is on.
    std::vector<std::string> used;
    for (const ContainerPtr& container : core_.registry.all())
        for (const auto& [name, endpoint] : networks_of(container->settings(), container->state()))
            used.push_back(name);
    std::vector<std::string> removed;
    for (const model::NetworkRecord& record : core_.networks->all()) {
        if (record.config_only) continue;
        if (until && record.created >= *until) continue;
        if (!filters.labels("label", record.labels)) continue;
        if (filters.has("label!") && filters.labels("label!", record.labels)) continue;
        if (std::ranges::find(used, record.name) != used.end() || in_use(record.id)) continue;
        if (remove(record.id).ok()) removed.push_back(record.name);
    }
    core_.events.publish(
        {.type = "network", .action = "prune", .actor = "", .attributes = {{"reclaimed", "0"}}, .time = {}});
    return removed;
}

Result<void> NetworksService::connect(const std::string& name, const model::NetworkConnectRequest& request) {
    ContainerPtr container = TRY(core_.registry.find(request.container));
    TRY(check_joinable(*container, name));
    const model::NetworkRecord record = TRY(core_.networks->find(name));
    TRY(validate_endpoint(record.name, request.endpoint));
    std::lock_guard operation(container->operation());
    auto networks = networks_of(container->settings(), container->state());
    networks[record.name] = request.endpoint;
    if (!has_processes(container->status())) {
        container->update([&](ContainerState& state, Volatile&) { state.networks = networks; });
        core_.save(*container);
        return {};
    }
    NetworkMember member = TRY(make_member(core_, *container));
    member.networks = networks;
    // It is named for the first time, perhaps.
    if (auto text = core_.host.read_file("/etc/resolv.conf", 1 << 20); text.ok()) member.host_dns = name_servers(*text);
    UniqueFd net_ns = TRY(core_.host.net_namespace(container->state().pid));
    auto joined = TRY(core_.networks->connect(member, record.name, net_ns));
    container->update([&](ContainerState& state, Volatile&) {
        state.networks = networks;
        state.endpoints = joined.endpoints;
        state.ports = joined.ports;
    });
    core_.save(*container);
    for (const EndpointRecord& endpoint : joined.endpoints)
        if (endpoint.network_id == record.id) publish_network(core_, *container, endpoint, "connect");
    return {};
}

Result<void> NetworksService::leave_none(Container& container) {
    std::lock_guard operation(container.operation());
    auto networks = networks_of(container.settings(), container.state());
    if (networks.erase("none") == 0)
        return Error(ErrorKind::forbidden, "container " + container.id.str() + " is not connected to network none");
    container.update([&](ContainerState& state, Volatile&) { state.networks = networks; });
    core_.save(container);
    return {};
}

Result<void> NetworksService::disconnect(const std::string& name, const std::string& container_name, bool force) {
    auto found = core_.registry.find(container_name);
    if (!found.ok() && force) return {}; // nothing of it is on any network then
    ContainerPtr container = TRY(std::move(found));
    if (name == "none") return leave_none(*container);
    TRY(check_joinable(*container, name));
    const model::NetworkRecord record = TRY(core_.networks->find(name));
    std::lock_guard operation(container->operation());
    auto networks = networks_of(container->settings(), container->state());
    if (!networks.contains(record.name))
        return Error(ErrorKind::forbidden,
                     "container " + container->id.str() + " is not connected to network " + record.name);
    EndpointRecord gone{.network_id = record.id,
                        .endpoint_id = {},
                        .network = record.name,
                        .ip_address = {},
                        .prefix_length = 0,
                        .gateway = {},
                        .mac_address = {},
                        .interface = {},
                        .host_interface = {}};
    if (!has_processes(container->status())) {
        networks.erase(record.name);
        container->update([&](ContainerState& state, Volatile&) { state.networks = networks; });
        core_.save(*container);
        return {};
    }
    NetworkMember member = TRY(make_member(core_, *container));
    UniqueFd net_ns = TRY(core_.host.net_namespace(container->state().pid));
    auto joined = TRY(core_.networks->disconnect(member, record.name, net_ns));
    networks.erase(record.name);
    container->update([&](ContainerState& state, Volatile&) {
        state.networks = networks;
        if (state.endpoint && state.endpoint->network_id == record.id) state.endpoint.reset();
        state.endpoints = joined.endpoints;
        state.ports = joined.ports;
    });
    core_.save(*container);
    publish_network(core_, *container, gone, "disconnect");
    return {};
}

} // namespace hull::engine
