#include "engine/overlay_plan.h"

#include <algorithm>
#include <charconv>

#include "net/host_addresses.h"
#include "net/peers.h"

namespace hull::engine {
namespace {

constexpr uint32_t kLastVni = (1u << 24) - 1, kFirstChosenVni = 4096;
constexpr size_t kFewestParts = 16;

Error bad_overlay(std::string text) { return {ErrorKind::invalid_argument, std::move(text)}; }

std::string overlay_option(const std::map<std::string, std::string>& options, const char* key) {
    auto found = options.find(key);
    return found == options.end() ? std::string() : found->second;
}

Result<uint32_t> number_option(const std::string& text, const char* key, uint32_t absent, uint32_t last) {
    if (text.empty()) return absent;
    uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > last)
        return bad_overlay(std::string("invalid ") + key + " \"" + text + "\": a number from 1 to " +
                           std::to_string(last) + " is wanted");
    return value;
}

// The same on every machine that knows the network by the same name.
uint32_t vni_of(const std::string& name) {
    uint64_t hash = 0xcbf29ce484222325; // FNV-1a
    for (const unsigned char c : name) hash = (hash ^ c) * 0x100000001b3;
    return kFirstChosenVni + static_cast<uint32_t>(hash % (kLastVni - kFirstChosenVni));
}

// Part number place of 2^bits parts.
net::Prefix nth_part(const net::Prefix& subnet, uint8_t bits, size_t place) {
    std::array<uint8_t, 16> bytes{};
    std::ranges::copy(subnet.network().address.bytes(), bytes.begin());
    for (uint8_t bit = 0; bit < bits; ++bit) {
        const unsigned at = subnet.length + bits - 1u - bit;
        if (place >> bit & 1) bytes[at / 8] |= static_cast<uint8_t>(0x80 >> at % 8);
    }
    const size_t size = subnet.address.bytes().size();
    return {*net::IpAddress::from_bytes({bytes.data(), size}), static_cast<uint8_t>(subnet.length + bits)};
}

} // namespace

net::SubnetPlan OverlayPlan::part_of(const net::SubnetPlan& whole) const {
    const net::Prefix subnet = whole.address.network();
    uint8_t bits = 0;
    while ((size_t{1} << bits) < parts) ++bits;
    net::SubnetPlan out;
    if (whole.range) {
        out.range = whole.range;
    } else if (subnet.length + bits + 2u <= subnet.address.bits()) {
        out.range = nth_part(subnet, bits, place);
    } else {
        out.range = subnet; // refused by check_overlay()
    }
    out.address = {net::next_address(out.range->network().address), subnet.length};
    return out;
}

Result<void> check_overlay(const model::NetworkRequest& request) {
    const auto& options = request.options;
    if (options.contains("peers") && options.contains("peers-file"))
        return bad_overlay("an overlay network has its peers from -o peers or from -o peers-file, not from both");
    if (options.contains("peers")) TRY(net::parse_peers(overlay_option(options, "peers")));
    TRY(number_option(overlay_option(options, "vni"), "vni", 1, kLastVni));
    TRY(number_option(overlay_option(options, "port"), "port", 1, 65535));
    if (const std::string local = overlay_option(options, "local"); !local.empty())
        if (!net::IpAddress::parse(local).ok()) return bad_overlay("invalid local address \"" + local + "\"");
    for (const model::IpamPool& pool : request.ipam.config) {
        const auto subnet = net::Prefix::parse(pool.subnet);
        if (!subnet.ok()) continue;
        if (!pool.gateway.empty())
            return bad_overlay("an overlay network has a gateway on each machine: leave out --gateway " + pool.gateway);
        if (pool.ip_range.empty() && subnet->length + 6u > subnet->address.bits())
            return bad_overlay("the subnet " + pool.subnet +
                               " is too small to be shared by 16 machines: give a larger one, or each its --ip-range");
        return {};
    }
    return bad_overlay("an overlay network wants a --subnet: the same on every machine");
}

Result<OverlayPlan> plan_overlay(const std::string& name, const std::map<std::string, std::string>& options,
                                 const std::vector<net::IpAddress>& own) {
    OverlayPlan plan;
    const std::string file = overlay_option(options, "peers-file");
    std::vector<net::IpAddress> all =
        TRY(file.empty() ? net::parse_peers(overlay_option(options, "peers")) : net::read_peers(file));
    plan.tunnel.vni = TRY(number_option(overlay_option(options, "vni"), "vni", vni_of(name), kLastVni));
    plan.tunnel.port = static_cast<uint16_t>(TRY(number_option(overlay_option(options, "port"), "port", 4789, 65535)));
    auto is_own = [&](const net::IpAddress& ip) { return std::ranges::find(own, ip) != own.end(); };
    const auto me = std::ranges::find_if(all, is_own);
    if (const std::string local = overlay_option(options, "local"); !local.empty())
        plan.tunnel.local = TRY(net::IpAddress::parse(local));
    else if (me != all.end())
        plan.tunnel.local = *me;
    else
        return bad_overlay("none of the peers of network " + name +
                           " is an address of this machine: list this machine, too, or give -o local=...");
    if (plan.tunnel.local.is_v6() != all.front().is_v6())
        return bad_overlay("the local address " + plan.tunnel.local.str() + " is of another family than the peers");
    auto at = std::ranges::find(all, plan.tunnel.local);
    if (at == all.end()) {
        all.push_back(plan.tunnel.local); // a list of the others: in the order of addresses
        std::ranges::sort(all);
        at = std::ranges::find(all, plan.tunnel.local);
    }
    plan.place = static_cast<size_t>(at - all.begin());
    plan.parts = std::max(kFewestParts, all.size());
    all.erase(at);
    plan.tunnel.peers = std::move(all);
    return plan;
}

Result<OverlayPlan> plan_overlay(const model::NetworkRecord& record) {
    return plan_overlay(record.name, record.options, TRY(net::host_addresses()));
}

} // namespace hull::engine
