// network create, ls, rm, prune, connect, disconnect, update.
#include <algorithm>
#include <array>
#include <optional>

#include <arpa/inet.h>

#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/display.h"
#include "apps/hull/commands/prompt.h"
#include "apps/hull/commands/prune.h"
#include "apps/hull/format/human.h"
#include "apps/hull/format/table.h"
#include "apps/hull/options/values.h"

namespace hull::cli {

namespace {

using boost::json::array;

constexpr format::Column network_columns[] = {
    {"ID", "NETWORK ID"}, {"Name", "NAME"},         {"Driver", "DRIVER"}, {"Scope", "SCOPE"},          {"IPv4", "IPV4"},
    {"IPv6", "IPV6"},     {"Internal", "INTERNAL"}, {"Labels", "LABELS"}, {"CreatedAt", "CREATED AT"},
};

const char* yes_or_no(bool yes) { return yes ? "true" : "false"; }

array texts(const std::vector<std::string>& list) { return array(list.begin(), list.end()); }

struct IpBits {
    int family = AF_UNSPEC;
    std::array<unsigned char, 16> bytes{};
};
struct Subnet {
    IpBits ip;
    unsigned length = 0;
};

std::optional<IpBits> parse_ip(const std::string& text) {
    IpBits ip;
    for (int family : {AF_INET, AF_INET6}) {
        if (::inet_pton(family, text.c_str(), ip.bytes.data()) != 1) continue;
        ip.family = family;
        return ip;
    }
    return std::nullopt;
}

std::optional<Subnet> parse_subnet(const std::string& text) {
    const size_t slash = text.find('/');
    auto ip = parse_ip(text.substr(0, slash));
    auto length = parse_integer(slash == text.npos ? "" : text.substr(slash + 1));
    if (!ip || !length.ok() || *length < 0 || *length > (ip->family == AF_INET ? 32 : 128)) return std::nullopt;
    return Subnet{*ip, static_cast<unsigned>(*length)};
}

bool lies_in(const IpBits& ip, const Subnet& subnet) {
    if (ip.family != subnet.ip.family) return false;
    for (unsigned i = 0; i < subnet.length; ++i) {
        const unsigned bit = 0x80u >> i % 8;
        if ((ip.bytes[i / 8] & bit) != (subnet.ip.bytes[i / 8] & bit)) return false;
    }
    return true;
}

// The pools of --subnet, with the ranges, gateways and addresses that lie in them.
Result<array> pools_of(const Flags& flags) {
    struct Pool {
        Subnet subnet;
        std::string text;
        boost::json::object json;
    };
    std::vector<Pool> pools;
    for (const std::string& text : flags.list("subnet")) {
        auto subnet = parse_subnet(text);
        if (!subnet) return Error(ErrorKind::invalid_argument, "invalid subnet " + text + ": not in CIDR notation");
        for (const Pool& other : pools)
            if (lies_in(other.subnet.ip, *subnet) || lies_in(subnet->ip, other.subnet))
                return Error(ErrorKind::invalid_argument, "multiple overlapping subnet configuration is not supported");
        pools.push_back({*subnet, text, {{"Subnet", text}}});
    }
    auto pool_of = [&](const IpBits& ip) {
        auto found = std::ranges::find_if(pools, [&](const Pool& pool) { return lies_in(ip, pool.subnet); });
        return found == pools.end() ? nullptr : &*found;
    };
    auto one_each = [&](const char* flag, const char* member, const char* what) -> Result<void> {
        for (const std::string& text : flags.list(flag)) {
            auto ip = parse_ip(text.substr(0, text.find('/')));
            if (!ip)
                return Error(ErrorKind::invalid_argument,
                             "invalid argument \"" + text + "\" for \"--" + flag + "\" flag: no IP address");
            if (pools.empty())
                return Error(ErrorKind::invalid_argument, "every ip-range or gateway must have a corresponding subnet");
            Pool* pool = pool_of(*ip);
            if (!pool)
                return Error(ErrorKind::invalid_argument, std::string("no matching subnet for ") + what + " " + text);
            if (pool->json.contains(member))
                return Error(ErrorKind::invalid_argument, std::string("cannot configure multiple ") + what + "s (" +
                                                              text + ") on the same subnet (" + pool->text + ")");
            pool->json[member] = text;
        }
        return {};
    };
    TRY(one_each("ip-range", "IPRange", "range"));
    TRY(one_each("gateway", "Gateway", "gateway"));
    for (const std::string& text : flags.list("aux-address")) {
        auto [name, address] = split_pair(text);
        auto ip = parse_ip(address);
        Pool* pool = ip ? pool_of(*ip) : nullptr;
        if (!pool) return Error(ErrorKind::invalid_argument, "no matching subnet for aux-address " + address);
        auto& addresses = pool->json["AuxiliaryAddresses"];
        if (!addresses.is_object()) addresses = boost::json::object();
        addresses.as_object()[name] = address;
    }
    array out;
    for (Pool& pool : pools) out.push_back(std::move(pool.json));
    return out;
}

boost::json::object network_row(const Json& network, bool whole) {
    std::string id = text(network, "Id");
    return {{"ID", whole ? id : format::short_id(id)},
            {"Name", text(network, "Name")},
            {"Driver", text(network, "Driver")},
            {"Scope", text(network, "Scope")},
            {"IPv4", yes_or_no(at(network, "EnableIPv4") ? boolean(network, "EnableIPv4") : true)},
            {"IPv6", yes_or_no(boolean(network, "EnableIPv6"))},
            {"Internal", yes_or_no(boolean(network, "Internal"))},
            {"Labels", pairs_text(object(network, "Labels"))},
            {"CreatedAt", text(network, "Created")}};
}

std::string network_path(const std::string& name, const char* action = "") {
    return "/networks/" + path_part(name) + action;
}

} // namespace

Result<int> create_network(Session& session) {
    const Flags& flags = session.flags();
    boost::json::object ipam{{"Driver", flags.text("ipam-driver")}, {"Config", TRY(pools_of(flags))}};
    if (auto options = flags.list("ipam-opt"); !options.empty()) ipam["Options"] = pairs_json(options);
    boost::json::object body{{"Name", session.operands()[0]},
                             {"Driver", flags.text("driver")},
                             {"Scope", flags.text("scope")},
                             {"EnableIPv6", flags.on("ipv6")},
                             {"IPAM", std::move(ipam)},
                             {"Internal", flags.on("internal")},
                             {"Ingress", flags.on("ingress")},
                             {"Attachable", flags.on("attachable")},
                             {"ConfigOnly", flags.on("config-only")},
                             {"Options", pairs_json(flags.list("opt"))},
                             {"Labels", pairs_json(flags.list("label"))}};
    if (flags.given("egress")) body["Options"].as_object()["hull.egress"] = joined(flags.list("egress"), ',');
    if (flags.given("bandwidth")) body["Options"].as_object()["hull.bandwidth"] = flags.text("bandwidth");
    if (flags.given("ipv4")) body["EnableIPv4"] = flags.on("ipv4");
    if (flags.given("config-from")) body["ConfigFrom"] = Json{{"Network", flags.text("config-from")}};
    Engine* engine = TRY(session.engine());
    Reply reply = TRY(engine->post("/networks/create", {}, boost::json::serialize(body)));
    print(text(TRY(reply.json()), "Id") + "\n");
    return 0;
}

Result<int> connect_network(Session& session) {
    const Flags& flags = session.flags();
    boost::json::object endpoint;
    boost::json::object addresses;
    if (flags.given("ip")) addresses["IPv4Address"] = flags.text("ip");
    if (flags.given("ip6")) addresses["IPv6Address"] = flags.text("ip6");
    if (flags.given("link-local-ip")) addresses["LinkLocalIPs"] = texts(flags.list("link-local-ip"));
    endpoint["IPAMConfig"] = std::move(addresses);
    endpoint["Links"] = texts(flags.list("link"));
    endpoint["Aliases"] = texts(flags.list("alias"));
    if (flags.given("driver-opt")) endpoint["DriverOpts"] = pairs_json(flags.list("driver-opt"));
    if (flags.given("gw-priority")) endpoint["GwPriority"] = flags.number("gw-priority");
    boost::json::object body{{"Container", session.operands()[1]}, {"EndpointConfig", std::move(endpoint)}};
    Engine* engine = TRY(session.engine());
    TRY(engine->post(network_path(session.operands()[0], "/connect"), {}, boost::json::serialize(body)));
    return 0;
}

Result<int> update_networks(Session& session) {
    const Flags& flags = session.flags();
    boost::json::object options;
    if (flags.given("egress")) options["hull.egress"] = joined(flags.list("egress"), ',');
    if (flags.given("bandwidth")) options["hull.bandwidth"] = flags.text("bandwidth");
    if (options.empty())
        return Error(ErrorKind::invalid_argument, "you must provide one or more flags when using this command");
    const std::string body = boost::json::serialize(boost::json::object{{"Options", std::move(options)}});
    return for_each_operand(session, [&](Engine& engine, const std::string& name) -> Result<void> {
        TRY(engine.post(network_path(name, "/update"), {}, body));
        return {};
    });
}

Result<int> disconnect_network(Session& session) {
    boost::json::object body{{"Container", session.operands()[1]}, {"Force", session.flags().on("force")}};
    Engine* engine = TRY(session.engine());
    TRY(engine->post(network_path(session.operands()[0], "/disconnect"), {}, boost::json::serialize(body)));
    return 0;
}

Result<int> list_networks(Session& session) {
    const Flags& flags = session.flags();
    std::string format = flags.text("format");
    if (format.empty() && !flags.on("quiet")) format = TRY(session.config())->format_of("networksFormat");
    Engine* engine = TRY(session.engine());
    Json answer =
        TRY(engine->get("/networks", Query().add_unless_empty("filters", TRY(filters_json(flags.list("filter"))))));
    std::vector<const Json*> networks;
    for (const Json& network : list(answer, "")) networks.push_back(&network);
    std::ranges::stable_sort(networks, {}, [](const Json* network) { return text(*network, "Name"); });
    format::Listing listing{network_columns, "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}"};
    listing.method = [&](size_t row, std::string_view name, std::span<const Json> arguments) {
        return label_method(object(*networks[row], "Labels"), name, arguments);
    };
    for (const Json* network : networks) listing.rows.push_back(network_row(*network, flags.on("no-trunc")));
    if (flags.on("quiet") && (format.empty() || format == "table")) format = "{{.ID}}";
    print(TRY(format::render(listing, format)));
    return 0;
}

Result<int> remove_networks(Session& session) {
    Engine& engine = *TRY(session.engine());
    int code = 0;
    for (const std::string& name : session.operands()) {
        auto removed = engine.remove(network_path(name));
        if (removed.ok()) {
            print(name + "\n");
            continue;
        }
        if (removed.error().kind() == ErrorKind::not_found && session.flags().on("force")) continue;
        print_error(removed.error().message() + "\n");
        code = 1;
        if (removed.error().kind() == ErrorKind::unavailable) break;
    }
    return code;
}

Result<int> prune_networks(Session& session) {
    const Flags& flags = session.flags();
    if (!flags.on("force") && !TRY(confirm("WARNING! This will remove all custom networks not used by at least one "
                                           "container.\nAre you sure you want to continue?")))
        return Error(ErrorKind::cancelled, "network prune has been cancelled");
    print(TRY(prune_kind(*TRY(session.engine()), Prunable::networks, TRY(filters_json(flags.list("filter"))))).text);
    return 0;
}

} // namespace hull::cli
