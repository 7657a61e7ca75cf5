// Images: the only way of the engine to configs, tags and layers.
//
// An image is a configuration (named by its digest: the image id) on a chain of
// layers. A reference (repo:tag or repo@digest) points to one image. Layers are
// shared; one is removed when no image and no lease needs it any more.
//
// Lifecycle at start: open() -> hold() for every container on record ->
// collect() -> serve. collect() removes what a crash left without an owner; it
// must not run before all holds are there.
//
// Everything is thread-safe. Objects returned are snapshots. No lock is held
// while a stream is read or written.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "codec/stream.h"
#include "model/image.h"
#include "store/blobs.h"
#include "store/layers.h"
#include "store/records.h"

namespace hull::image {

using model::Digest;

struct Image { // never changes
    Digest id;
    model::ImageConfig config;
    std::optional<Digest> chain_id; // of the top layer; none: no layers
    std::optional<Digest> parent;   // image id, for images made by commit or build
    uint64_t size = 0;              // bytes of all layers
    bool of_build_cache = false;    // what a step of a build gave: in no list, and no parent
};
using ImagePtr = std::shared_ptr<const Image>;

struct Summary {
    ImagePtr image;
    std::vector<Digest> group;             // it, and the images of other platforms under its names
    bool other_platform = false;           // its names mean another image first
    std::vector<std::string> repo_tags;    // familiar, sorted: "busybox:latest"
    std::vector<std::string> repo_digests; // familiar: "busybox@sha256:..."
    WallTime last_tagged;
    std::vector<uint64_t> layer_sizes; // bottom first
    uint64_t shared_size = 0;          // bytes of layers that other images use too
};

// An image as a registry would be given it. Layers stand for themselves
// uncompressed, so a manifest exists for images that were never pushed, too.
struct Distributable {
    model::Descriptor manifest; // with its platform
    std::string text;           // the manifest
    uint64_t content = 0;       // bytes of manifest, config and layers' tars
};

// What a name stands for, as a registry would be given it.
struct PlatformManifest {
    model::Descriptor descriptor;  // with its platform
    ImagePtr image;                // null: it isn't here
    uint64_t content = 0;          // bytes of manifest, config and packed layers that are here
    std::optional<Digest> attests; // the manifest that this one says something about
};
struct ManifestList {
    model::Descriptor target; // the index, or the one manifest
    std::vector<PlatformManifest> manifests;
};

struct HistoryItem { // as GET /images/{name}/history
    std::string id;  // image id or "<missing>"
    WallTime created;
    std::string created_by, comment;
    std::vector<std::string> tags;
    uint64_t size = 0;
};

struct LabelFilter { // "k" or "k=v"; negated: the image must not have it
    std::string key;
    std::optional<std::string> value;
    bool negated = false;
};
struct ListOptions {
    bool all = false;                         // also intermediate images
    bool platforms = false;                   // also those that names have for other platforms
    std::vector<std::string> references;      // patterns as `docker images` takes: "busybox", "bus*:1.*"
    std::vector<LabelFilter> labels;          // all must match
    std::optional<bool> dangling;             // untagged
    std::optional<std::string> before, since; // image names
    std::optional<WallTime> until;            // created before
};

struct ImportRequest {
    std::string repository, tag;      // may be empty
    std::string message;              // comment of the history entry
    std::vector<std::string> changes; // Dockerfile instructions
    std::string platform;             // "linux/amd64"; empty: the host's
};

struct LoadProgress { // of one layer
    std::string id;   // 12 digits
    uint64_t current = 0, total = 0;
};
// An error returned stops the load (the client left).
using LoadCallback = std::function<Result<void>(const LoadProgress&)>;
struct Loaded {
    Digest id;
    std::vector<std::string> references; // familiar; empty: "Loaded image ID: ..."
};

// A container that stands on an image.
struct ImageUser {
    std::string container_id;
    bool running = false;
};
using UsersOf = std::function<std::vector<ImageUser>(const Digest& image_id)>;

struct RemoveOptions {
    bool force = false;
    bool prune_parents = true;                   // untagged parents go too (noprune=false)
    std::vector<model::Platform> platforms = {}; // only the images of these; empty: all
};
struct Removed {          // exactly one of the two is set; in order
    std::string untagged; // familiar reference
    std::string deleted;  // digest of an image or a layer's chain id
    Digest image;         // the image that it was about (for events)
};

struct CachedStep { // of a build
    ImagePtr image;
    std::optional<Digest> below; // chain id of what its top layer stands on
    uint64_t size = 0;           // of its top layer; 0 when another step has the same
    bool shared = false;         // an image that is none of the build cache has its layers
};

struct PruneOptions {
    bool dangling_only = true;
    std::vector<LabelFilter> labels;
    std::optional<WallTime> until;
};
struct Pruned {
    std::vector<Removed> removed;
    uint64_t space_reclaimed = 0; // bytes
};

// What is made, and how it is kept.
enum class Making : unsigned char {
    child,       // has its base as its parent
    standalone,  // has no parent
    build_cache, // the same, and only who knows its id finds it
};

struct ImageState; // internal

// Keeps layers from being removed while it lives; letting go removes nothing.
class Lease {
public:
    Lease() = default;
    // Folders for overlayfs, topmost first; never empty in a lease from Images.
    const std::vector<std::string>& lower() const { return lower_; }
    const std::optional<Digest>& chain_id() const { return chain_id_; }

private:
    friend class Images;
    friend class Registries;
    friend struct ImageState;
    std::vector<std::string> lower_;
    std::optional<Digest> chain_id_;
    std::shared_ptr<void> hold_;
};

// A save that was checked and can't fail for want of an image any more.
class Export {
public:
    virtual ~Export() = default;
    // A docker-archive with an OCI layout in it. Once.
    virtual Result<void> write(ByteSink& sink) = 0;
};

class Images {
public:
    // All three must outlive it.
    static Result<std::unique_ptr<Images>> open(store::Records& records, store::BlobStore& blobs,
                                                store::LayerStore& layers);
    ~Images();
    Images(const Images&) = delete;
    Images& operator=(const Images&) = delete;

    // Who stands on an image; asked by remove() and prune() with no lock held.
    // Set once, before the first of them.
    void set_users(UsersOf users);
    // Removes layers that no image and no lease needs; the first call looks for
    // blobs too. Cheap when there is nothing to do: call it after the lease of a
    // removed container was dropped, for its image may have gone before it.
    Result<void> collect();

    // name: reference, image id with or without sha256:, or a unique prefix of
    // one; a reference wins. Errors: not_found "No such image: x:latest".
    Result<ImagePtr> resolve(std::string_view name) const;
    // Its image for a platform; not_found when it has none for it.
    Result<ImagePtr> resolve(std::string_view name, const model::Platform& platform) const;
    Result<Summary> inspect(std::string_view name) const;
    std::vector<Summary> summaries() const;                              // of all that are here
    Result<std::vector<Summary>> list(const ListOptions& options) const; // newest first
    Result<std::vector<HistoryItem>> history(std::string_view name) const;
    Result<Distributable> distributable(const Digest& image_id) const;
    // The platforms under the names of an image, those that aren't here, too.
    Result<ManifestList> manifests(const Digest& image_id) const;
    // The manifest of one image, as it came or as it would be made.
    Result<PlatformManifest> manifest(const Digest& image_id) const;
    // Bytes of the packed blobs that are kept, by layers' diff ids and images' ids.
    std::map<Digest, uint64_t> kept_bytes() const;
    // The exact bytes whose digest is the image id.
    Result<std::string> config_json(const Digest& image_id) const;

    // The layers of an image, for a new container.
    Result<Lease> rootfs(const Digest& image_id) const;
    // The same for a container on record, whose image may be gone. nullopt: no layers.
    Result<Lease> hold(const std::optional<Digest>& chain_id) const;

    // The name stands for these images of several platforms. Errors: not_found.
    Result<void> name_several(const std::vector<Digest>& ids, const model::Reference& reference);
    // Errors: not_found; invalid_argument "invalid reference format",
    // "refusing to create a tag with a digest reference".
    Result<Digest> tag(std::string_view name, std::string_view repository, std::string_view tag);
    Result<std::vector<Removed>> remove(std::string_view name, const RemoveOptions& options);
    Result<Pruned> prune(const PruneOptions& options);
    // What steps of builds gave (Making::build_cache).
    Result<std::vector<CachedStep>> build_cache() const;
    // Those of them have no record any more, but for those that a container stands on; the chain ids of their
    // top layers. Removes no file.
    Result<std::vector<Digest>> forget_build_cache(const std::vector<Digest>& ids);
    // These layers, and those below them, as far as nothing needs them; their bytes.
    Result<uint64_t> remove_unused_layers(const std::vector<Digest>& chain_ids);

    // tar may be compressed (gzip, zstd, bzip2, xz). platforms: of the images that
    // are wanted; empty: all that the archive has.
    Result<Digest> import_tar(ByteSource& tar, const ImportRequest& request);
    Result<std::vector<Loaded>> load(ByteSource& archive, const LoadCallback& progress,
                                     const std::vector<model::Platform>& platforms = {});
    Result<std::unique_ptr<Export>> save(const std::vector<std::string>& names,
                                         const std::vector<model::Platform>& platforms = {}) const;

    // Records against disk, layers against their tars, blobs against their digests.
    // What is off and, with Repair::yes, was mended: mostly by removing what can be
    // fetched again. Everything else goes on meanwhile.
    Result<store::Damages> check(store::CheckDepth depth, store::Repair repair);

    // A new image: base's layers plus one (layer: an uncompressed tar, or null
    // for none). config's diff_ids are filled in here. For import, commit, build.
    Result<Digest> create(model::ImageConfig config, const std::optional<Digest>& base_image, ByteSource* layer,
                          const std::optional<model::Reference>& reference, Making making = Making::child);
    // The same, the layer being a folder that the store takes over: LayerStore::adopt(). Errors: unsupported (it
    // can't).
    Result<Digest> create_adopting(model::ImageConfig config, const std::optional<Digest>& base_image,
                                   const std::string& folder, const store::LayerStore::TarWriter& write, Making making);
    // The same on the lowest `layers` of another's. Errors: not_found, invalid_argument (it has fewer).
    Result<Digest> create_on_layers(model::ImageConfig config, const Digest& image, size_t layers,
                                    const std::optional<Digest>& parent, Making making);
    // The same on all of another's, but what is newer than seconds (since 1970) in the layers from first_layer on is
    // that old instead. What it makes on the way is Making::build_cache.
    Result<Digest> create_with_times_at_most(model::ImageConfig config, const Digest& image, size_t first_layer,
                                             int64_t seconds, Making making);

private:
    using Stage = std::function<Result<std::unique_ptr<store::StagedLayer>>()>; // empty: no layer
    Result<Digest> create_on(model::ImageConfig config, const std::optional<Digest>& base_image, const Stage& stage,
                             const std::optional<model::Reference>& reference, Making making);
    friend class Registries;
    explicit Images(std::shared_ptr<ImageState> state);
    std::shared_ptr<ImageState> state_;
};

} // namespace hull::image
