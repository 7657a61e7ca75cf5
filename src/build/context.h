// The build context: a tar (or what a client sends) kept as one spool file and
// an index in memory. No path of it ever becomes a path of this machine, so
// nothing in it can lead outside.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "build/files/pattern.h"
#include "build/files/tree.h"

namespace hull::build {

struct ContextLimits {
    uint64_t entries = 4'000'000;
    uint64_t bytes = uint64_t{256} << 30; // of all files
    size_t path_bytes = 4096;
};

// Contents of files, one after the other. Contexts of the same folder, sent one
// after the other, share one: what didn't change is there already.
struct Spool {
    UniqueFd file; // without a name
    std::atomic<uint64_t> end = 0;
    static Result<std::shared_ptr<Spool>> create(const std::string& folder);
};

bool is_web_address(const std::string& text); // http://, https://

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
    // All that is in it is of this time (seconds since 1970).
    void date(int64_t seconds);
    // Of the files that are in it.
    uint64_t bytes() const;
    uint64_t spool_bytes() const { return spool_->end; }
    // Of what a client sent (wire::known_stats). Empty: it came another way.
    const std::string& stats_digest() const { return stats_digest_; }

    // What was found out about these files, for who asks again; thread-safe. Old answers may be gone.
    std::optional<std::string> recall(const std::string& question) const;
    void remember(const std::string& question, const std::string& answer) const;

private:
    struct Item {
        Node node;
        uint64_t offset = 0;
        std::string digest = {};
    };
    explicit Context(std::shared_ptr<Spool> spool) : spool_(std::move(spool)) {}
    Result<void> add_folders_of(const std::string& path);
    Result<void> write(std::string_view bytes);
    Result<void> flush();

    std::shared_ptr<Spool> spool_;
    std::string pending_; // not yet written to the spool
    std::map<std::string, Item, std::less<>> items_;
    std::string stats_digest_;
    mutable std::mutex memory_mutex_;
    mutable std::map<std::string, std::string> memory_;
    friend class ContextReader;
    friend class FileReceiver;
};

} // namespace hull::build
