// The commands on networks.
#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/rows.h"

namespace hull::cli {

namespace rows {
namespace {

using enum FlagType;

constexpr Flag network_connect_flags[] = {
    {"alias", 0, list, "strings", "", "Further name of the container on the network", {}},
    {"driver-opt", 0, list, "strings", "", "Option of the driver for this endpoint", {}},
    {"gw-priority", 0, integer, "int", "", "The highest gives the default gateway", {}},
    {"ip", 0, text, "ip", "", "IPv4 address", {}},
    {"ip6", 0, text, "ip", "", "IPv6 address", {}},
    {"link", 0, list, "list", "", "Another container's name on this network (name:alias)", {}},
    {"link-local-ip", 0, list, "ipSlice", "", "Link-local address", {}},
};
constexpr Flag network_create_flags[] = {
    {"attachable", 0, boolean, "", "", "Containers may be attached by hand", {}},
    {"aux-address", 0, list, "map", "", "Addresses that are never given out (name=ip)", {}},
    {"bandwidth", 0, text, "string", "", "How fast each container gets and sends (in=10mbit,out=5mbit)", {}},
    {"config-from", 0, text, "string", "", "Network to take the settings from", {}},
    {"config-only", 0, boolean, "", "", "Only settings, no network", {}},
    {"driver", 'd', text, "string", "bridge", "Driver", {}},
    {"egress", 0, list, "list", "", "Where alone its containers may send to (allow=10.0.0.0/8)", {}},
    {"gateway", 0, list, "ipSlice", "", "Gateway of a subnet", {}},
    {"ingress", 0, boolean, "", "", "The routing mesh of a swarm", {}},
    {"internal", 0, boolean, "", "", "No way to the outside", {}},
    {"ip-range", 0, list, "ipNetSlice", "", "Part of a subnet that addresses come from", {}},
    {"ipam-driver", 0, text, "string", "default", "Driver of addresses", {}},
    {"ipam-opt", 0, list, "map", "", "Option of that driver", {}},
    {"ipv4", 0, boolean, "", "true", "IPv4 addresses", {}},
    {"ipv6", 0, boolean, "", "", "IPv6 addresses", {}},
    {"label", 0, list, "list", "", "Label (name=value)", {}},
    {"opt", 'o', list, "map", "", "Option of the driver (name=value)", {}},
    {"scope", 0, text, "string", "", "Scope", {}},
    {"subnet", 0, list, "strings", "", "Subnet (10.1.0.0/16)", {}},
};
constexpr Flag network_disconnect_flags[] = {{"force", 'f', boolean, "", "", "Even if it can't be undone cleanly", {}}};
constexpr Flag network_inspect_flags[] = {
    {"format", 'f', text, "string", "", "'json' or a Go template", {}},
    {"verbose", 'v', boolean, "", "", "More for diagnosis", {}},
};
constexpr Flag network_list_flags[] = {
    {"filter", 'f', list, "filter", "", "Only those that fit (driver=bridge, label=a=b, ...)", {}},
    {"format", 0, text, "string", "", HULL_FORMAT, {}},
    {"no-trunc", 0, boolean, "", "", "Nothing cut short", {}},
    {"quiet", 'q', boolean, "", "", "Only ids", {}},
};
constexpr Flag network_remove_flags[] = {{"force", 'f', boolean, "", "", "No error for one that isn't there", {}}};

constexpr Flag network_update_flags[] = {
    {"bandwidth", 0, text, "string", "", "How fast each container gets and sends (in=10mbit,out=5mbit; none)", {}},
    {"egress", 0, list, "list", "", "Where alone its containers may send to (allow=10.0.0.0/8; any)", {}},
};

constexpr Operands networks{"NETWORK [NETWORK...]", 1, any};

} // namespace
} // namespace rows

std::vector<Command> network_commands() {
    using namespace rows;
    return {
        command("network connect", "", "", {"NETWORK CONTAINER", 2, 2}, "Put a container on a network",
                {network_connect_flags, {}}, connect_network),
        command("network create", "", "", {"NETWORK", 1, 1}, "Make a network", {network_create_flags, {}},
                create_network),
        command("network disconnect", "", "", {"NETWORK CONTAINER", 2, 2}, "Take a container off a network",
                {network_disconnect_flags, {}}, disconnect_network),
        command("network inspect", "", "", networks, "Show all there is to know about networks",
                {network_inspect_flags, {}}, inspect_networks),
        command("network ls", "", "list", none, "List networks", {network_list_flags, {}}, list_networks),
        command("network prune", "", "", none, "Remove networks that no container is on", {prune_flags, {}},
                prune_networks),
        command("network rm", "", "remove", networks, "Remove networks", {network_remove_flags, {}}, remove_networks),
        command("network update", "", "", networks, "Change lists and rates of networks, for running containers too",
                {network_update_flags, {}}, update_networks),
    };
}

} // namespace hull::cli
