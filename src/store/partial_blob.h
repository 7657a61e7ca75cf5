// A blob on its way: bytes come in any order (several connections), are read
// from the front while the rest is still coming, and survive kill -9.
//
//   <data-root>/blobs/partial/<hex>        the bytes, at their places
//   <data-root>/blobs/partial/<hex>.have   "begin end" lines: what of them is there
//
// The list is written after the bytes, about every MiB. It is a hint: after a
// power cut it may name bytes that never reached the disk, so that whoever
// completes a blob verifies its digest before keep(). Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "model/image.h"

namespace hull::store {

using model::Digest;

class PartialBlob {
public:
    struct Range { // [begin, end)
        uint64_t begin = 0, end = 0;
    };

    // By BlobStore::open_partial().
    static Result<std::unique_ptr<PartialBlob>> open(const std::string& blobs_root, const Digest& digest,
                                                     uint64_t size);
    // What came stays for another try, unless keep() or discard() was called.
    ~PartialBlob();
    PartialBlob(const PartialBlob&) = delete;
    PartialBlob& operator=(const PartialBlob&) = delete;

    uint64_t size() const { return size_; }
    // Errors: too_large beyond size; the kernel's.
    Result<void> write(uint64_t offset, std::string_view data);
    // What still has to come, in order.
    std::vector<Range> missing() const;
    uint64_t present() const; // bytes, wherever they are
    // Up to where it is whole from offset on.
    uint64_t whole_until(uint64_t offset) const;
    Result<size_t> read(uint64_t offset, std::span<char> into) const;

    // Becomes a blob of the store. Visible at once; durable with the next sync of
    // the file system, so that a pull needs only that of its layers.
    Result<void> keep();
    // Begins anew with nothing.
    Result<void> forget();

private:
    PartialBlob(std::string root, std::string hex, uint64_t size, UniqueFd file);
    std::string data_path() const { return root_ + "/partial/" + hex_; }
    std::string list_path() const { return data_path() + ".have"; }
    void read_list();
    void write_list(); // mutex_ held; failing is no error, for it is a hint
    void add(uint64_t begin, uint64_t end);

    std::string root_, hex_;
    uint64_t size_;
    UniqueFd file_;
    mutable std::mutex mutex_;
    std::map<uint64_t, uint64_t> have_; // begin -> end; neither touching nor overlapping
    uint64_t unlisted_ = 0;             // bytes that came since the list was written
    bool kept_ = false;
};

} // namespace hull::store
