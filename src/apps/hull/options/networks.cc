// --network in both its forms, and the flags that describe an endpoint.
#include <algorithm>

#include "apps/hull/options/create.h"
#include "apps/hull/options/mounts.h"
#include "apps/hull/options/values.h"

namespace hull::cli {

namespace {

bool user_defined(std::string_view mode) {
    return mode != "default" && mode != "bridge" && mode != "host" && mode != "none" && !mode.starts_with("container:");
}

struct Attached {
    std::string network;
    model::EndpointSettings settings;
    bool described = false; // carries settings
};

// "name=net,alias=a,ip=1.2.3.4,driver-opt=k=v"
Result<Attached> parse_long_form(const std::string& text) {
    Attached out;
    for (const std::string& field : TRY(split_csv(text))) {
        auto [key, value] = split_pair(field);
        if (key == "name")
            out.network = value;
        else if (key == "alias")
            out.settings.aliases.push_back(value);
        else if (key == "driver-opt")
            out.settings.driver_opts.insert(split_pair(value));
        else if (key == "mac-address")
            out.settings.mac_address = value;
        else if (key == "gw-priority")
            out.settings.gw_priority = static_cast<int>(TRY(parse_integer(value)));
        else if (key == "ip" || key == "ip6" || key == "link-local-ip") {
            if (!out.settings.ipam_config) out.settings.ipam_config.emplace();
            if (key == "ip")
                out.settings.ipam_config->ipv4_address = value;
            else if (key == "ip6")
                out.settings.ipam_config->ipv6_address = value;
            else
                out.settings.ipam_config->link_local_ips.push_back(value);
        } else {
            return invalid("invalid argument \"" + text + "\" for \"--network\" flag: invalid field " + key);
        }
        out.described |= key != "name";
    }
    if (out.network.empty())
        return invalid("invalid argument \"" + text + "\" for \"--network\" flag: network name/id is not specified");
    return out;
}

// The single flags describe the first network.
Result<void> add_single_flags(const Flags& flags, Attached& first) {
    auto conflict = [&](bool both, const char* what) -> Result<void> {
        if (both)
            return invalid(std::string("conflicting options: cannot specify both --") + what + " and per-network " +
                           what);
        return {};
    };
    auto& settings = first.settings;
    bool has_ip = flags.given("ip") || flags.given("ip6") || flags.given("link-local-ip");
    TRY(conflict(has_ip && settings.ipam_config.has_value(), "ip"));
    TRY(conflict(flags.given("mac-address") && !settings.mac_address.empty(), "mac-address"));
    if (has_ip) {
        settings.ipam_config =
            model::EndpointIpamConfig{flags.text("ip"), flags.text("ip6"), flags.list("link-local-ip")};
        first.described = true;
    }
    for (const std::string& alias : flags.list("network-alias")) {
        settings.aliases.push_back(alias);
        first.described = true;
    }
    if (!flags.list("link").empty() && user_defined(first.network)) {
        settings.links = flags.list("link");
        first.described = true;
    }
    if (flags.given("mac-address")) {
        settings.mac_address = flags.text("mac-address");
        first.described = true;
    }
    return {};
}

} // namespace

Result<void> read_networks(const Flags& flags, model::CreateRequest& request) {
    std::vector<Attached> attached;
    for (const std::string& text : flags.list("network")) {
        if (text.find('=') != text.npos && !text.starts_with("container:"))
            attached.push_back(TRY(parse_long_form(text)));
        else
            attached.push_back({text, {}, false});
        for (size_t i = 0; i + 1 < attached.size(); ++i)
            if (attached[i].network == attached.back().network)
                return Error(ErrorKind::conflict,
                             "network \"" + attached.back().network + "\" is specified multiple times");
    }
    if (attached.empty()) attached.push_back({"default", {}, false});
    if (attached.size() > 1 &&
        !std::ranges::all_of(attached, [](const Attached& a) { return user_defined(a.network); }))
        return invalid("conflicting options: cannot attach both user-defined and non-user-defined network-modes");
    TRY(add_single_flags(flags, attached.front()));
    request.host_config.network_mode = attached.front().network;
    for (Attached& a : attached)
        if (a.described || attached.size() > 1)
            request.networking_config.endpoints_config[a.network] = std::move(a.settings);
    return {};
}

} // namespace hull::cli
