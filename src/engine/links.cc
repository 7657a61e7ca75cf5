#include "engine/links.h"

#include <algorithm>

#include "engine/port_bindings.h"

namespace hull::engine {
namespace {

bool has_legacy_links(const model::HostConfig& host) {
    return !host.links.empty() && network_name(host.network_mode) == "bridge";
}

std::string without_slash(const std::string& text) { return text.substr(text.starts_with('/') ? 1 : 0); }

std::string in_capitals(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
    return text;
}

// By number, tcp before the others, as Docker sorts them.
std::vector<ExposedPort> exposed_of(const ContainerSettings& settings) {
    std::vector<ExposedPort> ports;
    for (const std::string& text : settings.config.exposed_ports)
        if (auto some = expand_ports(text); some.ok()) ports.insert(ports.end(), some->begin(), some->end());
    std::ranges::sort(ports, [](const ExposedPort& a, const ExposedPort& b) {
        return a.port != b.port ? a.port < b.port : a.protocol == "tcp" && b.protocol != "tcp";
    });
    return ports;
}

void add_environment(std::vector<std::string>& env, const std::string& parent, const LinkText& link,
                     const ContainerSettings& settings, const std::string& ip) {
    const std::string alias = in_capitals(link.alias);
    const std::vector<ExposedPort> ports = exposed_of(settings);
    auto url = [&](const ExposedPort& port) { return port.protocol + "://" + ip + ":" + std::to_string(port.port); };
    if (!ports.empty()) env.push_back(alias + "_PORT=" + url(ports.front()));
    for (const ExposedPort& port : ports) {
        const std::string number = std::to_string(port.port);
        const std::string name = alias + "_PORT_" + number + "_" + in_capitals(port.protocol);
        env.push_back(name + "=" + url(port));
        env.push_back(name + "_ADDR=" + ip);
        env.push_back(name + "_PORT=" + number);
        env.push_back(name + "_PROTO=" + port.protocol);
    }
    env.push_back(alias + "_NAME=/" + parent + "/" + link.alias);
    for (const std::string& entry : settings.config.env) {
        const size_t equals = entry.find('=');
        const std::string name = entry.substr(0, equals);
        if (equals == entry.npos || name == "HOME" || name == "PATH") continue;
        env.push_back(alias + "_ENV_" + entry);
    }
}

} // namespace

LinkText parse_link(const std::string& text) {
    const size_t colon = text.find(':');
    const std::string target = text.substr(0, colon);
    std::string alias = colon == text.npos ? target : text.substr(colon + 1);
    return {target, alias.substr(alias.rfind('/') + 1)};
}

Result<void> check_links(const Core& core, const model::HostConfig& host) {
    if (!has_legacy_links(host)) return {};
    for (const std::string& text : host.links) {
        const LinkText link = parse_link(text);
        if (link.target.empty() || link.alias.empty() || std::ranges::count(text, ':') > 1)
            return Error(ErrorKind::invalid_argument, "bad format for links: " + text);
        auto other = core.registry.find(link.target);
        if (!other.ok())
            return Error(ErrorKind::invalid_argument,
                         "could not get container for " + without_slash(link.target) + ": " + other.error().message());
        if ((*other)->settings().host_config.network_mode == "host")
            return Error(ErrorKind::invalid_argument,
                         "conflicting options: host type networking can't be used with links. This would result in "
                         "undefined behavior");
    }
    return {};
}

Result<std::vector<HostEntry>> linked_hosts(const Core& core, const Container& container) {
    std::vector<HostEntry> entries;
    const model::HostConfig& host = container.settings().host_config;
    if (!has_legacy_links(host)) return entries;
    for (const std::string& text : host.links) {
        const LinkText link = parse_link(text);
        ContainerPtr other = TRY(core.registry.find(link.target));
        const ContainerState state = other->state();
        if (!has_processes(state.status))
            return Error(ErrorKind::invalid_argument, "Cannot link to a non running container: /" + other->name() +
                                                          " AS /" + container.name() + "/" + link.alias);
        if (!state.endpoint)
            return Error(ErrorKind::invalid_argument,
                         "Cannot link to /" + other->name() + ", as it does not belong to the default network");
        std::string names = link.alias + " " + other->settings().config.hostname;
        if (other->name() != link.alias) names += " " + other->name();
        entries.push_back({.name = std::move(names), .address = state.endpoint->ip_address});
    }
    return entries;
}

std::vector<std::string> linked_environment(const Core& core, const Container& container) {
    std::vector<std::string> env;
    const model::HostConfig& host = container.settings().host_config;
    if (!has_legacy_links(host)) return env;
    for (const std::string& text : host.links) {
        const LinkText link = parse_link(text);
        auto other = core.registry.find(link.target);
        if (!other.ok()) continue;
        const ContainerState state = (*other)->state();
        if (!has_processes(state.status) || !state.endpoint) continue;
        add_environment(env, container.name(), link, (*other)->settings(), state.endpoint->ip_address);
    }
    return env;
}

std::vector<std::string> view_links(const Core& core, const Container& container) {
    std::vector<std::string> out;
    const model::HostConfig& host = container.settings().host_config;
    for (const std::string& text : host.links) {
        const LinkText link = parse_link(text);
        auto other = core.registry.find(link.target);
        if (!has_legacy_links(host) || !other.ok()) {
            out.push_back(text);
            continue;
        }
        out.push_back("/" + (*other)->name() + ":/" + container.name() + "/" + link.alias);
    }
    return out;
}

std::vector<std::string> names_by_links(const Core& core, const Container& container) {
    std::vector<std::string> names;
    for (const ContainerPtr& parent : core.registry.all()) {
        const model::HostConfig& host = parent->settings().host_config;
        if (!has_legacy_links(host)) continue;
        for (const std::string& text : host.links) {
            const LinkText link = parse_link(text);
            auto other = core.registry.find(link.target);
            if (other.ok() && (*other)->id == container.id) names.push_back(parent->name() + "/" + link.alias);
        }
    }
    std::ranges::sort(names);
    return names;
}

Result<void> remove_link(Core& core, const std::string& name) {
    const std::string plain = without_slash(name);
    const size_t slash = plain.find('/');
    if (slash == plain.npos || slash == 0 || slash + 1 == plain.size())
        return Error(ErrorKind::invalid_argument, "Conflict, cannot remove the default link name of the container");
    auto parent = core.registry.find(plain.substr(0, slash));
    if (!parent.ok())
        return Error(ErrorKind::not_found, "Cannot get parent /" + plain.substr(0, slash) + " for link " + name);
    std::lock_guard operation((*parent)->operation());
    model::HostConfig changed = (*parent)->settings().host_config;
    const size_t gone = std::erase_if(
        changed.links, [&](const std::string& text) { return parse_link(text).alias == plain.substr(slash + 1); });
    if (gone == 0) return Error(ErrorKind::not_found, "No such link: " + name);
    (*parent)->set_host_config(std::move(changed));
    return core.save_settings(**parent);
}

} // namespace hull::engine
