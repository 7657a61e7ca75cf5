// A layer of DirectoryLayers on its way. Internal to store/.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "store/layers.h"

namespace hull::store {

// A folder below layers/tmp/, removed with what is in it.
class TemporaryFolder {
public:
    static Result<TemporaryFolder> create(const std::string& parent);
    TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TemporaryFolder& operator=(TemporaryFolder&&) = delete;
    ~TemporaryFolder();
    const std::string& path() const { return path_; }

private:
    explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

// folder holds fs/ and the recipe.
class StagedDirectory : public StagedLayer {
public:
    StagedDirectory(TemporaryFolder where, Layer what, std::vector<std::string> implied)
        : folder(std::move(where)), layer(std::move(what)), implied_folders(std::move(implied)) {}
    const Digest& diff_id() const override { return layer.diff_id; }
    uint64_t tar_size() const override { return layer.tar_size; }
    uint64_t entries() const override { return layer.entries; }

    TemporaryFolder folder;
    Layer layer; // as far as it is known
    std::vector<std::string> implied_folders;
};

} // namespace hull::store
