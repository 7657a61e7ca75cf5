// Where COPY and ADD take files from: the build context, an image's or a
// stage's files, an unpacked archive, one downloaded file. Read-only.
//
// Paths are relative and clean ("a/b"; "" is the root). look(), children() and
// open() follow no link, in no part of the path: resolve() first.
// Thread-safe for reading.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "codec/stream.h"
#include "codec/tar.h"

namespace hull::build {

struct Node {
    tar::Type type = tar::Type::file;
    uint32_t mode = 0; // 07777
    uint32_t uid = 0, gid = 0;
    int64_t mtime = 0; // seconds
    uint32_t mtime_ns = 0;
    uint64_t size = 0;
    std::string target; // of a symlink
    uint32_t device_major = 0, device_minor = 0;
    std::vector<std::pair<std::string, std::string>> xattrs;
    // Of a file on a disk: another one whenever the file was changed, whatever its mtime says. 0: not known.
    uint64_t version = 0;
    static Node folder(uint32_t mode = 0755) {
        Node node;
        node.type = tar::Type::directory;
        node.mode = mode;
        return node;
    }
    bool is_folder() const { return type == tar::Type::directory; }
};

class Tree {
public:
    virtual ~Tree() = default;
    virtual Result<std::optional<Node>> look(const std::string& path) const = 0;          // nullopt: not there
    virtual Result<std::vector<std::string>> children(const std::string& path) const = 0; // names, sorted
    // The same, with what each of them is.
    virtual Result<std::vector<std::pair<std::string, Node>>> entries(const std::string& path) const;
    virtual Result<std::unique_ptr<ByteSource>> open(const std::string& path) const = 0;
    // SHA-256 of the file's contents, in hex, where it is known already.
    virtual std::optional<std::string> known_digest(const std::string&) const { return std::nullopt; }
};

enum class FinalLink : unsigned char { followed, kept };
// path with its links followed, the tree's root being "/"; parts that are not
// there stay as they are. Errors: invalid_argument after 40 links.
Result<std::string> resolve(const Tree& tree, const std::string& path, FinalLink final_link);

// The node at path and everything below it, folders before what is in them, by
// name. visit returns whether to go into a folder.
using Visit = std::function<Result<bool>(const std::string& path, const Node& node)>;
Result<void> walk(const Tree& tree, const std::string& path, const Visit& visit);

// The same in the same order; what folders hold is read ahead on threads of its own, where that takes long (a disk).
// visit is called by the caller's thread.
Result<void> walk_ahead(const Tree& tree, const std::string& path, const Visit& visit);

// A folder of this machine by its descriptor; nothing of it leads outside.
class FolderTree : public Tree {
public:
    explicit FolderTree(UniqueFd root) : root_(std::move(root)) {}
    Result<std::optional<Node>> look(const std::string& path) const override;
    Result<std::vector<std::string>> children(const std::string& path) const override;
    Result<std::vector<std::pair<std::string, Node>>> entries(const std::string& path) const override;
    Result<std::unique_ptr<ByteSource>> open(const std::string& path) const override;

private:
    UniqueFd root_; // O_PATH
};

// The merged view of layers (absolute folders, topmost first). empty: a folder
// with nothing in it, which overlayfs wants below a single layer.
Result<std::unique_ptr<Tree>> layers_tree(const std::vector<std::string>& lower, const std::string& empty);

} // namespace hull::build
