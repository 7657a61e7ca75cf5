#include "registry/hosts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include <arpa/inet.h>
#include <netdb.h>

#include "http/uri.h"
#include "sys/file.h"

namespace hull::registry {

namespace {

constexpr std::string_view hub = "docker.io", hub_server = "registry-1.docker.io";

struct IpBytes {
    int family = AF_UNSPEC;
    std::array<unsigned char, 16> bytes{};
};

std::optional<IpBytes> ip_of(const std::string& text) {
    IpBytes ip;
    for (int family : {AF_INET, AF_INET6}) {
        if (inet_pton(family, text.c_str(), ip.bytes.data()) != 1) continue;
        ip.family = family;
        return ip;
    }
    return std::nullopt;
}

// "[::1]:5000", "localhost:5000", "10.0.0.1" -> without the port and brackets
std::string without_port(std::string_view domain) {
    if (domain.starts_with('[')) return std::string(domain.substr(1, domain.find(']') - 1));
    return std::string(domain.substr(0, domain.find(':')));
}

bool in_block(const IpBytes& ip, const std::string& block) {
    size_t slash = block.find('/');
    if (slash == block.npos) return false;
    auto net = ip_of(block.substr(0, slash));
    unsigned bits = 0;
    const char* end = block.data() + block.size();
    auto [stop, ec] = std::from_chars(block.data() + slash + 1, end, bits);
    if (!net || ec != std::errc() || stop != end || net->family != ip.family) return false;
    if (bits > (ip.family == AF_INET ? 32u : 128u)) return false;
    for (unsigned i = 0; i < bits; ++i) {
        const unsigned mask = 0x80u >> i % 8;
        if ((ip.bytes[i / 8] & mask) != (net->bytes[i / 8] & mask)) return false;
    }
    return true;
}

std::vector<IpBytes> resolve_host(const std::string& host) {
    if (auto ip = ip_of(host)) return {*ip};
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return {};
    std::vector<IpBytes> all;
    for (const addrinfo* at = list; at; at = at->ai_next) {
        IpBytes ip;
        ip.family = at->ai_family;
        if (at->ai_family == AF_INET) {
            const auto* v4 = reinterpret_cast<const sockaddr_in*>(at->ai_addr);
            std::copy_n(reinterpret_cast<const unsigned char*>(&v4->sin_addr), 4, ip.bytes.begin());
        } else if (at->ai_family == AF_INET6) {
            const auto* v6 = reinterpret_cast<const sockaddr_in6*>(at->ai_addr);
            std::copy_n(reinterpret_cast<const unsigned char*>(&v6->sin6_addr), 16, ip.bytes.begin());
        } else {
            continue;
        }
        all.push_back(ip);
    }
    freeaddrinfo(list);
    return all;
}

std::string server_of(std::string_view domain) { return std::string(domain == hub ? hub_server : domain); }

} // namespace

Result<Mirror> parse_mirror(std::string_view text) {
    Mirror mirror;
    mirror.registry = hub;
    size_t equals = text.find('='), scheme = text.find("://");
    if (equals != text.npos && equals < scheme) {
        mirror.registry = text.substr(0, equals);
        text.remove_prefix(equals + 1);
    }
    auto bad = [&](const char* why) {
        return invalid("invalid mirror: " + std::string(why) + " in \"" + std::string(text) + "\"");
    };
    scheme = text.find("://");
    if (!text.starts_with("http://") && !text.starts_with("https://")) return bad("unsupported scheme");
    while (text.ends_with('/')) text.remove_suffix(1);
    if (text.size() <= scheme + 3) return bad("no host");
    if (text.find_first_of("?#") != text.npos) return bad("query or fragment");
    if (mirror.registry.empty() || mirror.registry.find('/') != mirror.registry.npos) return bad("no registry's name");
    std::string_view rest = text.substr(scheme + 3);
    size_t at = rest.substr(0, rest.find('/')).rfind('@');
    if (at != rest.npos) {
        std::string_view user = rest.substr(0, at);
        size_t colon = user.find(':');
        mirror.credentials.username = TRY(http::percent_decode(user.substr(0, colon)));
        if (colon != user.npos) mirror.credentials.password = TRY(http::percent_decode(user.substr(colon + 1)));
        rest.remove_prefix(at + 1);
    }
    mirror.url = std::string(text.substr(0, scheme + 3)) + std::string(rest);
    return mirror;
}

void take_proxies_of_environment(Config& config) {
    auto take = [](std::string& into, const char* lower, const char* upper) {
        if (!into.empty()) return;
        const char* value = std::getenv(upper); // NOLINT(concurrency-mt-unsafe): before threads
        if (!value || !*value) value = std::getenv(lower);
        if (value) into = value;
    };
    take(config.http_proxy, "http_proxy", "HTTP_PROXY");
    take(config.https_proxy, "https_proxy", "HTTPS_PROXY");
    take(config.no_proxy, "no_proxy", "NO_PROXY");
}

bool is_insecure(const Config& config, std::string_view domain) {
    const std::string host = without_port(domain);
    for (const std::string& name : config.insecure_registries)
        if (name == domain || name == host) return true;
    const bool blocks = std::any_of(config.insecure_registries.begin(), config.insecure_registries.end(),
                                    [](const std::string& name) { return name.find('/') != name.npos; });
    if (host == "localhost") return true;
    if (!blocks && !ip_of(host)) return false; // nothing that an address would be needed for
    for (const IpBytes& ip : resolve_host(host)) {
        if (in_block(ip, "127.0.0.0/8") || in_block(ip, "::1/128")) return true;
        for (const std::string& name : config.insecure_registries)
            if (in_block(ip, name)) return true;
    }
    return false;
}

std::vector<Endpoint> endpoints_of(const Config& config, std::string_view domain, Use use) {
    std::vector<Endpoint> all;
    if (use == Use::pull)
        for (const Mirror& mirror : config.mirrors) {
            if (mirror.registry != domain) continue;
            std::string_view host = std::string_view(mirror.url).substr(mirror.url.find("://") + 3);
            const bool verified = !is_insecure(config, host.substr(0, host.find('/')));
            all.push_back({mirror.url, true, verified, mirror.credentials});
        }
    const bool insecure = is_insecure(config, domain);
    all.push_back({"https://" + server_of(domain), false, !insecure, {}});
    if (insecure) all.push_back({"http://" + server_of(domain), false, false, {}});
    return all;
}

Result<Certificates> certificates_of(const Config& config, const std::string& host) {
    Certificates found;
    if (host.find('/') != host.npos || host.starts_with('.')) return found;
    for (const std::string& root : config.certificate_roots) {
        const std::string folder = root + "/" + host;
        auto names = sys::list_dir(folder);
        if (!names.ok()) {
            if (names.error().kind() == ErrorKind::not_found) continue;
            return std::move(names).error();
        }
        std::sort(names->begin(), names->end());
        for (const std::string& name : *names) {
            const std::string path = folder + "/" + name;
            if (name.ends_with(".crt")) {
                found.authorities.push_back(path);
            } else if (name.ends_with(".cert")) {
                const std::string key = name.substr(0, name.size() - 5) + ".key";
                if (!sys::exists(folder + "/" + key))
                    return invalid("missing key " + key + " for client certificate " + name +
                                   ". Note that CA certificates should use the extension .crt");
                if (!found.client) found.client = ClientCertificate{path, folder + "/" + key};
            } else if (name.ends_with(".key")) {
                const std::string cert = name.substr(0, name.size() - 4) + ".cert";
                if (!sys::exists(folder + "/" + cert))
                    return invalid("missing client certificate " + cert + " for key " + name);
            }
        }
    }
    return found;
}

} // namespace hull::registry
