// A build cache in a folder of this machine: an OCI layout, which `hull load` takes,
// too, of the images that an engine keeps a cache in.
#pragma once

#include <string>
#include <vector>

#include "apps/hull/client/engine.h"
#include "apps/hull/stream/local_tar.h"

namespace hull::cli {

// Puts the images there; what was there before goes when they are whole.
Result<void> save_local_cache(Engine& engine, const std::vector<std::string>& ids, const std::string& folder);

// Images of the folder, in the engine for as long as this lives.
class LocalCache {
public:
    static Result<LocalCache> load(Engine& engine, const std::string& folder);
    // ids: "sha256:..." of the images that the archive has.
    static Result<LocalCache> load(Engine& engine, std::vector<std::string> ids, LocalTar& archive);
    LocalCache(LocalCache&& other) noexcept
        : engine_(other.engine_), ids_(std::move(other.ids_)), loaded_(std::exchange(other.loaded_, {})) {}
    LocalCache& operator=(LocalCache&&) = delete;
    ~LocalCache();
    const std::vector<std::string>& ids() const { return ids_; }

private:
    explicit LocalCache(Engine& engine) : engine_(&engine) {}
    Engine* engine_;
    std::vector<std::string> ids_, loaded_; // loaded_: were not there before
};

} // namespace hull::cli
