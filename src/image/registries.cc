#include "image/registries.h"

#include <algorithm>

#include "codec/json.h"
#include "image/layer_jobs.h"
#include "image/platform.h"
#include "registry/search.h"

namespace hull::image {

Registries::Registries(Images& images, registry::Config config, RegistryLimits limits)
    : state_(images.state_), uploads_(limits.uploads), client_(std::make_shared<registry::Client>(std::move(config))),
      jobs_(std::make_unique<LayerJobs>(state_, limits.downloads)) {}

Registries::~Registries() = default;

void Registries::set_limits(const RegistryLimits& limits) {
    jobs_->set_max_at_once(limits.downloads);
    uploads_ = limits.uploads;
}

void Registries::set_config(registry::Config config) {
    auto fresh = std::make_shared<registry::Client>(std::move(config));
    std::lock_guard held(mutex_);
    client_ = std::move(fresh);
}

registry::Config Registries::config() const { return client()->config(); }

std::shared_ptr<registry::Client> Registries::client() const {
    std::lock_guard held(mutex_);
    return client_;
}

namespace {

// The registry's name of "https://index.docker.io/v1/", "localhost:5000", ...
std::string domain_of_server(std::string server) {
    for (std::string_view scheme : {"https://", "http://"})
        if (server.starts_with(scheme)) server.erase(0, scheme.size());
    server.resize(std::min(server.find('/'), server.size()));
    if (server.empty() || server == "index.docker.io" || server == "registry-1.docker.io") return "docker.io";
    return server;
}

Error server_error(Error error) {
    return error.kind() == ErrorKind::unavailable ? std::move(error).with_kind(ErrorKind::system) : error;
}

} // namespace

Result<LoggedIn> Registries::log_in(const std::string& text, const std::stop_token& stop) {
    registry::Credentials credentials = TRY(registry::parse_credentials(text));
    model::Reference name;
    name.domain = domain_of_server(credentials.server_address);
    if (name.domain.find_first_of(" \r\n@?#\\") != std::string::npos)
        return invalid("invalid registry address \"" + credentials.server_address + "\"");
    registry::Session session(client(), name, credentials, registry::Use::push);
    auto token = session.log_in(stop);
    if (!token.ok()) return server_error(std::move(token).error());
    return LoggedIn{std::move(token).value()};
}

Result<RegistryDescriptor> Registries::inspect(const std::string& name, const std::string& auth,
                                               const std::stop_token& stop) {
    model::Reference reference = TRY(model::Reference::parse(name));
    auto credentials = registry::parse_auth_header(auth);
    registry::Session session(client(), reference, credentials.ok() ? *credentials : registry::Credentials(),
                              registry::Use::pull);
    auto got = session.manifest(reference.digest ? reference.digest->str() : reference.tag, stop);
    if (!got.ok() && got.error().kind() == ErrorKind::not_found) {
        // Docker gives the registry's own words here, unlike at a pull.
        const std::string& text = got.error().message();
        size_t words = text.find("not found: ");
        return Error(ErrorKind::not_found, words == text.npos ? text : text.substr(words + 11));
    }
    if (!got.ok()) return server_error(std::move(got).error());
    RegistryDescriptor out;
    out.descriptor.media_type = got->media_type;
    out.descriptor.digest = got->digest;
    out.descriptor.size = static_cast<int64_t>(got->text.size());
    if (auto index = model::parse_index(got->text); index.ok()) {
        for (const model::Descriptor& one : index->manifests)
            if (one.platform) out.platforms.push_back(*one.platform);
        return out;
    }
    auto manifest = model::parse_manifest(got->text);
    if (!manifest.ok()) return std::move(manifest).error();
    if (manifest->config.media_type != model::media_type::docker_config &&
        manifest->config.media_type != model::media_type::oci_config)
        return out; // not an image: no platform to tell
    auto config_json = session.small_blob(manifest->config, stop);
    if (!config_json.ok()) return server_error(std::move(config_json).error());
    auto config = TRY(model::parse_image_config(*config_json));
    out.platforms.push_back({config.architecture, config.os, config.os_version, config.variant, {}});
    return out;
}

Result<std::vector<SearchResult>> Registries::search(const std::string& term, int limit, const std::string& auth,
                                                     const std::stop_token& stop) {
    auto credentials = registry::parse_auth_header(auth);
    auto found =
        registry::search(*client(), term, limit, credentials.ok() ? *credentials : registry::Credentials(), stop);
    if (!found.ok()) return server_error(std::move(found).error());
    std::vector<SearchResult> out;
    for (registry::Found& one : *found)
        out.push_back({one.name, one.description, one.stars, one.official, one.automated});
    return out;
}

} // namespace hull::image
