#include "engine/port_changes.h"

#include <algorithm>
#include <charconv>

#include "engine/container_networks.h"
#include "engine/validate.h"

namespace hull::engine {
namespace {

using Bindings = PortChanges::Bindings;

// "80" is "80/tcp"; one port each, so that what is removed is what was added.
Result<Bindings> normal_form(const Bindings& bindings) {
    Bindings out;
    for (const auto& [text, list] : bindings) {
        const auto ports = TRY(expand_ports(text));
        if (ports.size() != 1)
            return Error(ErrorKind::invalid_argument, "one port is wanted, not the range \"" + text + "\"");
        auto& into = out[std::to_string(ports[0].port) + "/" + ports[0].protocol];
        into.insert(into.end(), list.begin(), list.end());
    }
    return out;
}

// Does what was asked for at the start, "8080", "8000-8010" or "", cover this port?
bool covers(const std::string& host_port, const std::string& wanted) {
    if (wanted.empty() || host_port.empty() || host_port == wanted) return true;
    int first = 0, last = 0, port = 0;
    const auto number = [](std::string_view text, int& into) {
        return std::from_chars(text.data(), text.data() + text.size(), into).ec == std::errc();
    };
    const size_t dash = host_port.find('-');
    return dash != host_port.npos && number(std::string_view(host_port).substr(0, dash), first) &&
           number(std::string_view(host_port).substr(dash + 1), last) && number(wanted, port) && first <= port &&
           port <= last;
}

bool same_address(const std::string& have, const std::string& wanted) {
    return wanted.empty() || have == wanted || (have.empty() && (wanted == "0.0.0.0" || wanted == "::"));
}

std::vector<model::PublishedPort> published(const ContainerState& state, const Bindings& remove) {
    std::vector<model::PublishedPort> gone;
    for (const model::PublishedPort& port : state.ports) {
        const auto found = remove.find(std::to_string(port.container_port) + "/" + port.protocol);
        if (found == remove.end()) continue;
        const bool fits = std::ranges::any_of(found->second, [&](const model::PortBinding& binding) {
            return (binding.host_port.empty() || binding.host_port == std::to_string(port.host_port)) &&
                   same_address(port.host_ip, binding.host_ip);
        });
        if (found->second.empty() || fits) gone.push_back(port);
    }
    return gone;
}

Error not_published(const std::string& container, const std::string& port, const std::string& host_port) {
    return {ErrorKind::not_found, "container " + container + " doesn't publish " + port +
                                      (host_port.empty() ? "" : " on port " + host_port) + " of the host"};
}

// As the settings say it. Errors: not_found.
Result<void> take_out(Bindings& from, const Bindings& remove, const std::vector<model::PublishedPort>& live,
                      const std::string& container) {
    for (const auto& [port, wanted] : remove) {
        const bool runs = std::ranges::any_of(live, [&](const model::PublishedPort& one) {
            return std::to_string(one.container_port) + "/" + one.protocol == port;
        });
        const auto found = from.find(port);
        if (found == from.end()) {
            // By -P, perhaps.
            if (!runs) return not_published(container, port, "");
            continue;
        }
        if (wanted.empty()) {
            from.erase(found);
            continue;
        }
        for (const model::PortBinding& binding : wanted) {
            auto& have = found->second;
            const auto fits = [&](const model::PortBinding& one) {
                return covers(one.host_port, binding.host_port) && same_address(one.host_ip, binding.host_ip);
            };
            const size_t before = have.size();
            if (binding.host_port.empty()) {
                std::erase_if(have, fits); // any
            } else {
                auto at = std::ranges::find_if(have, [&](const model::PortBinding& one) {
                    return one.host_port == binding.host_port && same_address(one.host_ip, binding.host_ip);
                });
                if (at == have.end()) at = std::ranges::find_if(have, fits); // of a range, or at random
                if (at != have.end()) have.erase(at);
            }
            if (have.size() == before && !runs) return not_published(container, port, binding.host_port);
        }
        if (found->second.empty()) from.erase(found);
    }
    return {};
}

} // namespace

Result<PortPlan> plan_ports(const Container& container, const PortChanges& changes) {
    const Bindings add = TRY(normal_form(changes.add)), remove = TRY(normal_form(changes.remove));
    PortPlan plan{.bindings = container.settings().host_config.port_bindings, .add = {}, .gone = {}};
    plan.gone = published(container.state(), remove);
    TRY(take_out(plan.bindings, remove, plan.gone, container.name()));
    for (const auto& [port, list] : add) {
        auto& into = plan.bindings[port];
        into.insert(into.end(), list.begin(), list.end());
        if (list.empty()) into.emplace_back();
    }
    model::HostConfig added;
    added.port_bindings = add;
    plan.add = TRY(port_wishes({}, added));
    return plan;
}

Result<void> apply_ports(Core& core, Container& container, const PortPlan& plan) {
    if (plan.add.empty() && plan.gone.empty()) return {};
    NetworkMember member = TRY(make_member(core, container));
    if (member.networks.empty())
        return Error(ErrorKind::conflict,
                     "container " + container.name() + " has no network of its own whose ports could be published");
    member.ports = plan.add;
    auto joined = TRY(core.networks->change_ports(member, plan.gone));
    container.update([&](ContainerState& now, Volatile&) { now.ports = joined.ports; });
    core.save(container);
    return {};
}

} // namespace hull::engine
