// Dockerfiles to images: one call builds one.
//
// A build goes through the stages that its target needs, instruction by
// instruction. Each makes an image that stands on the one before, and is kept as
// a cache: the same instruction on the same image with the same files gives the
// image that is there. What a failed or killed build made so far is a cache too.
// Thread-safe: builds run side by side.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "build/cache.h"
#include "build/context.h"
#include "build/stages.h"
#include "engine/containers.h"
#include "engine/image_service.h"
#include "image/registry_config.h"

namespace hull::build {

using model::Digest;

struct BuildOptions {
    std::vector<std::string> tags;              // "name:tag"
    std::string dockerfile = "Dockerfile";      // path in the context
    std::optional<std::string> dockerfile_text; // instead of a file
    std::string target;
    GivenArgs args;
    model::Labels labels;
    std::string platform;
    bool no_cache = false;
    bool pull = false;         // base images anew
    bool remove = true;        // containers of steps that went well
    bool force_remove = false; // those of steps that failed too
    bool squash = false;
    image::RegistryAuths auths; // for base images
    model::HostConfig host;     // for the containers of RUN: limits, network mode, extra hosts ...
};

// Where a build says what it does. An error returned (the client left) ends it.
class Output {
public:
    virtual ~Output() = default;
    virtual Result<void> text(std::string_view text) = 0; // what a person reads
    virtual Result<void> image(const Digest& id) = 0;     // of an instruction, and at the end
    // A program ended with this, not 0; the build ends with an error next.
    virtual void step_failed(int) {}
    virtual Result<void> pull(const image::TransferLine& line) = 0; // of a base image
};

struct BuilderPorts { // all outlive the builder
    engine::Containers& containers;
    engine::ImageService& images;
    store::Records& records;
    std::string folder; // for what builds keep meanwhile; made by open()
    // A stopped container's changes as an image with this configuration, on its own.
    std::function<Result<Digest>(const std::string& container, model::ImageConfig config)> commit;
    // What is at an http(s) address; empty: ADD takes none.
    std::function<Result<std::unique_ptr<ByteSource>>(const std::string& url)> download;
};

struct Pruned {
    std::vector<std::string> deleted; // keys, names of cache mounts
    uint64_t bytes = 0;
};

class Builder {
public:
    static Result<std::unique_ptr<Builder>> open(BuilderPorts ports);

    // The context, from what a client sends: a tar, plain or compressed.
    Result<std::shared_ptr<Context>> read_context(ByteSource& tar) const;
    // The id of the image. Errors: invalid_argument (the Dockerfile), not_found,
    // cancelled (stop), and what the steps fail with.
    Result<Digest> build(const BuildOptions& options, std::shared_ptr<Context> context, Output& output,
                         std::stop_token stop);
    // Forgets the cache, and removes the contents of cache mounts. The images of
    // steps are images: they go by `image prune`.
    Result<Pruned> prune_cache();

    BuilderPorts& ports() { return ports_; }
    Cache& cache() { return cache_; }

private:
    explicit Builder(BuilderPorts ports) : ports_(std::move(ports)), cache_(ports_.records) {}
    BuilderPorts ports_;
    Cache cache_;
};

} // namespace hull::build
