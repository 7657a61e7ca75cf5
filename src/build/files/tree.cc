#include "build/files/tree.h"

#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <sys/sysmacros.h>

#include "build/files/pattern.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/resolve.h"
#include "sys/tree.h"

namespace hull::build {

namespace {

class FileSource : public ByteSource {
public:
    explicit FileSource(UniqueFd file) : file_(std::move(file)) {}
    Result<size_t> read(std::span<char> into) override { return sys::read(file_, into); }

private:
    UniqueFd file_;
};

tar::Type type_of(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFDIR: return tar::Type::directory;
    case S_IFLNK: return tar::Type::symlink;
    case S_IFCHR: return tar::Type::char_device;
    case S_IFBLK: return tar::Type::block_device;
    case S_IFREG: return tar::Type::file;
    default: return tar::Type::fifo; // sockets too: neither is copied
    }
}

bool not_there(const Error& error) {
    return error.kind() == ErrorKind::not_found || error.code() == ENOTDIR || error.code() == ELOOP;
}

// Linux 6.5 and newer: a layer an option.
Result<UniqueFd> mount_layers(const std::vector<std::string>& lower, uint64_t attributes) {
    auto overlay = TRY(sys::NewFilesystem::open("overlay"));
    for (const std::string& folder : lower) TRY(overlay.string("lowerdir+", folder));
    TRY(overlay.string("source", "overlay"));
    return overlay.mount(attributes);
}

// Before: all in one text, of 4096 bytes at most, so they are named by short
// names of their descriptors. In a mount namespace of the calling thread's own.
Result<UniqueFd> mount_layers_by_text(const std::vector<std::string>& lower, uint64_t attributes) {
    TRY(sys::unshare(CLONE_NEWNS));
    TRY(sys::mount_propagation("/", MS_REC | MS_PRIVATE));
    std::vector<UniqueFd> folders;
    std::string text = "lowerdir=";
    for (const std::string& folder : lower) {
        folders.push_back(TRY(sys::open(folder, O_PATH | O_DIRECTORY)));
        text += (folders.size() == 1 ? "/proc/self/fd/" : ":/proc/self/fd/") + std::to_string(folders.back().get());
    }
    TRY(sys::mount_filesystem("overlay", lower.front(), text));
    UniqueFd tree = TRY(sys::clone_tree({}, lower.front(), sys::Depth::one));
    TRY(sys::set_mount_attributes(tree, "", sys::Depth::one, {.set = attributes}));
    return tree;
}

bool is_too_old(const Error& error) {
    return error.code() == EINVAL || error.code() == EOPNOTSUPP || error.code() == ENOSYS;
}

} // namespace

Result<std::string> resolve(const Tree& tree, const std::string& path, FinalLink final_link) {
    constexpr int most_links = 40;
    int links = 0;
    std::string done;
    std::string rest = clean_relative(path);
    while (!rest.empty()) {
        size_t slash = rest.find('/');
        std::string name = rest.substr(0, slash);
        rest = slash == rest.npos ? std::string() : rest.substr(slash + 1);
        if (name == "..") {
            done.resize(done.rfind('/') == done.npos ? 0 : done.rfind('/'));
            continue;
        }
        if (name.empty() || name == ".") continue;
        std::string next = done.empty() ? name : done + "/" + name;
        auto node = TRY(tree.look(next));
        if (!node || node->type != tar::Type::symlink || (rest.empty() && final_link == FinalLink::kept)) {
            done = std::move(next);
            continue;
        }
        if (++links > most_links) return invalid("too many levels of symbolic links at /" + next);
        // What follows the link may lead up from where the link leads.
        if (node->target.starts_with('/')) done.clear();
        rest = node->target + (rest.empty() ? "" : "/" + rest);
    }
    return done;
}

Result<void> walk(const Tree& tree, const std::string& path, const Visit& visit) {
    std::vector<std::pair<std::string, Node>> todo;
    if (auto top = TRY(tree.look(path))) todo.emplace_back(path, std::move(*top));
    while (!todo.empty()) {
        auto [at, node] = std::move(todo.back());
        todo.pop_back();
        bool enter = TRY(visit(at, node));
        if (!enter || !node.is_folder()) continue;
        auto inside = TRY(tree.entries(at));
        for (auto entry = inside.rbegin(); entry != inside.rend(); ++entry)
            todo.emplace_back(at.empty() ? entry->first : at + "/" + entry->first, std::move(entry->second));
    }
    return {};
}

Result<std::vector<std::pair<std::string, Node>>> Tree::entries(const std::string& path) const {
    std::vector<std::pair<std::string, Node>> out;
    for (std::string& name : TRY(children(path))) {
        auto node = TRY(look(path.empty() ? name : path + "/" + name));
        if (node) out.emplace_back(std::move(name), std::move(*node));
    }
    return out;
}

namespace {

// Nobody can set the ctime back; another file has another inode.
uint64_t version_of(const struct stat& info) {
    const uint64_t changed =
        static_cast<uint64_t>(info.st_ctim.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(info.st_ctim.tv_nsec);
    const uint64_t version = changed ^ (static_cast<uint64_t>(info.st_ino) * 0x9E3779B97F4A7C15U);
    return version == 0 ? 1 : version;
}

// What the file name in dir is; "": dir itself.
Result<Node> node_at(BorrowedFd dir, const std::string& name, const struct stat& info) {
    Node node;
    node.type = type_of(info.st_mode);
    node.mode = info.st_mode & 07777;
    node.uid = info.st_uid;
    node.gid = info.st_gid;
    node.mtime = info.st_mtim.tv_sec;
    node.mtime_ns = static_cast<uint32_t>(info.st_mtim.tv_nsec);
    if (node.type == tar::Type::file) {
        node.size = static_cast<uint64_t>(info.st_size);
        node.version = version_of(info);
    }
    node.device_major = major(info.st_rdev);
    node.device_minor = minor(info.st_rdev);
    if (node.type == tar::Type::symlink) node.target = TRY(sys::read_link_at(dir, name));
    return node;
}

void add_capability(BorrowedFd dir, const std::string& name, Node& node) {
    if (node.type != tar::Type::file) return;
    auto capability = sys::get_xattr_at(dir, name, "security.capability");
    if (capability.ok() && *capability) node.xattrs.emplace_back("security.capability", std::move(**capability));
}

} // namespace

Result<std::optional<Node>> FolderTree::look(const std::string& path) const {
    auto file = path.empty() ? sys::open_beneath(root_, ".", O_PATH, sys::Links::refused)
                             : sys::open_beneath(root_, path, O_PATH | O_NOFOLLOW, sys::Links::in_root);
    if (!file.ok()) {
        if (not_there(file.error())) return std::optional<Node>();
        return std::move(file).error();
    }
    struct stat info = TRY(sys::stat_fd(*file));
    Node node = TRY(node_at(*file, "", info));
    add_capability(root_, path, node);
    return std::optional(std::move(node));
}

Result<std::vector<std::pair<std::string, Node>>> FolderTree::entries(const std::string& path) const {
    UniqueFd folder =
        TRY(sys::open_beneath(root_, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY, sys::Links::refused));
    auto names = TRY(sys::names_in(folder));
    std::vector<std::pair<std::string, Node>> out;
    out.reserve(names.size());
    for (std::string& name : names) {
        auto info = sys::stat_at(folder, name);
        if (!info.ok()) {
            if (not_there(info.error())) continue; // it went meanwhile
            return std::move(info).error();
        }
        auto node = node_at(folder, name, *info);
        if (!node.ok()) {
            if (not_there(node.error()) || node.error().code() == EINVAL) continue; // replaced meanwhile
            return std::move(node).error();
        }
        add_capability(folder, name, *node);
        out.emplace_back(std::move(name), std::move(*node));
    }
    return out;
}

Result<std::vector<std::string>> FolderTree::children(const std::string& path) const {
    UniqueFd folder =
        TRY(sys::open_beneath(root_, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY, sys::Links::refused));
    return sys::names_in(folder);
}

Result<std::unique_ptr<ByteSource>> FolderTree::open(const std::string& path) const {
    UniqueFd file = TRY(sys::open_beneath(root_, path, O_RDONLY | O_NONBLOCK, sys::Links::refused));
    return std::unique_ptr<ByteSource>(std::make_unique<FileSource>(std::move(file)));
}

Result<std::unique_ptr<Tree>> layers_tree(const std::vector<std::string>& lower, const std::string& empty) {
    if (lower.size() == 1 && lower.front() == empty) // the same layer twice is refused
        return std::unique_ptr<Tree>(std::make_unique<FolderTree>(TRY(sys::open(empty, O_PATH | O_DIRECTORY))));
    std::vector<std::string> folders = lower;
    if (folders.size() == 1) folders.push_back(empty);
    constexpr uint64_t attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
    auto made = mount_layers(folders, attributes);
    if (!made.ok() && is_too_old(made.error()))
        std::thread([&] { made = mount_layers_by_text(folders, attributes); }).join();
    UniqueFd mount = TRY(std::move(made));
    return std::unique_ptr<Tree>(std::make_unique<FolderTree>(std::move(mount)));
}

} // namespace hull::build
