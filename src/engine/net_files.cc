#include "engine/net_files.h"

#include <algorithm>

namespace hull::engine {
namespace {

constexpr const char* kBaseHosts = "127.0.0.1\tlocalhost\n"
                                   "::1\tlocalhost ip6-localhost ip6-loopback\n"
                                   "fe00::\tip6-localnet\n"
                                   "ff00::\tip6-mcastprefix\n"
                                   "ff02::1\tip6-allnodes\n"
                                   "ff02::2\tip6-allrouters\n";

std::vector<std::string> words(std::string_view line) {
    std::vector<std::string> list;
    size_t at = 0;
    while (at < line.size()) {
        size_t begin = line.find_first_not_of(" \t\r", at);
        if (begin == std::string_view::npos) break;
        size_t end = line.find_first_of(" \t\r", begin);
        list.emplace_back(line.substr(begin, end - begin));
        at = end == std::string_view::npos ? line.size() : end;
    }
    return list;
}

struct Parsed {
    std::vector<std::string> servers, search, options;
};

Parsed parse(std::string_view text) {
    Parsed parsed;
    while (!text.empty()) {
        size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        std::vector<std::string> parts = words(line);
        if (parts.size() < 2 || parts[0].starts_with('#') || parts[0].starts_with(';')) continue;
        if (parts[0] == "nameserver")
            parsed.servers.push_back(parts[1]);
        else if (parts[0] == "search" || parts[0] == "domain")
            parsed.search.assign(parts.begin() + 1, parts.end()); // the last one counts
        else if (parts[0] == "options")
            parsed.options.insert(parsed.options.end(), parts.begin() + 1, parts.end());
    }
    return parsed;
}

bool is_loopback(const std::string& server) {
    return server.starts_with("127.") || server == "::1" || server.starts_with("::1%");
}
// Without IPv6 in the container such a server can't be reached either.
bool is_reachable(const std::string& server) { return !is_loopback(server) && server.find(':') == std::string::npos; }

void add_line(std::string& text, const char* keyword, const std::vector<std::string>& values) {
    if (values.empty()) return;
    text += keyword;
    for (const std::string& value : values) text.append(" ").append(value);
    text += '\n';
}

} // namespace

Result<std::vector<HostEntry>> parse_extra_hosts(const model::StringList& texts,
                                                 const std::vector<std::string>& gateways) {
    std::vector<HostEntry> entries;
    for (const std::string& text : texts) {
        size_t mark = text.find_first_of(":=");
        if (mark == std::string::npos || mark == 0 || mark + 1 == text.size())
            return Error(ErrorKind::invalid_argument, "bad format for add-host: \"" + text + "\"");
        HostEntry entry{.name = text.substr(0, mark), .address = text.substr(mark + 1)};
        if (entry.address == "host-gateway") {
            if (gateways.empty())
                return Error(ErrorKind::invalid_argument,
                             "unable to derive the IP value for host-gateway: there is no bridge network");
            for (const std::string& gateway : gateways) entries.push_back({.name = entry.name, .address = gateway});
            continue;
        }
        if (entry.address.starts_with('[') && entry.address.ends_with(']'))
            entry.address = entry.address.substr(1, entry.address.size() - 2);
        if (entry.address.find_first_not_of("0123456789abcdefABCDEF.:%") != std::string::npos ||
            entry.name.find_first_of(" \t\n") != std::string::npos)
            return Error(ErrorKind::invalid_argument, "invalid IP address in add-host: \"" + entry.address + "\"");
        entries.push_back(std::move(entry));
    }
    return entries;
}

std::string make_hosts(const std::vector<HostEntry>& extra, const std::string& hostname, const std::string& domainname,
                       const std::vector<std::string>& addresses) {
    std::string text = kBaseHosts;
    const std::string full = domainname.empty() ? hostname : hostname + "." + domainname;
    const std::string first = full.substr(0, full.find('.'));
    for (const HostEntry& entry : extra) text.append(entry.address).append("\t").append(entry.name).append("\n");
    for (const std::string& address : addresses) {
        if (hostname.empty()) break;
        text.append(address).append("\t").append(full);
        if (first != full && !first.empty()) text.append(" ").append(first);
        text.append("\n");
    }
    return text;
}

std::vector<std::string> name_servers(std::string_view text) { return parse(text).servers; }

bool only_loopback_servers(std::string_view host_text) {
    Parsed host = parse(host_text);
    return std::ranges::all_of(host.servers, is_loopback);
}

std::string make_resolv_conf(std::string_view host_text, const DnsSettings& asked, Resolvers resolvers) {
    Parsed host = parse(host_text);
    std::vector<std::string> servers = asked.servers;
    if (servers.empty()) {
        servers = host.servers;
        if (resolvers == Resolvers::reachable) {
            std::erase_if(servers, [](const std::string& server) { return !is_reachable(server); });
            if (servers.empty()) servers = {"8.8.8.8", "8.8.4.4"};
        }
    }
    std::vector<std::string> search = asked.search.empty() ? host.search : asked.search;
    // "--dns-search ." asks for none.
    if (search.size() == 1 && search[0] == ".") search.clear();

    std::string text = "# Made by the container engine; it is written anew at each start.\n";
    for (const std::string& server : servers) text.append("nameserver ").append(server).append("\n");
    add_line(text, "search", search);
    add_line(text, "options", asked.options.empty() ? host.options : asked.options);
    return text;
}

} // namespace hull::engine
