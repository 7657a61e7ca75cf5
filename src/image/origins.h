// Where layers and manifests came from, and as which bytes: so that a pulled
// image is pushed with the same digests, and a blob that a registry has isn't
// sent again. One record per blob of a registry (table blobs, by its digest);
// docs/formats/store.md. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/blobs.h"
#include "store/records.h"

namespace hull::image {

using model::Digest;

struct Origin {
    std::string media_type;
    uint64_t size = 0;                  // of the blob, as it travels
    bool kept = false;                  // the bytes are in the blob store
    std::set<std::string> repositories; // that have it: "docker.io/library/busybox"
    // Exactly one of the three.
    std::optional<Digest> diff_id; // it is this layer
    std::optional<Digest> image;   // it is a manifest of this image
    bool index = false;            // it lists manifests of several platforms
};

class Origins {
public:
    // Both outlive it. Errors: those of the records.
    static Result<std::unique_ptr<Origins>> open(store::Records& records, store::BlobStore& blobs);

    // What is known of the blob already is added to.
    Result<void> add(const Digest& blob, const Origin& origin);
    std::map<Digest, Origin> of_layer(const Digest& diff_id) const;
    std::map<Digest, Origin> of_image(const Digest& image) const;
    bool contains(const Digest& blob) const;
    std::optional<Origin> find(const Digest& blob) const;
    std::vector<Digest> kept() const; // blobs whose bytes should be here
    // Its bytes are gone or damaged: removes them, and remembers where else it is.
    Result<void> lose(const Digest& blob);
    // Bytes of the blobs that are kept, by what they are of: diff ids, image ids.
    std::map<Digest, uint64_t> kept_bytes() const;
    // Forgets, and removes from the blob store, what is of none of these layers, images
    // and indexes.
    Result<void> collect(const std::set<Digest>& diff_ids, const std::set<Digest>& images,
                         const std::set<Digest>& indexes);

private:
    Origins(store::Records& records, store::BlobStore& blobs) : records_(records), blobs_(blobs) {}
    store::Records& records_;
    store::BlobStore& blobs_;
    std::mutex change_mutex_;  // over records_; taken before mutex_
    mutable std::mutex mutex_; // over known_; never held over I/O
    std::map<Digest, Origin> known_;
};

} // namespace hull::image
