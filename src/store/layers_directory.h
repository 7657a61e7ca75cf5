// The layer driver for overlayfs over unpacked trees; works on every kernel and
// file system that overlayfs takes as a lower layer.
//
//   <data-root>/layers/<chain id's hex>/{fs/, recipe}
//   <data-root>/layers/tmp/    being made or being removed
//   <data-root>/layers/empty/  an empty folder
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "store/layers.h"
#include "store/records.h"

namespace hull::store {

class DirectoryLayers : public LayerStore {
public:
    // Makes the folders and removes what a crash left. records must outlive it.
    static Result<std::unique_ptr<DirectoryLayers>> open(const std::string& data_root, Records& records);

    Result<std::unique_ptr<StagedLayer>> stage(ByteSource& tar, const StageOptions& options) override;
    Result<std::unique_ptr<StagedLayer>> stage_copy(const Digest& chain_id) override;
    Result<std::unique_ptr<StagedLayer>> adopt(const std::string& folder,
                                               const TarWriter& write) override; // layers_adopt.cc
    Result<Layer> commit(std::unique_ptr<StagedLayer> staged, const std::optional<Digest>& parent) override;
    Result<Layer> get(const Digest& chain_id) const override;
    std::vector<Layer> list() const override;
    Result<std::string> path(const Digest& chain_id) const override;
    std::string empty_path() const override { return root_ + "/empty"; }
    Result<void> write_tar(const Digest& chain_id, ByteSink& sink) const override;
    Result<void> remove(const Digest& chain_id) override;
    Result<void> verify(const Digest& chain_id, CheckDepth depth) const override; // layers_check.cc
    Result<void> check_strangers(Damages& found, Repair repair) override;         // layers_check.cc

private:
    DirectoryLayers(std::string root, Records& records) : root_(std::move(root)), records_(records) {}
    Result<void> reconcile();
    std::string folder_of(const Digest& chain_id) const { return root_ + "/" + chain_id.hex(); }
    std::vector<std::string> chain_from(const std::optional<Digest>& top) const; // folders, topmost first
    static std::string print_record(const Layer& layer);
    Result<Layer> publish(const Layer& layer, const std::string& temporary);

    std::string root_; // <data-root>/layers
    Records& records_;
    std::mutex change_mutex_;  // one publishes or removes at a time; taken before mutex_
    mutable std::mutex mutex_; // over layers_; never held over I/O
    std::map<Digest, Layer> layers_;
};

} // namespace hull::store
