// The build context: a tar (or what a client sends) kept as one spool file and
// an index in memory. No path of it ever becomes a path of this machine, so
// nothing in it can lead outside.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "build/files/pattern.h"
#include "build/files/tree.h"

namespace hull::build {

struct ContextLimits {
    uint64_t entries = 4'000'000;
    uint64_t bytes = uint64_t{256} << 30; // of all files
    size_t path_bytes = 4096;
};

class Context : public Tree {
public:
    // An uncompressed tar, to its end. folder: where the spool file is made,
    // without a name. Errors: invalid_argument (malformed), too_large, no_space.
    static Result<std::unique_ptr<Context>> from_tar(ByteSource& tar, const std::string& folder,
                                                     const ContextLimits& limits = {});
    // One file: a Dockerfile that came alone, or a download.
    static Result<std::unique_ptr<Context>> from_file(const std::string& name, ByteSource& contents,
                                                      const std::string& folder, uint32_t mode = 0644);

    Result<std::optional<Node>> look(const std::string& path) const override;
    Result<std::vector<std::string>> children(const std::string& path) const override;
    Result<std::unique_ptr<ByteSource>> open(const std::string& path) const override;
    std::optional<std::string> known_digest(const std::string& path) const override;

    // The whole file, links followed; not_found when it isn't there.
    Result<std::string> read(const std::string& path, size_t limit) const;
    // As if what list ignores had not been sent.
    void leave_out(const IgnoreList& list);
    uint64_t bytes() const { return spooled_; }

private:
    struct Item {
        Node node;
        uint64_t offset = 0;
        std::string digest = {};
    };
    explicit Context(UniqueFd spool) : spool_(std::move(spool)) {}
    Result<void> add_folders_of(const std::string& path);
    Result<void> write(std::string_view bytes);
    Result<void> flush();

    UniqueFd spool_;
    uint64_t spooled_ = 0;
    std::string pending_; // not yet written to the spool
    std::map<std::string, Item, std::less<>> items_;
    friend class ContextReader;
};

} // namespace hull::build
