#include "image/registry_config.h"

#include <array>

#include "codec/json.h"
#include "registry/base64.h"

namespace hull::image {

Result<RegistryAuths> parse_registry_config(std::string_view header) {
    RegistryAuths auths;
    if (header.empty()) return auths;
    std::string text = TRY(registry::base64_decode(header).context("X-Registry-Config"));
    auto value = TRY(json::parse(text).context("X-Registry-Config"));
    if (value.is_null()) return auths;
    if (!value.is_object()) return invalid("X-Registry-Config: not an object");
    for (const auto& [server, auth] : value.get_object())
        if (auth.is_object()) auths.emplace(server, registry::base64_encode(json::print(auth)));
    return auths;
}

std::string auth_for(const RegistryAuths& auths, const model::Reference& reference) {
    std::array<std::string, 4> names{reference.domain, "https://" + reference.domain,
                                     "https://" + reference.domain + "/v1/", "http://" + reference.domain};
    if (reference.domain == "docker.io") names = {"https://index.docker.io/v1/", "docker.io", "index.docker.io", ""};
    for (const std::string& name : names)
        if (auto found = auths.find(name); found != auths.end()) return found->second;
    return {};
}

} // namespace hull::image
