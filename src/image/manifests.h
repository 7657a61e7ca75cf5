// Manifests of images: as they came with them, or made anew of layers that stand
// for themselves uncompressed. Internal to image/.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "image/state.h"

namespace hull::image {

// Where the bytes of a layer's blob come from.
struct LayerBlob {
    store::Layer layer;
    uint64_t size = 0;
    UniqueFd kept; // the packed blob as it came; none: the layer's tar
};

struct Described {
    model::Descriptor manifest; // with its platform
    std::string text, config;
    std::map<Digest, LayerBlob> blobs; // of its layers
    uint64_t content() const;          // bytes of all that
};

// With layers as they are.
Result<Described> describe_anew(const ImageState& state, const Image& image);
// As it came, if all its blobs can be given byte for byte; nullopt: they can't.
std::optional<Described> describe_original(const ImageState& state, const Image& image);

// The index that the names of an image have; nullopt: they have none, or it can't be read.
struct KnownIndex {
    model::Descriptor descriptor;
    std::string text;
    model::Index parsed;
};
std::optional<KnownIndex> read_index(const ImageState& state, const Digest& digest);

// An index of these manifests.
std::string print_index_of(const std::vector<model::Descriptor>& manifests);

// The manifest that an attestation is about; nullopt: it is none.
std::optional<Digest> attested(const model::Descriptor& descriptor);

} // namespace hull::image
