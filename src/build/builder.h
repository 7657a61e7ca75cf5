// Dockerfiles to images: one call builds one.
//
// A build goes through the stages that its target needs, instruction by
// instruction. Each makes an image that stands on the one before, and is kept as
// a cache: the same instruction on the same image with the same files gives the
// image that is there. What a failed or killed build made so far is a cache too.
// Thread-safe: builds run side by side.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "build/cache.h"
#include "build/client.h"
#include "build/context.h"
#include "build/entitlements.h"
#include "build/gc_rule.h"
#include "build/session/jobs.h"
#include "build/session/session.h"
#include "build/session/session_client.h"
#include "build/stages.h"
#include "build/wire/progress.h"
#include "engine/containers.h"
#include "engine/files.h"
#include "engine/image_service.h"
#include "image/registry_config.h"

namespace hull::build {

using model::Digest;

// classic: each instruction is a step and gives an image. steps: what BuildKit
// does; only instructions that change files are steps, what they give is in the
// build cache and no image, and Output::progress() tells of them.
enum class Style : unsigned char { classic, steps };

struct BuildOptions {
    Style style = Style::classic;
    BuildClient* client = nullptr;              // files come from it when they are needed; then no context is given
    std::vector<std::string> tags;              // "name:tag"
    std::string dockerfile = "Dockerfile";      // path in the context
    std::optional<std::string> dockerfile_text; // instead of a file
    std::string target;
    GivenArgs args;
    model::Labels labels;
    std::string platform;       // "linux/arm64"; several, comma-separated, in Style::steps
    std::string shown_platform; // in the names of steps, when there are others
    bool no_cache = false;
    bool pull = false;         // base images anew
    bool remove = true;        // containers of steps that went well
    bool force_remove = false; // those of steps that failed too
    bool squash = false;
    std::vector<std::string> cache_from; // images whose layers steps may take
    bool inline_cache = false;           // tell in the image what its layers were made of; of Style::steps
    struct Output {                      // of Style::steps; read_exporter() makes it
        std::string type;                // image (the same: empty), local, tar, docker, oci, cacheonly
        bool push = false;
        bool rewrite_timestamps = false; // in the layers that steps made: none after SOURCE_DATE_EPOCH
    } output;
    struct CacheExport {  // of Style::steps
        std::string type; // registry, or local: Output::caches() is told the images
        std::string ref;  // of registry
        bool max = false; // the steps of all stages, not only what the result stands on
        bool ignore_errors = false;
    };
    std::vector<CacheExport> cache_to;
    // build; or build nothing: check says what is unwise in the Dockerfile, the others tell Output::answer().
    enum class Call : unsigned char { build, check, outline, targets } call = Call::build;
    std::set<std::string> allow;                 // entitlements: "network.host", "security.insecure"
    bool keep_failed = false;                    // what a RUN that fails stood on: Output::kept_failed() is told
    std::set<std::string> no_cache_stages;       // names of stages that are built anew
    std::map<std::string, std::string> contexts; // named ones: "docker-image://...", "local:...", "https://..."
    image::RegistryAuths auths;                  // for base images
    model::HostConfig host;                      // for the containers of RUN: limits, network mode, extra hosts ...
};

// Where a build says what it does. An error returned (the client left) ends it.
class Output {
public:
    virtual ~Output() = default;
    virtual Result<void> text(std::string_view text) = 0; // what a person reads
    virtual Result<void> image(const Digest& id) = 0;     // of an instruction, and at the end
    // A program ended with this, not 0; the build ends with an error next.
    virtual void step_failed(int) {}
    // An image without a name with what that program found when it started, and its settings.
    virtual Result<void> kept_failed(const Digest&) { return {}; }
    virtual Result<void> pull(const image::TransferLine& line) = 0; // of a base image
    // To Call::outline, Call::targets: what build/outline.h makes, in JSON.
    virtual Result<void> answer(const std::string&) { return {}; }
    // Images that have what is to be kept of the cache; there until the cache is pruned.
    virtual Result<void> caches(const std::vector<Digest>&) { return {}; }
    // How it goes; in Style::steps, instead of all the others but image(). Maybe from several threads.
    virtual Result<void> progress(const wire::Progress&) { return {}; }
};

struct BuilderPorts { // all outlive the builder
    engine::Containers& containers;
    engine::ImageService& images;
    store::Records& records;
    std::string folder;         // for what builds keep meanwhile; made by open()
    std::string secrets_folder; // in memory: for secrets while a step runs; made by open()
    // A stopped container's changes as an image with this configuration, on its own.
    std::function<Result<Digest>(const std::string& container, model::ImageConfig config, const engine::CommitAs& how)>
        commit;
    // What is at an http(s) address; empty: ADD takes none.
    std::function<Result<std::unique_ptr<ByteSource>>(const std::string& url, const std::stop_token& stop)> download;
    std::vector<GcRule> gc = {}; // what goes by itself after builds
    Entitlements may = {};
};

struct CacheRecord {  // something that the next build may use
    std::string id;   // of a step: its image's, in hex
    std::string type; // regular: a step; exec.cachemount
    std::string description = {};
    std::vector<std::string> parents = {}; // ids
    bool in_use = false, shared = false;   // shared: an image has the same files
    uint64_t size = 0;
    WallTime created = {};
    std::optional<WallTime> used = {};
    int64_t uses = 0;
};

struct CachePrune {                                    // without limits all that fits goes
    std::function<bool(const CacheRecord&)> fits = {}; // empty: all do
    bool all = true;                                   // what images share, too
    std::optional<WallTime> unused_since = {};         // only what wasn't used from then on
    // Bytes: what may stay, what may at most, what is to be free on the disk then. 0: no such limit.
    uint64_t reserved_bytes = 0, max_used_bytes = 0, min_free_bytes = 0;
};

// What any of these allows: conditions, comma-separated: id, parent, type, description with ==, != or ~= (a part of
// it); inuse, shared, private. Errors: invalid_argument, unsupported.
Result<std::function<bool(const CacheRecord&)>> record_filter(const std::vector<std::string>& any_of);

struct Pruned {
    std::vector<std::string> deleted; // ids; keys of steps whose image stays
    uint64_t bytes = 0;
};

struct BuildCounts { // since the start
    uint64_t begun = 0, cancelled = 0;
    uint64_t wrong = 0;  // the Dockerfile, or what it names
    uint64_t failed = 0; // for another reason
};

// "linux/amd64,linux/arm64" as a list.
std::vector<std::string> platforms_of(const std::string& text);

class Control; // session/control.h

class Builder {
public:
    ~Builder();
    Builder(const Builder&) = delete;
    Builder& operator=(const Builder&) = delete;
    static Result<std::unique_ptr<Builder>> open(BuilderPorts ports);

    // The context, from what a client sends: a tar, plain or compressed.
    Result<std::shared_ptr<Context>> read_context(ByteSource& tar) const;
    // The same from an http(s) address or a git repository. Errors: unsupported (no way to download), fetch_git().
    Result<std::shared_ptr<Context>> download_context(const std::string& url, const BuildOptions& options,
                                                      const std::stop_token& stop) const;
    // The id of the image; none when the result is no image. Errors: invalid_argument (the Dockerfile), not_found,
    // cancelled (stop), and what the steps fail with.
    Result<Digest> build(const BuildOptions& options, std::shared_ptr<Context> context, Output& output,
                         std::stop_token stop);
    // What is kept for the next builds.
    Result<std::vector<CacheRecord>> usage();
    // Forgets it, and removes its files; what builds under way use stays.
    Result<Pruned> prune_cache(const CachePrune& request);
    BuildCounts counts() const;

    // What the cache mount of RUN with this id (or target) holds, as a tar; begun: called before its first byte.
    // Errors: not_found.
    Result<void> export_mount(const std::string& id, ByteSink& sink, const std::function<Result<void>()>& begun);
    // The same the other way: it holds just that afterwards. tar may be gzip or zstd. Errors: conflict (in use);
    // invalid_argument (the archive).
    Result<void> import_mount(const std::string& id, ByteSource& tar);

    // Clients that offer their files; builds by their ids.
    Sessions& sessions() { return sessions_; }
    Jobs& jobs() { return jobs_; }
    Control& control() { return *control_; } // builds by gRPC
    std::unique_ptr<BuildClient> client_of(std::shared_ptr<const Session> session) {
        return make_session_client(std::move(session), known_folders_, ports_.folder);
    }

    // What a key gave, kept from being pruned until unpin(); null: nothing that is still there.
    Result<image::ImagePtr> find_cached(const CacheKey& key);
    // Keeps what is made from being pruned before it can be pinned.
    std::shared_lock<std::shared_mutex> keep_cache() { return std::shared_lock(cache_mutex_); }
    // The right to make what key names; waits as long as another build has it. Let go of it: done, or given up.
    Result<std::shared_ptr<void>> claim(const CacheKey& key, const std::stop_token& stop);
    std::shared_ptr<void> try_claim(const CacheKey& key); // null: another has it
    // Keeps a cache mount from being pruned until it is let go of. name: of its folder.
    std::shared_ptr<void> use_mount(const std::string& name);
    void pin(const Digest& id);
    void unpin(const std::vector<Digest>& ids);

    BuilderPorts& ports() { return ports_; }
    std::string steps_folder() const { return ports_.folder + "/steps"; } // of what steps change and nobody keeps
    Cache& cache() { return cache_; }

private:
    explicit Builder(BuilderPorts ports);
    BuilderPorts ports_;
    Result<Digest> build_several(const BuildOptions& options, const std::shared_ptr<Context>& context, Output& output,
                                 const std::stop_token& stop); // several.cc
    std::shared_ptr<void> take_claim(const CacheKey& key);
    Cache cache_;
    std::shared_mutex cache_mutex_; // alone: pruning
    std::mutex pins_mutex_;
    std::multiset<std::string> mounts_in_use_;
    std::set<CacheKey> claims_;
    std::condition_variable_any claims_changed_; // with pins_mutex_
    std::multiset<Digest> pins_;                 // images of steps that builds under way stand on
    Sessions sessions_;
    Jobs jobs_;
    KnownFolders known_folders_;
    std::atomic<uint64_t> begun_{0}, cancelled_{0}, wrong_{0}, failed_{0};
    void begin_collecting();
    void want_collecting();
    Result<void> collect();
    std::mutex collector_mutex_;
    std::condition_variable_any collect_wanted_;
    bool collect_ = false;
    std::jthread collector_;
    std::unique_ptr<Control> control_; // the last: it waits for its builds
};

} // namespace hull::build
