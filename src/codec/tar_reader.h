// Reads a tar archive from front to back, in one pass and in bounded memory.
//
// Understood: v7, ustar, star, pax (path, linkpath, size, uid, gid, mtime,
// SCHILY.xattr.*), GNU (long names, base-256 numbers, sparse files old, 0.0, 0.1
// and 1.0). pax's global headers are skipped, as Docker does. Every length is
// checked before it is used. Paths are returned as they are: whoever makes files
// from them must keep them inside a root.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/stream.h"
#include "codec/tar.h"
#include "codec/tar_header.h"

namespace hull::tar {

struct ReadLimits {
    size_t name_bytes = size_t{64} << 10;     // of a path or a link's target
    size_t extension_bytes = size_t{1} << 20; // of one pax header
    size_t segments = 1'000'000;              // of one sparse file
};

class Reader {
public:
    // raw, if given, gets every byte of the archive that data() does not return:
    // headers, padding, data that was skipped. Both must outlive the reader.
    explicit Reader(ChunkSource& in, ByteSink* raw = nullptr, const ReadLimits& limits = {});

    // The next entry; false at the end of the archive. Data of the entry before
    // that wasn't read is skipped. Errors: invalid_argument, too_large, and what
    // the source fails with.
    Result<bool> next(Entry& entry);

    // The next piece of the entry's stored data, valid until the next call;
    // empty at its end. Of a sparse file, all segments in one row.
    Result<std::string_view> data();

    // After the last entry: reads what follows (padding) to the end of the stream.
    Result<void> drain();

    // Bytes consumed so far.
    uint64_t position() const { return position_; }

private:
    Result<std::string_view> some(size_t most);
    Result<bool> read_block(bool end_allowed);
    Result<void> skip(uint64_t bytes);
    Result<std::string> read_special(int64_t size, size_t limit);
    Result<void> read_header(Entry& entry, char type, const PaxRecords& pax, const std::string& long_name,
                             const std::string& long_link);
    Result<void> apply_pax(Entry& entry, const PaxRecords& pax);
    Result<void> read_sparse(Entry& entry, char type, const PaxRecords& pax);
    Result<void> read_old_sparse_map(Entry& entry);
    Result<void> read_sparse_map_1_0(Entry& entry);
    std::string_view block() const { return {block_.data(), block_.size()}; }

    ChunkSource& in_;
    ByteSink* raw_;
    ReadLimits limits_;
    std::string_view chunk_;
    std::array<char, block_bytes> block_{}; // the last block read
    uint64_t position_ = 0;
    uint64_t data_left_ = 0;    // of the current entry
    uint64_t padding_left_ = 0; // after it
    bool ended_ = false;
};

} // namespace hull::tar
