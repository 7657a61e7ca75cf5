// Credentials for registries: in config.json, or with the helper programs that it
// names (docker-credential-NAME). Shared with docker's own client.
// Sources: docker CLI reference, "docker login"; github.com/docker/docker-credential-helpers.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace hull::cli {

struct RegistryCredentials {
    std::string username, password, identity_token;
    bool empty() const { return username.empty() && password.empty() && identity_token.empty(); }
};

// Docker Hub's key in config.json.
inline constexpr const char* hub_index = "https://index.docker.io/v1/";
// The key for the registry of an image's domain ("docker.io", "localhost:5000"), or
// for what the user calls a server ("https://reg.example/v2/").
std::string credentials_key(std::string_view server);

// Nobody: empty ones. Errors: a helper that fails, a config.json that is wrong.
Result<RegistryCredentials> load_credentials(const std::string& config_folder, const std::string& key);
enum class KeptIn : unsigned char { file, helper };
Result<KeptIn> store_credentials(const std::string& config_folder, const std::string& key,
                                 const RegistryCredentials& credentials);
Result<void> erase_credentials(const std::string& config_folder, const std::string& key);
// Whether config.json or a helper has some.
Result<bool> has_credentials(const std::string& config_folder, const std::string& key);

// The X-Registry-Auth header.
std::string registry_auth(const RegistryCredentials& credentials, const std::string& key);
// All that config.json has, as the X-Registry-Config header of a build.
Result<std::string> registry_config(const std::string& config_folder);

} // namespace hull::cli
