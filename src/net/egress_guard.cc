#include "net/egress_guard.h"

#include <algorithm>

#include "base/log.h"

namespace hull::net {
namespace {

using Clock = std::chrono::steady_clock;
// Programs keep what they were told for a while, whatever the TTL says.
constexpr std::chrono::seconds k_least_time{300}, k_longest_time{86400};
constexpr size_t k_most_known = 4096; // addresses of one container's names

} // namespace

std::vector<NamedAddress> EgressGuard::still_known(const Member& member) {
    std::vector<NamedAddress> out;
    const auto now = Clock::now();
    for (const Known& one : member.known)
        if (one.until > now)
            out.push_back({one.name, one.ip,
                           std::chrono::duration_cast<std::chrono::milliseconds>(one.until - now) +
                               std::chrono::milliseconds(1)});
    return out;
}

Result<void> EgressGuard::set(const std::string& who, std::vector<Way> ways, Besides besides, Tables tables) {
    const std::lock_guard lock(mutex_);
    if (ways.empty() && !members_.contains(who)) return {};
    Member& member = members_[who];
    const auto known = still_known(member);
    for (const Way& way : ways) {
        const std::string& link = way.endpoint.host_interface;
        if (tables == Tables::if_missing && TRY(has_egress(link))) continue;
        TRY(install_egress(way.bridge, way.endpoint, way.list, known)
                .context("limit what may be sent on " + way.endpoint.interface));
    }
    for (const Way& old : member.ways)
        if (std::ranges::find(ways, old) == ways.end()) TRY(remove_egress(old.endpoint.host_interface));
    if (ways.empty()) {
        members_.erase(who);
        return {};
    }
    member.ways = std::move(ways);
    member.besides = besides;
    return {};
}

void EgressGuard::forget(const std::string& who) {
    const std::lock_guard lock(mutex_);
    auto found = members_.find(who);
    if (found == members_.end()) return;
    for (const Way& way : found->second.ways)
        if (auto done = remove_egress(way.endpoint.host_interface); !done.ok())
            log::warning("remove an egress list", done.error());
    members_.erase(found);
}

bool EgressGuard::may_ask(const std::string& who, const std::string& name) const {
    const std::lock_guard lock(mutex_);
    auto found = members_.find(who);
    if (found == members_.end() || found->second.besides == Besides::open_way) return true;
    return std::ranges::any_of(found->second.ways, [&](const Way& way) { return way.list.knows(name); });
}

void EgressGuard::learned(const std::string& who, const std::string& name, std::span<const IpAddress> addresses,
                          std::chrono::seconds ttl) {
    const std::lock_guard lock(mutex_);
    auto found = members_.find(who);
    if (found == members_.end()) return;
    Member& member = found->second;
    const auto now = Clock::now();
    const auto lasts = std::clamp(ttl, k_least_time, k_longest_time);
    std::vector<NamedAddress> fresh;
    for (const IpAddress& ip : addresses) {
        auto at =
            std::ranges::find_if(member.known, [&](const Known& one) { return one.ip == ip && one.name == name; });
        // It lasts long enough: the kernel needn't be told again for each look-up.
        if (at != member.known.end() && at->until > now + lasts / 2) continue;
        if (at == member.known.end()) {
            std::erase_if(member.known, [&](const Known& one) { return one.until <= now; });
            if (member.known.size() >= k_most_known) continue;
            at = member.known.insert(member.known.end(), Known{name, ip, {}});
        }
        at->until = now + lasts;
        fresh.push_back({name, ip, std::chrono::duration_cast<std::chrono::milliseconds>(lasts)});
    }
    if (fresh.empty()) return;
    for (const Way& way : member.ways)
        if (auto done = extend_egress(way.endpoint.host_interface, way.list, fresh); !done.ok())
            log::warning("let " + name + " through an egress list", done.error());
}

void EgressGuard::restore() {
    const std::lock_guard lock(mutex_);
    for (const auto& [who, member] : members_)
        for (const Way& way : member.ways) {
            const auto there = has_egress(way.endpoint.host_interface);
            if (!there.ok() || *there) continue;
            if (auto done = install_egress(way.bridge, way.endpoint, way.list, still_known(member)); done.ok())
                log::warning("the egress list of container " + who +
                             " was taken away by another program; it is there again");
            else
                log::error("make the egress list of container " + who + " again", done.error());
        }
}

} // namespace hull::net
