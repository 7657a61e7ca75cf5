// Blobs: immutable byte strings named by their SHA-256, one file each under
// <data-root>/blobs/sha256/. Configs and manifests live here, and compressed
// layers of pulled images, so that they are pushed with the same digest.
//
// A blob is visible whole or not at all, and durable when put() returns. Nobody
// counts references here: image/ removes what no record names. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "codec/stream.h"
#include "model/image.h"
#include "store/damage.h"

namespace hull::store {

using model::Digest;

struct Blob {
    Digest digest;
    uint64_t size = 0;
};

class PartialBlob;

class BlobStore {
public:
    // Makes the folders and removes temporary files that a crash left.
    static Result<std::unique_ptr<BlobStore>> open(const std::string& data_root);

    // Stores a text; storing the same again is no error.
    Result<Digest> put(std::string_view text);
    // Stores a stream of at most limit bytes. Errors: too_large; corrupt when
    // expected is given and differs. Nothing is left behind then.
    Result<Blob> put_stream(ByteSource& source, const std::optional<Digest>& expected, uint64_t limit);

    // Errors: not_found; too_large; corrupt when the bytes no longer match.
    Result<std::string> get(const Digest& digest, size_t limit = size_t{4} << 20) const;
    Result<UniqueFd> open_blob(const Digest& digest) const; // read-only
    bool contains(const Digest& digest) const;
    // What is there of a blob that is being fetched, also since before a crash;
    // the caller sees to it that nobody else has it open. See partial_blob.h.
    Result<std::unique_ptr<PartialBlob>> open_partial(const Digest& digest, uint64_t size);
    // Forgets fetches that nobody has taken up for so long.
    Result<void> remove_partials_older_than(int64_t age_ns);
    Result<std::vector<Blob>> list() const;
    Result<void> remove(const Digest& digest); // missing: no error
    // Temporary files that nobody has written to for a day, and what is no blob.
    Result<void> check_temporary(Damages& found, Repair repair);

private:
    explicit BlobStore(std::string root) : root_(std::move(root)) {}
    std::string path_of(const Digest& digest) const;
    std::string root_; // <data-root>/blobs
};

} // namespace hull::store
