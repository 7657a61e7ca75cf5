// Images from and to registries: pull, push, login, and questions to them.
//
// Errors are worded as Docker words them (clients match on the texts): not_found
// "pull access denied for x, ...", "manifest for x:y not found: ...";
// invalid_argument for names; forbidden for wrong credentials at log_in(); system
// for everything else that a registry or the way to it brings.
// Thread-safe; every call blocks until it is done, or stop is requested (then
// cancelled).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "image/images.h"
#include "registry/hosts.h"

namespace hull::registry {
class Client;
class Session;
} // namespace hull::registry

namespace hull::image {

// One line of progress, as Docker's clients draw it.
struct TransferLine {
    std::string id, status;
    bool of_layer = false;               // has progress details, if only empty ones
    uint64_t current = 0, total = 0;     // bytes; total 0: no bar
    std::optional<std::string> tag = {}; // set on the last line of a push, which says
    std::string digest = {};             // what was pushed, and
    uint64_t size = 0;                   // of how many bytes its manifest is
    // Set when that is less than the name stands for: the index, and what was pushed.
    std::optional<std::pair<model::Descriptor, model::Descriptor>> instead = {};
};
// An error returned stops the transfer (the client left).
using TransferListener = std::function<Result<void>(const TransferLine&)>;

struct PullRequest {
    std::string name;     // as the user gave it; without tag and digest: all tags
    std::string platform; // empty: this machine's
    std::string auth;     // X-Registry-Auth as it came
};
struct PushRequest {
    std::string name; // without a tag: all tags
    std::string tag;
    std::string auth;
    std::optional<model::Platform> platform = {}; // only the image for it
    std::optional<Digest> image = {};             // this one goes by the name and tag, whatever they stand for here
};

struct RegistryLimits {
    unsigned downloads = 3, uploads = 5; // layers at the same time
};

struct RegistryDescriptor { // GET /distribution/{name}/json
    model::Descriptor descriptor;
    std::vector<model::Platform> platforms;
};
struct LoggedIn {
    std::string identity_token; // may be empty
};
struct SearchResult {
    std::string name, description;
    int64_t stars = 0;
    bool official = false, automated = false;
};

class LayerJobs;

class Registries {
public:
    // images outlives it.
    Registries(Images& images, registry::Config config, RegistryLimits limits);
    // Ends transfers that are under way, waits for them.
    ~Registries();
    Registries(const Registries&) = delete;
    Registries& operator=(const Registries&) = delete;

    // For transfers that begin from now on.
    void set_config(registry::Config config);
    registry::Config config() const;
    // From now on.
    void set_limits(const RegistryLimits& limits);

    // The references pulled, familiar.
    Result<std::vector<std::string>> pull(const PullRequest& request, const TransferListener& tell,
                                          const std::stop_token& stop);
    Result<void> push(const PushRequest& request, const TransferListener& tell, const std::stop_token& stop);
    // json: the body of POST /auth.
    Result<LoggedIn> log_in(const std::string& json, const std::stop_token& stop);
    Result<RegistryDescriptor> inspect(const std::string& name, const std::string& auth, const std::stop_token& stop);
    // term may begin with a registry's name. Errors: invalid_argument, unavailable...
    Result<std::vector<SearchResult>> search(const std::string& term, int limit, const std::string& auth,
                                             const std::stop_token& stop);

    // A file from a web server, by the proxies and certificates of registries; it
    // comes while it is read. Errors, most of them while reading: invalid_argument,
    // not_found, too_large beyond limit bytes, unavailable, cancelled.
    Result<std::unique_ptr<ByteSource>> download(const std::string& url, uint64_t limit, const std::stop_token& stop);

private:
    struct Pull; // pull.cc
    std::shared_ptr<registry::Client> client() const;
    Result<Digest> pull_one(const std::shared_ptr<registry::Session>& session, const model::Reference& reference,
                            const PullRequest& request, const TransferListener& tell, const std::stop_token& stop,
                            bool& newer);
    std::optional<std::string> platform_warning(const Digest& id, const model::Reference& reference,
                                                const std::string& asked) const;
    Result<void> push_one(const std::shared_ptr<registry::Session>& session, const model::Reference& reference,
                          const PushRequest& request, const TransferListener& tell, const std::stop_token& stop);

    std::shared_ptr<ImageState> state_;
    std::atomic<unsigned> uploads_;
    mutable std::mutex mutex_;
    std::shared_ptr<registry::Client> client_;
    std::unique_ptr<LayerJobs> jobs_;
};

} // namespace hull::image
