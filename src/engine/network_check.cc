// Whether networks have what they need in the kernel.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "engine/network_keeper.h"

namespace hull::engine {

Result<void> NetworkKeeper::install_rules_again(Network& network) {
    TRY(network.carrier->install_rules_again());
    std::map<std::string, Present> present;
    {
        std::lock_guard lock(mutex_);
        present = present_;
    }
    for (auto& [container, where] : present)
        if (where.port_network == network.record.id) TRY(publish_rules(where));
    return {};
}

void NetworkKeeper::restore_rules() {
    std::lock_guard one(creating_);
    egress_.restore();
    std::vector<NetworkPtr> networks;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, network] : networks_) networks.push_back(network);
    }
    for (const NetworkPtr& network : networks) {
        if (!network->carrier) continue;
        auto fault = network->carrier->find_fault();
        if (!fault.ok() || *fault != net::Network::Fault::rules) continue;
        if (auto done = install_rules_again(*network); done.ok())
            log::warning("firewall rules of network " + network->record.name +
                         " were taken away by another program; they are there again");
        else
            log::error("make the firewall rules of network " + network->record.name + " again", done.error());
    }
}

void NetworkKeeper::watch_peers() {
    if (peers_watch_) return;
    {
        std::lock_guard lock(mutex_);
        if (std::ranges::none_of(networks_, [](const auto& one) {
                return one.second->record.driver == "overlay" && one.second->record.options.contains("peers-file");
            }))
            return;
    }
    if (auto watch = net::PeersWatch::start([this] { follow_peers(); }); watch.ok())
        peers_watch_ = *std::move(watch);
    else
        log::warning("watch lists of peers", watch.error());
}

void NetworkKeeper::follow_peers() {
    std::lock_guard one(creating_);
    std::vector<NetworkPtr> networks;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, network] : networks_)
            if (network->own && network->overlay && network->record.options.contains("peers-file"))
                networks.push_back(network);
    }
    for (const NetworkPtr& network : networks) {
        const auto done = follow_peers(*network);
        const std::string complaint = done.ok() ? "" : done.error().message();
        // Once, not every two seconds.
        if (std::exchange(network->peers_complaint, complaint) != complaint && !done.ok())
            log::error("peers of network " + network->record.name + " stay as they were", done.error());
    }
}

Result<void> NetworkKeeper::follow_peers(Network& network) {
    OverlayPlan now = TRY(plan_overlay(network.record));
    if (now.tunnel.peers == network.overlay->tunnel.peers) return {};
    // Its containers have addresses of the part that it has.
    if (now.place != network.overlay->place || now.parts != network.overlay->parts)
        return Error(ErrorKind::conflict, "the new list gives this machine another part of the subnet: add machines at "
                                          "the end of the list, or end the containers and restart the engine");
    TRY(network.own->change_peers(now.tunnel.peers));
    log::info("network " + network.record.name + " has " + std::to_string(now.tunnel.peers.size()) +
              " other machines now");
    network.overlay = std::move(now);
    return {};
}

void NetworkKeeper::check(Repair repair, Damages& found) {
    std::lock_guard one(creating_);
    std::vector<NetworkPtr> networks;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, network] : networks_) networks.push_back(network);
    }
    for (const NetworkPtr& network : networks) {
        const NetworkRecord& record = network->record;
        const bool predefined = is_predefined_network(record.name);
        if (predefined && !network->carrier) continue; // --bridge none

        if (!predefined) {
            auto stored = records_.get(store::Table::networks, record.id);
            if (stored.ok() && !*stored)
                note(found, {"network", record.name, "its record is gone", "it is written again"}, repair, [&] {
                    std::string text;
                    {
                        std::lock_guard lock(mutex_);
                        text = model::print_network_record(record_of(*network));
                    }
                    return records_.put(store::Table::networks, record.id, text, store::Durability::power_loss);
                });
        }
        if (record.config_only) continue;
        if (auto others = network->carrier ? network->carrier->strangers() : std::vector<std::string>();
            others.ok() && !others->empty())
            found.push_back({"network", record.name,
                             "containers of another engine are on its device " + record.bridge + " (" +
                                 others->front() + "): both engines give out the same addresses",
                             "start one of the engines with another --bridge"});
        auto fault = network->carrier ? network->carrier->find_fault()
                                      : Result<net::Network::Fault>(net::Network::Fault::device);
        if (!fault.ok()) {
            found.push_back({"network", record.name, fault.error().message(), "look at the machine's network"});
            continue;
        }
        if (*fault == net::Network::Fault::none) continue;
        if (*fault == net::Network::Fault::rules) {
            note(found,
                 {"network", record.name, "its firewall rules are missing", "they and published ports are made again"},
                 repair, [&] { return install_rules_again(*network); });
            continue;
        }
        size_t members = 0;
        {
            std::lock_guard lock(mutex_);
            members = network->members.size();
        }
        const bool can = !predefined && members == 0;
        note(found,
             {"network", record.name, "its device " + record.bridge + " is missing",
              can ? "it is made again" : "end its containers and restart the engine: that makes it again"},
             repair, [&]() -> Result<void> {
                 if (!can) return Error(ErrorKind::conflict, "containers are on it, or the engine itself holds it");
                 return make(*network);
             });
    }
    auto records = records_.all(store::Table::networks);
    for (const store::Record& record : records.ok() ? *records : std::vector<store::Record>()) {
        if (by_id(record.key)) continue;
        note(found, {"network", record.key, "a record without a network", "it is removed"}, repair,
             [&] { return records_.erase(store::Table::networks, record.key); });
    }
}

} // namespace hull::engine
