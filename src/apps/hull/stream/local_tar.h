// Files of this machine as a tar archive, and back: what cp needs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "codec/stream.h"
#include "codec/tar.h"
#include "codec/tar_writer.h"

namespace hull::cli {

// The tree at a path, with its top called otherwise; made as it is read. Links are
// kept, sockets are left out.
class LocalTar {
public:
    // top: "name", or "." for the contents of a folder.
    LocalTar(std::string path, std::string top) : writer_(out_) {
        waiting_.push_back({std::move(path), std::move(top), {}});
    }
    struct Item {
        std::string path, name, text; // path: on this machine; empty: a file with this text
    };
    // Each with all that is below it.
    explicit LocalTar(std::vector<Item> items) : writer_(out_), waiting_(items.rbegin(), items.rend()) {}
    // Between 1 and into.size() bytes; 0 at the end.
    Result<size_t> read(std::span<char> into);
    uint64_t bytes() const { return bytes_; } // of the archive, so far

private:
    Result<void> more();
    Result<void> begin(const Item& item);
    Result<void> add_text(const Item& item);

    TextSink out_;
    tar::Writer writer_;
    std::vector<Item> waiting_; // the next one is the last
    UniqueFd file_;
    uint64_t left_ = 0, bytes_ = 0;
    size_t used_ = 0;
    std::string path_, ready_;
    std::vector<char> buffer_ = std::vector<char>(size_t{256} << 10);
    bool ended_ = false;
};

enum class Owners : unsigned char { ours, kept };
// Makes the files of an archive below a folder, the first part of each name (the
// archive's top; nothing of "./a") being replaced by top ("." or "": the folder itself). Nothing is
// made outside of it, whatever names and links the archive has. Errors:
// invalid_argument for such archives; conflict where a folder would take a file's
// place or the other way round.
Result<uint64_t> extract_tar(ByteSource& archive, BorrowedFd folder, const std::optional<std::string>& top,
                             Owners owners);

} // namespace hull::cli
