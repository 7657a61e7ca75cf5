#include "engine/network_names.h"

#include <algorithm>
#include <set>

#include "net/dns_message.h"

namespace hull::engine {
namespace {

std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
}

} // namespace

void NetworkNames::set(const std::string& container, std::vector<Member> members) {
    remove(container);
    std::lock_guard lock(mutex_);
    for (Member& member : members) {
        std::set<std::string> names;
        for (const std::string& name : member.names) names.insert(lower_case(name));
        for (const std::string& name : names)
            for (const net::IpAddress& ip : member.ips)
                names_[member.network_id].emplace(name, std::pair(container, ip));
        std::map<std::string, std::string> links;
        for (const auto& [alias, name] : member.links) links[lower_case(alias)] = lower_case(name);
        member.links = std::move(links);
    }
    members_[container] = std::move(members);
}

void NetworkNames::remove(const std::string& container) {
    std::lock_guard lock(mutex_);
    auto found = members_.find(container);
    if (found == members_.end()) return;
    for (const Member& member : found->second) {
        auto network = names_.find(member.network_id);
        if (network == names_.end()) continue;
        std::erase_if(network->second, [&](const auto& entry) { return entry.second.first == container; });
        if (network->second.empty()) names_.erase(network);
    }
    members_.erase(found);
}

std::vector<net::IpAddress> NetworkNames::look_up(const std::string& network_id, const std::string& name) const {
    std::vector<net::IpAddress> addresses;
    auto network = names_.find(network_id);
    if (network == names_.end()) return addresses;
    auto [begin, end] = network->second.equal_range(name);
    for (auto at = begin; at != end; ++at) addresses.push_back(at->second.second);
    return addresses;
}

net::NameAnswer NetworkNames::ask(const std::string& container, const std::string& name, uint16_t type) {
    using Kind = net::NameAnswer::Kind;
    std::lock_guard lock(mutex_);
    auto found = members_.find(container);
    if (found == members_.end()) return {.kind = Kind::unknown, .addresses = {}, .name = {}};
    const std::vector<Member>& own = found->second;
    // Those of the default bridge alone are on none.
    const bool cut_off = !own.empty() && std::ranges::all_of(own, &Member::internal);
    const net::NameAnswer not_ours{.kind = cut_off ? Kind::refused : Kind::unknown, .addresses = {}, .name = {}};

    if (type == static_cast<uint16_t>(net::DnsType::ptr)) {
        auto ip = net::reverse_address(name);
        if (!ip) return not_ours;
        for (const Member& mine : own)
            for (const auto& [other, members] : members_)
                for (const Member& member : members)
                    if (member.network_id == mine.network_id && std::ranges::find(member.ips, *ip) != member.ips.end())
                        return {.kind = Kind::name, .addresses = {}, .name = member.main + "." + member.network};
        return not_ours;
    }
    std::vector<net::IpAddress> addresses;
    for (const Member& mine : own) {
        auto link = mine.links.find(name);
        addresses = look_up(mine.network_id, link == mine.links.end() ? name : link->second);
        // "db.back" is db on the network back.
        const std::string suffix = "." + lower_case(mine.network);
        if (addresses.empty() && name.ends_with(suffix))
            addresses = look_up(mine.network_id, name.substr(0, name.size() - suffix.size()));
        if (!addresses.empty()) break;
    }
    if (addresses.empty()) return not_ours;
    // It is known; what isn't an address it doesn't have.
    std::erase_if(addresses, [&](const net::IpAddress& ip) {
        const auto own_type = ip.is_v6() ? net::DnsType::aaaa : net::DnsType::a;
        return type != static_cast<uint16_t>(own_type) && type != static_cast<uint16_t>(net::DnsType::any);
    });
    if (addresses.empty()) return {.kind = Kind::addresses, .addresses = {}, .name = {}};
    std::ranges::rotate(addresses, addresses.begin() + static_cast<ptrdiff_t>(turn_++ % addresses.size()));
    return {.kind = Kind::addresses, .addresses = std::move(addresses), .name = {}};
}

} // namespace hull::engine
