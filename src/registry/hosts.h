// Where a registry's name leads: which URLs are asked, in which order, and what
// proves that it is the right server.
//
// Glossary. domain: the registry's part of an image name (docker.io,
// localhost:5000). endpoint: one URL that serves it: a mirror, the registry by
// HTTPS, or by plain HTTP where that is allowed (loopback, insecure-registries).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "registry/credentials.h"

namespace hull::registry {

struct Mirror {
    std::string registry; // domain that it stands in for
    std::string url;      // without a slash at its end, without user
    Credentials credentials;
};
// "https://mirror.example" (of docker.io) or "quay.io=https://mirror.example/path".
// Errors: invalid_argument.
Result<Mirror> parse_mirror(std::string_view text);

struct Config {
    std::vector<std::string> insecure_registries; // host, host:port or CIDR
    std::vector<Mirror> mirrors;                  // asked in this order, before the registry
    // <root>/<host:port>/{*.crt, *.cert with *.key}: own authorities, client certificates.
    std::vector<std::string> certificate_roots = {"/etc/hull/certs.d", "/etc/docker/certs.d"};
    // Empty: none. Loopback never goes through a proxy.
    std::string http_proxy, https_proxy, no_proxy;
    std::string user_agent = "hull";
    int attempts = 5; // at each request, before it is given up
};

// What http_proxy, https_proxy and no_proxy (and in capitals) say, where config is empty.
void take_proxies_of_environment(Config& config);

struct Endpoint {
    std::string url; // "https://registry-1.docker.io"; no slash at the end
    bool mirror = false;
    bool verified = true;    // false: any certificate will do
    Credentials credentials; // of the mirror's URL
};

enum class Use : unsigned char { pull, push }; // mirrors are for pulls only
std::vector<Endpoint> endpoints_of(const Config& config, std::string_view domain, Use use);
bool is_insecure(const Config& config, std::string_view domain);

struct ClientCertificate {
    std::string certificate, key; // paths
};
struct Certificates {
    std::vector<std::string> authorities; // paths
    std::optional<ClientCertificate> client;
};
// Those of host ("registry:5000"; a default port may be left out).
// Errors: invalid_argument (a certificate without its key), as dockerd words it.
Result<Certificates> certificates_of(const Config& config, const std::string& host);

} // namespace hull::registry
