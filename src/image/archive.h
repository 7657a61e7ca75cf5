// The files of an image archive (docker save, OCI layout) as they come out of
// its tar: layers are unpacked on the way, before it is known which image they
// are for; small documents are kept in memory. Internal to image/.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/tar_reader.h"
#include "image/images.h"
#include "store/layers.h"

namespace hull::image {

struct ArchivedLayer {
    std::unique_ptr<store::StagedLayer> staged; // null once it was committed, or when it is broken
    std::optional<Error> broken;                // why it can't be unpacked
    Digest diff_id;
    Digest content; // of the file as it stands in the archive
    uint64_t content_size = 0;
};

// Where a blob stands in an OCI layout.
inline std::string blob_path(const Digest& digest) { return "blobs/sha256/" + digest.hex(); }

class Archive {
public:
    // Reads the whole stream. Errors: invalid_argument (not a tar), too_large,
    // unsupported (compression), the stream's and the callback's.
    static Result<Archive> read(ByteSource& stream, store::LayerStore& layers, const LoadCallback& progress);

    // Links of old archives are followed. nullptr: no such file.
    const std::string* document(std::string_view path) const;
    ArchivedLayer* layer(std::string_view path);
    const ArchivedLayer* find_layer(std::string_view path) const;

private:
    Result<void> take(const tar::Entry& entry, tar::Reader& reader, store::LayerStore& layers,
                      const LoadCallback& progress);
    Result<void> take_document(const std::string& path, std::string head, ByteSource& rest);
    Result<void> take_layer(const std::string& path, std::string head, const tar::Entry& entry, ByteSource& rest,
                            store::LayerStore& layers, const LoadCallback& progress);
    std::string followed(std::string_view path) const;

    std::map<std::string, std::string> documents_;
    std::map<std::string, ArchivedLayer> layers_;
    std::map<std::string, std::string> links_; // both cleaned
    uint64_t document_bytes_ = 0;
    store::Budget left_; // of all layers together
};

} // namespace hull::image
