#include "net/egress_list.h"

#include <algorithm>
#include <charconv>

#include <netinet/in.h>

namespace hull::net {
namespace {

constexpr size_t k_most_entries = 512;
constexpr size_t k_longest_name = 253;
constexpr uint64_t k_least_rate = 8'000, k_most_rate = 1'000'000'000'000;

Error bad_entry(std::string_view what, std::string_view entry, const char* why) {
    return {ErrorKind::invalid_argument,
            "invalid " + std::string(what) + " \"" + std::string(entry) + "\": " + std::string(why)};
}

// Calls each with the parts between commas.
template <class F>
Result<void> for_each_part(std::string_view text, F&& each) {
    while (true) {
        const size_t comma = text.find(',');
        TRY(each(text.substr(0, comma)));
        if (comma == text.npos) return {};
        text.remove_prefix(comma + 1);
    }
}

bool whole_number(std::string_view text, uint64_t& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool is_name(std::string_view text) {
    if (text.starts_with("*.")) text.remove_prefix(2);
    if (text.empty() || text.size() > k_longest_name || text.front() == '.' || text.find("..") != text.npos)
        return false;
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    });
}

// ":443/tcp", ":8000-8100", "/udp", "".
Result<std::vector<EgressPorts>> parse_ports(std::string_view text, std::string_view entry) {
    EgressPorts ports;
    std::vector<uint8_t> protocols = {IPPROTO_TCP, IPPROTO_UDP};
    bool given = false;
    if (const size_t slash = text.find('/'); slash != text.npos) {
        const std::string_view protocol = text.substr(slash + 1);
        if (protocol != "tcp" && protocol != "udp") return bad_entry("egress entry", entry, "tcp or udp after the /");
        protocols = {protocol == "tcp" ? uint8_t{IPPROTO_TCP} : uint8_t{IPPROTO_UDP}};
        text = text.substr(0, slash);
        given = true;
    }
    if (!text.empty()) {
        text.remove_prefix(1);
        const size_t dash = text.find('-');
        uint64_t first = 0, last = 0;
        if (!whole_number(text.substr(0, dash), first) ||
            !whole_number(dash == text.npos ? text : text.substr(dash + 1), last) || first == 0 || last > 65535 ||
            first > last)
            return bad_entry("egress entry", entry, "a port from 1 to 65535, or two with a - between, after the :");
        ports.first = static_cast<uint16_t>(first);
        ports.last = static_cast<uint16_t>(last);
        given = true;
    }
    if (!given) return std::vector{ports};
    std::vector<EgressPorts> out;
    for (const uint8_t protocol : protocols) out.push_back({protocol, ports.first, ports.last});
    return out;
}

Result<void> parse_entry(std::string_view entry, EgressList& into) {
    // Where the address or name ends, and ports may begin.
    std::string host, rest;
    if (entry.starts_with('[')) {
        const size_t close = entry.find(']');
        if (close == entry.npos) return bad_entry("egress entry", entry, "a ] is missing");
        host = entry.substr(1, close - 1);
        rest = entry.substr(close + 1);
        if (!rest.empty() && rest[0] != ':' && rest[0] != '/')
            return bad_entry("egress entry", entry, "a : or the end after the ]");
    } else if (std::ranges::count(entry, ':') > 1) {
        host = entry; // IPv6 without ports
    } else {
        const size_t colon = entry.find(':');
        host = entry.substr(0, colon);
        if (colon != entry.npos) rest = entry.substr(colon);
        // "name/tcp" and "10.0.0.0/8" differ in what follows.
        for (const char* protocol : {"/tcp", "/udp"})
            if (colon == entry.npos && host.ends_with(protocol)) {
                host.resize(host.size() - 4);
                rest = protocol;
            }
    }
    const auto ports = TRY(parse_ports(rest, entry));
    auto network = Prefix::parse(host);
    if (!network.ok())
        if (auto ip = IpAddress::parse(host); ip.ok()) network = Prefix{*ip, static_cast<uint8_t>(ip->bits())};
    if (network.ok()) {
        for (const EgressPorts& one : ports) into.targets.push_back({network->network(), one});
        return {};
    }
    std::ranges::transform(host, host.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; });
    if (host.ends_with('.')) host.pop_back();
    if (!is_name(host) || host.find_first_not_of("0123456789.") == host.npos)
        return bad_entry("egress entry", entry, "an address, a network like 10.0.0.0/8 or a name is wanted");
    for (const EgressPorts& one : ports) into.names.push_back({host, one});
    return {};
}

bool fits(std::string_view pattern, std::string_view name) {
    if (!pattern.starts_with("*.")) return pattern == name;
    pattern.remove_prefix(1);
    return name.size() > pattern.size() && name.ends_with(pattern);
}

} // namespace

bool EgressList::knows(std::string_view name) const {
    return std::ranges::any_of(names, [&](const EgressName& one) { return fits(one.name, name); });
}

std::vector<EgressTarget> EgressList::targets_of(std::string_view name, const IpAddress& ip) const {
    std::vector<EgressTarget> out;
    for (const EgressName& one : names)
        if (fits(one.name, name)) out.push_back({{ip, static_cast<uint8_t>(ip.bits())}, one.ports});
    return out;
}

Result<std::optional<EgressList>> parse_egress(std::string_view text) {
    if (text == "any") return std::optional<EgressList>();
    constexpr std::string_view k_allow = "allow=";
    if (!text.starts_with(k_allow)) return bad_entry("egress list", text, "allow=..., allow=none or any is wanted");
    text.remove_prefix(k_allow.size());
    EgressList list;
    if (text == "none") return std::optional(std::move(list));
    size_t entries = 0;
    TRY(for_each_part(text, [&](std::string_view entry) -> Result<void> {
        if (++entries > k_most_entries) return bad_entry("egress list", text.substr(0, 64), "more than 512 entries");
        if (entry.starts_with(k_allow)) entry.remove_prefix(k_allow.size()); // given more than once
        return parse_entry(entry, list);
    }));
    return std::optional(std::move(list));
}

Result<Bandwidth> parse_bandwidth(std::string_view text) {
    Bandwidth out;
    if (text == "none") return out;
    TRY(for_each_part(text, [&](std::string_view part) -> Result<void> {
        const size_t equals = part.find('=');
        const std::string_view side = part.substr(0, equals);
        if (equals == part.npos || (side != "in" && side != "out"))
            return bad_entry("bandwidth", part, "in=RATE or out=RATE is wanted");
        std::string_view rate = part.substr(equals + 1);
        if (rate == "none") {
            (side == "in" ? out.in : out.out) = 0;
            return {};
        }
        const size_t unit_at = std::min(rate.find_first_not_of("0123456789"), rate.size());
        const std::string_view unit = rate.substr(unit_at);
        const uint64_t factor = unit == "bit"                   ? 1
                                : unit == "kbit" || unit == "k" ? 1'000
                                : unit == "mbit" || unit == "m" ? 1'000'000
                                : unit == "gbit" || unit == "g" ? 1'000'000'000
                                                                : 0;
        uint64_t value = 0;
        if (factor == 0 || !whole_number(rate.substr(0, unit_at), value) || value > k_most_rate / factor ||
            value * factor < k_least_rate)
            return bad_entry("bandwidth", part,
                             "a rate like 512kbit, 10mbit or 1gbit is wanted, from 8kbit to 1000gbit");
        (side == "in" ? out.in : out.out) = value * factor;
        return {};
    }));
    return out;
}

} // namespace hull::net
