#include "engine/port_bindings.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "net/address.h"

namespace hull::engine {
namespace {

struct PortRange {
    uint16_t first = 0, last = 0;
};

// "80" or "80-85".
std::optional<PortRange> parse_port_range(std::string_view text) {
    auto one = [](std::string_view digits) -> std::optional<uint16_t> {
        uint16_t port = 0;
        const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
        if (failed != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
        return port;
    };
    const size_t dash = text.find('-');
    const auto first = one(text.substr(0, dash));
    const auto last = dash == text.npos ? first : one(text.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    return PortRange{*first, *last};
}

} // namespace

Result<std::vector<ExposedPort>> expand_ports(const std::string& text) {
    const size_t slash = text.find('/');
    std::string protocol = slash == text.npos ? "tcp" : text.substr(slash + 1);
    std::ranges::transform(protocol, protocol.begin(), [](unsigned char c) { return std::tolower(c); });
    const auto range = parse_port_range(std::string_view(text).substr(0, slash));
    if (!range || range->first == 0)
        return Error(ErrorKind::invalid_argument, "invalid port specification: \"" + text + "\"");
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp")
        return Error(ErrorKind::invalid_argument, "Invalid proto: " + protocol);
    std::vector<ExposedPort> ports;
    for (unsigned port = range->first; port <= range->last; ++port)
        ports.push_back({static_cast<uint16_t>(port), protocol});
    return ports;
}

Result<std::vector<PortWish>> port_wishes(const model::ContainerConfig& config, const model::HostConfig& host) {
    std::vector<PortWish> wishes;
    std::set<std::pair<uint16_t, std::string>> bound;
    for (const auto& [text, bindings] : host.port_bindings) {
        const auto ports = TRY(expand_ports(text));
        for (const ExposedPort& port : ports) {
            bound.emplace(port.port, port.protocol);
            if (bindings.empty()) wishes.push_back({port.protocol, port.port, "", 0, 0});
            for (const model::PortBinding& binding : bindings) {
                PortWish wish{port.protocol, port.port, binding.host_ip, 0, 0};
                if (!wish.host_ip.empty() && !net::IpAddress::parse(wish.host_ip).ok())
                    return Error(ErrorKind::invalid_argument, "invalid IP address: " + wish.host_ip);
                if (!binding.host_port.empty()) {
                    const auto range = parse_port_range(binding.host_port);
                    if (!range)
                        return Error(ErrorKind::invalid_argument,
                                     "invalid port specification: \"" + binding.host_port + "\"");
                    wish.first = range->first;
                    wish.last = range->last;
                }
                wishes.push_back(std::move(wish));
            }
        }
    }
    if (host.publish_all_ports)
        for (const std::string& text : config.exposed_ports)
            for (const ExposedPort& port : TRY(expand_ports(text)))
                if (bound.emplace(port.port, port.protocol).second)
                    wishes.push_back({port.protocol, port.port, "", 0, 0});
    // Fixed ones first, so that a random one doesn't take theirs.
    std::ranges::stable_sort(wishes, {}, [](const PortWish& wish) { return wish.first == 0; });
    return wishes;
}

uint8_t protocol_number(const std::string& protocol) { return protocol == "udp" ? 17 : protocol == "sctp" ? 132 : 6; }

} // namespace hull::engine
