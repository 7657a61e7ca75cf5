// What Images holds; shared by the files that implement it. Internal to image/.
//
// Locks: change_mutex serialises what changes records and may be held over I/O;
// mutex guards the maps and is never held over I/O. change_mutex first.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>

#include "image/images.h"
#include "image/target.h"

namespace hull::image {

class Origins;

struct Known { // an image and what may change about it
    ImagePtr image;
    WallTime last_tagged;
    std::set<std::string> references; // full; of the names that mean it first
    std::set<std::string> others;     // of those that have it for another platform
    bool named() const { return !references.empty() || !others.empty(); }
};

struct ImageState : std::enable_shared_from_this<ImageState> {
    ImageState(store::Records& r, store::BlobStore& b, store::LayerStore& l);
    ~ImageState();

    store::Records& records;
    store::BlobStore& blobs;
    store::LayerStore& layers;
    std::unique_ptr<Origins> origins;
    UsersOf users;

    std::mutex change_mutex;
    mutable std::mutex mutex;
    std::condition_variable changed;
    std::map<Digest, Known> images;
    std::map<std::string, Target> references; // by full name
    std::map<Digest, int> holds;              // leases by chain id
    std::set<Digest> dying;                   // chain ids being removed
    bool orphans_possible = true;             // layers that only a lease needs, or nobody
    bool first_collection = true;             // blobs without an owner are looked for once
    // Shared by whoever stores blobs that no record names yet.
    std::shared_mutex blobs_in_flight;

    // state.cc
    Result<void> load_records();
    Result<ImagePtr> read_image(const Digest& id, const std::optional<Digest>& parent, bool of_build_cache) const;
    Result<ImagePtr> get(const Digest& id) const; // not_found "No such image: ..."
    bool has_children(const Digest& id) const;    // mutex held
    Result<Summary> summarise(const Known& known, const std::map<Digest, int>& layer_users) const;
    std::map<Digest, int> count_layer_users() const; // mutex held

    // The id, and the images of other platforms that go by the same names. mutex held.
    std::vector<Digest> group(const Digest& id) const;

    // The image gets a record; references, if any, are moved to it, or get it for
    // one more platform where they stand for the same index. change_mutex is taken.
    Result<ImagePtr> add_image(const std::string& config_json, const std::optional<Digest>& parent,
                               const std::vector<model::Reference>& references,
                               const std::optional<Digest>& index = std::nullopt, bool of_build_cache = false);
    // These with change_mutex held.
    Result<void> set_reference(const std::string& full, Target target);
    Result<void> erase_reference(const std::string& full);
    Result<void> detach(const Digest& id); // from every name
    Result<void> erase_image(const ImagePtr& image);
    // In the maps only; mutex held.
    void link(const std::string& full, Target target);
    void unlink(const std::string& full);

    // leases.cc
    std::shared_ptr<void> hold(const Digest& chain_id); // whether it exists or not
    // A lease on a layer that may not be there yet.
    Lease reserve(const Digest& chain_id);
    // Of any layer that has this difference.
    Result<std::unique_ptr<store::StagedLayer>> stage_copy_of(const Digest& diff_id);
    Result<std::vector<std::string>> folders(const std::optional<Digest>& chain_id) const; // topmost first
    // Removes the layer and those below it as long as nobody needs them; their chain ids.
    Result<std::vector<Digest>> collect_chain(std::optional<Digest> chain_id);
    // Removes the blobs of layers and manifests that no layer and no image needs any more.
    Result<void> collect_blobs();
};

std::string print_known(const Known& known);                       // its record
std::vector<Digest> chain_of(const std::vector<Digest>& diff_ids); // bottom first
Error no_such_image(std::string_view name);                        // Docker's text
model::Platform platform_of(const Image& image);
std::string truncated(std::string_view id);             // 12 digits, without sha256:
model::Reference reference_of(const std::string& full); // of a text that we wrote
// name with another tag. Errors: invalid_argument "invalid tag format".
Result<model::Reference> with_tag(model::Reference name, std::string_view tag);
// Both with mutex held.
std::optional<Target> lookup_target(const ImageState& state, const model::Reference& reference);
std::optional<Digest> lookup(const ImageState& state, const model::Reference& reference); // its first
// Of these the one that fits best; nullptr: none does.
ImagePtr choose_platform(const std::vector<ImagePtr>& images, const model::Platform& wanted);

} // namespace hull::image
