// A recipe gives a layer's tar back byte for byte: everything of it that isn't
// contents of files, and where those contents lie in the unpacked tree. A few
// bytes per file, zstd-compressed. On disk: docs/formats/store.md, "Recipe".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "codec/compress/compress.h"
#include "codec/stream.h"
#include "store/fd_stream.h"

namespace hull::store {

// Written while the tar is unpacked; the ByteSink takes the bytes between the
// files' contents.
class RecipeWriter : public ByteSink {
public:
    // The file path must not exist; tree is the folder that is being filled.
    static Result<std::unique_ptr<RecipeWriter>> create(std::string path, BorrowedFd tree);

    Result<void> write(std::string_view raw) override;
    // contents: length bytes of the file at path (below tree) from offset on.
    Result<void> contents(std::string_view path, uint64_t offset, std::string_view bytes);

    // From now on contents are kept in the recipe itself, also those before.
    // To be called before something is replaced that was unpacked. Idempotent.
    Result<void> keep_contents();

    // Nothing may follow. The file isn't synced yet.
    Result<void> finish();

private:
    RecipeWriter(std::string path, BorrowedFd tree) : path_(std::move(path)), tree_(tree) {}
    Result<void> begin();
    Result<void> end();
    Result<void> flush_raw();
    Result<void> flush_contents();

    std::string path_;
    BorrowedFd tree_;
    UniqueFd fd_;
    std::unique_ptr<FdSink> file_;
    std::unique_ptr<CompressingSink> out_;
    std::string raw_; // not yet written
    bool keeping_ = false;
    // The last contents, grown as long as pieces follow one another.
    std::string file_path_;
    uint64_t offset_ = 0, length_ = 0;
};

// Writes the tar of the recipe at path, with contents from tree. Errors:
// corrupt when the recipe is damaged or a file is too short or missing.
Result<void> replay_recipe(const std::string& path, BorrowedFd tree, ByteSink& sink);

} // namespace hull::store
