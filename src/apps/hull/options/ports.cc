// -p and --expose.
#include <algorithm>
#include <cctype>
#include <optional>

#include "apps/hull/cli/flags.h"
#include "apps/hull/options/values.h"

namespace hull::cli {

namespace {

struct Range {
    int first = 0, last = 0;
    int size() const { return last - first + 1; }
};

std::optional<Range> parse_range(std::string_view text) {
    size_t dash = text.find('-');
    auto first = parse_integer(text.substr(0, dash));
    auto last = dash == text.npos ? first : parse_integer(text.substr(dash + 1));
    if (!first.ok() || !last.ok() || *first < 0 || *last > 65535 || *last < *first) return std::nullopt;
    return Range{static_cast<int>(*first), static_cast<int>(*last)};
}

void add_once(std::vector<std::string>& list, const std::string& text) {
    if (std::ranges::find(list, text) == list.end()) list.push_back(text);
}

// Takes "/udp" off the end.
Result<std::string> take_protocol(std::string_view& text) {
    size_t slash = text.rfind('/');
    if (slash == text.npos) return std::string("tcp");
    std::string protocol;
    for (char c : text.substr(slash + 1)) protocol += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    text = text.substr(0, slash);
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp")
        return Error(ErrorKind::invalid_argument, "invalid proto: " + protocol);
    return protocol;
}

} // namespace

Result<void> add_port(std::string_view text, model::HostConfig& host, model::ContainerConfig& config) {
    auto fail = [&](const std::string& why) { return Error(ErrorKind::invalid_argument, why); };
    std::string_view rest = text;
    auto protocol = take_protocol(rest);
    if (!protocol.ok()) return fail(protocol.error().message());
    size_t colon = rest.rfind(':');
    std::string_view inside = colon == rest.npos ? rest : rest.substr(colon + 1);
    std::string_view outside = colon == rest.npos ? std::string_view{} : rest.substr(0, colon);
    std::string address;
    if (size_t second = outside.rfind(':'); second != outside.npos) {
        address = outside.substr(0, second);
        outside = outside.substr(second + 1);
        if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
        if (address.find_first_not_of("0123456789abcdefABCDEF.:%") != address.npos || address.empty())
            return fail("invalid IP address: " + address);
    }
    if (inside.empty()) return fail("no port specified: " + std::string(text) + "<empty>");
    auto ports = parse_range(inside);
    if (!ports || ports->first == 0) return fail("invalid containerPort: " + std::string(inside));
    std::optional<Range> published;
    if (!outside.empty()) {
        published = parse_range(outside);
        if (!published) return fail("invalid hostPort: " + std::string(outside));
        if (published->size() != ports->size() && ports->size() != 1)
            return fail("invalid ranges specified for container and host Ports: " + std::string(inside) + " and " +
                        std::string(outside));
    }
    for (int i = 0; i < ports->size(); ++i) {
        std::string name = std::to_string(ports->first + i) + "/" + *protocol;
        std::string host_port;
        if (published) host_port = ports->size() == 1 ? std::string(outside) : std::to_string(published->first + i);
        add_once(config.exposed_ports, name);
        host.port_bindings[name].push_back({address, host_port});
    }
    return {};
}

Result<void> add_exposed(std::string_view text, model::ContainerConfig& config) {
    if (text.find(':') != text.npos)
        return Error(ErrorKind::invalid_argument, "invalid port format for --expose: " + std::string(text));
    std::string_view rest = text;
    std::string protocol = TRY(take_protocol(rest));
    auto ports = parse_range(rest);
    if (!ports) return Error(ErrorKind::invalid_argument, "invalid range format for --expose: " + std::string(text));
    for (int port = ports->first; port <= ports->last; ++port)
        add_once(config.exposed_ports, std::to_string(port) + "/" + protocol);
    return {};
}

} // namespace hull::cli
