// Credentials for several registries at once: the X-Registry-Config header of a
// build. Source: Engine API, "Build an image".
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/image.h"

namespace hull::image {

// By server as the client names it; each value as PullRequest::auth wants it.
using RegistryAuths = std::map<std::string, std::string>;

// header: base64 of {"server": {"username": ...}, ...}; empty: nobody.
// Errors: invalid_argument.
Result<RegistryAuths> parse_registry_config(std::string_view header);

// Those for the registry of a reference; empty: none were given.
std::string auth_for(const RegistryAuths& auths, const model::Reference& reference);

} // namespace hull::image
