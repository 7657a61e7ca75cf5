// The files of containers: copying in and out, what changed, the whole tree, a
// new image. Names and common errors as in containers.h. Thread-safe.
//
// Of a container that runs, its own mounts are seen; of one that doesn't, what a
// start would mount, and it can't be started while its files are open.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "image/images.h"
#include "model/container.h"
#include "model/image.h"
#include "store/tree_changes.h"

namespace hull::engine {

struct PathStat {
    std::string name; // the last part; "/" of the root, "." of "x/."
    int64_t size = 0;
    uint32_t mode = 0; // st_mode
    WallTime mtime;
    std::string link_target; // of a link: where it leads in the end
};

// What a GET of an archive answers. Its container can't start as long as it
// lives, unless it runs; to be used and let go by one thread.
class OpenArchive {
public:
    virtual ~OpenArchive() = default;
    virtual const PathStat& stat() const = 0;
    virtual Result<void> write(ByteSink& sink) = 0; // a tar; once
};

struct PutOptions {
    bool keep_kinds = false;    // a folder never replaces a file, nor a file a folder
    bool chown_to_user = false; // everything belongs to the container's configured user
};

struct FileChange {
    std::string path;
    store::ChangeKind kind = store::ChangeKind::modified;
};

struct CommitRequest {
    std::string container;
    std::string repository, tag; // empty: an image without a name
    std::string comment, author;
    bool pause = true;
    std::vector<std::string> changes;             // Dockerfile instructions
    std::optional<model::ContainerConfig> config; // instead of the container's
};

struct CommitAs {
    image::Making making = image::Making::child;
    // Mount points that were made for the container alone, a folder after what is
    // in it: left out when nothing was put there. Relative to the root.
    std::vector<std::string> stubs;
    // The container is removed next: its files need not stay with it.
    bool takes_files = false;
};

class Files {
public:
    virtual ~Files() = default;

    // Errors: not_found "Could not find the file /x in container y".
    virtual Result<PathStat> stat(const std::string& name, const std::string& path) = 0;
    virtual Result<std::unique_ptr<OpenArchive>> open_archive(const std::string& name, const std::string& path) = 0;
    // tar may be compressed. Errors: as above; invalid_argument (the path is no
    // folder; the archive), forbidden (read-only).
    virtual Result<void> put_archive(const std::string& name, const std::string& path, const PutOptions& options,
                                     ByteSource& tar) = 0;

    virtual Result<std::vector<FileChange>> changes(const std::string& name) = 0;
    // Whether it can be; then, the tree as a tar.
    virtual Result<std::unique_ptr<OpenArchive>> open_export(const std::string& name) = 0;
    virtual Result<model::Digest> commit(const CommitRequest& request) = 0;
    // The changes of a stopped container as an image with exactly this
    // configuration (its last history entry is this layer's). For builds.
    virtual Result<model::Digest> commit_as(const std::string& name, model::ImageConfig config,
                                            const CommitAs& how) = 0;
};

} // namespace hull::engine
