#include "store/unpack.h"

#include <algorithm>
#include <unordered_set>

#include <fcntl.h>
#include <sys/sysmacros.h>

#include "store/whiteout.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/resolve.h"
#include "sys/tree.h"

namespace hull::store {

namespace {

constexpr std::string_view whiteout_prefix = ".wh.", whiteout_meta_prefix = ".wh..wh.", opaque_marker = ".wh..wh..opq";
const std::string opaque_attribute = "trusted.overlay.opaque";
constexpr size_t max_open_folders = 64;
// Dirty pages are handed to the device in steps of this size, so that the sync
// at the end finds little to do.
constexpr uint64_t writeback_bytes = uint64_t{8} << 20;
// Files up to this size are filled by another thread than makes them.
constexpr uint64_t small_file_bytes = uint64_t{256} << 10;

Error refused(std::string_view path, std::string_view why) {
    return {ErrorKind::invalid_argument, "invalid tar: " + std::string(path.substr(0, 1024)) + ": " + std::string(why)};
}

std::string_view name_of(std::string_view path) {
    size_t slash = path.rfind('/');
    return slash == path.npos ? path : path.substr(slash + 1);
}

std::string parent_of(std::string_view path) {
    size_t slash = path.rfind('/');
    return slash == path.npos ? std::string() : std::string(path.substr(0, slash));
}

std::string joined(const std::string& folder, std::string_view name) {
    std::string path = folder;
    if (!path.empty()) path += '/';
    return path.append(name);
}

// The kernel's answer to a name that no file system takes is the tar's fault.
Error blame_tar(Error error) {
    switch (error.code()) {
    case ENAMETOOLONG:
    case ENOTDIR:
    case ELOOP:
    case EINVAL:
    case EXDEV:
    case EFBIG:
    case EISDIR: return std::move(error).with_kind(ErrorKind::invalid_argument).context("invalid tar");
    default: return error;
    }
}

} // namespace

bool belongs_to_layer(std::string_view attribute) {
    if (attribute.starts_with("trusted.overlay.") || attribute.starts_with("user.overlay.")) return false;
    return !attribute.starts_with("security.") || attribute == "security.capability";
}

Result<std::string> clean_path(std::string_view path, const Budget& budget) {
    if (path.size() > budget.path_bytes) return Error(ErrorKind::too_large, "tar: a path is too long");
    if (path.find('\0') != path.npos) return refused("", "a NUL in a path");
    std::vector<std::string_view> parts;
    for (std::string_view rest = path; !rest.empty();) {
        size_t slash = std::min(rest.find('/'), rest.size());
        std::string_view part = rest.substr(0, slash);
        rest.remove_prefix(std::min(slash + 1, rest.size()));
        if (part.empty() || part == ".") continue;
        if (part != "..") {
            parts.push_back(part);
        } else {
            if (parts.empty()) return refused(path, "it leads out of the layer");
            parts.pop_back();
        }
    }
    if (parts.size() > budget.path_depth) return Error(ErrorKind::too_large, "tar: a path is too deep");
    std::string clean;
    for (std::string_view part : parts) clean = joined(clean, part);
    return clean;
}

Unpacker::Unpacker(BorrowedFd root, const Budget& budget, RecipeWriter& recipe)
    : root_(root), budget_(budget), recipe_(recipe) {}

Result<Unpacked> Unpacker::run(tar::Reader& reader) {
    tar::Entry entry;
    for (;;) {
        bool more = TRY(reader.next(entry));
        if (!more) break;
        if (++result_.entries > budget_.entries)
            return Error(ErrorKind::too_large,
                         "the archive has more than the " + std::to_string(budget_.entries) + " entries allowed");
        auto done = unpack(entry, reader);
        if (done.ok()) continue;
        // An earlier file that couldn't be filled is told by its own name.
        if (auto filled = finisher_.drain(); !filled.ok()) return blame_tar(std::move(filled).error());
        return blame_tar(std::move(done).error().context([&] { return "unpack " + entry.path.substr(0, 256); }()));
    }
    if (auto done = finisher_.drain(); !done.ok()) return blame_tar(std::move(done).error());
    TRY(settle_folders());
    if (!result_.implied_folders.empty()) { // some got an entry of their own later
        std::unordered_set<std::string_view> named;
        for (const FolderSettings& settings : folders_) named.insert(settings.path);
        std::erase_if(result_.implied_folders, [&](const std::string& path) { return named.contains(path); });
    }
    return std::move(result_);
}

Result<void> Unpacker::unpack(const tar::Entry& entry, tar::Reader& reader) {
    std::string path = TRY(clean_path(entry.path, budget_));
    if (path.empty()) {
        if (entry.type != tar::Type::directory) return refused(entry.path, "the root is not a folder");
        return remember_folder(entry, path);
    }
    std::string folder_path = parent_of(path);
    std::string_view name = name_of(path);
    if (name == opaque_marker) return mark_opaque(folder_path);
    // What aufs kept for itself; nobody else knows it, Docker skips it too.
    if (name.starts_with(whiteout_meta_prefix) || path.starts_with(whiteout_meta_prefix)) return {};

    Place place{TRY(folder(folder_path)), path, std::string(name)};
    if (!name.starts_with(whiteout_prefix)) return make(entry, place, reader);
    name.remove_prefix(whiteout_prefix.size());
    if (name.empty() || name == "." || name == "..") return refused(entry.path, "a whiteout of nothing");
    place.name = name;
    place.path = joined(folder_path, name);
    return whiteout(place);
}

// Hides what the layers below have. What this very layer has stays (OCI
// layer.md: "whiteout files MUST only apply to resources in lower layers").
Result<void> Unpacker::whiteout(const Place& place) {
    auto made = sys::make_node_at(*place.folder, place.name, S_IFCHR, 0, 0);
    if (made.ok() || made.error().kind() != ErrorKind::conflict) return made;
    struct stat st = TRY(sys::stat_at(*place.folder, place.name));
    if (S_ISDIR(st.st_mode)) return mark_opaque(place.path);
    return {};
}

Result<void> Unpacker::mark_opaque(const std::string& folder_path) {
    if (folder_path.empty()) {
        // overlayfs doesn't look at the mark on a layer's root.
        result_.opaque_root = true;
        return {};
    }
    Folder parent = TRY(folder(parent_of(folder_path)));
    TRY(folder(folder_path)); // it may have to be made
    return sys::set_xattr_at(*parent, std::string(name_of(folder_path)), opaque_attribute, "y");
}

Result<void> Unpacker::make(const tar::Entry& entry, const Place& place, tar::Reader& reader) {
    switch (entry.type) {
    case tar::Type::directory: return make_folder(entry, place);
    case tar::Type::file: return make_file(entry, place, reader);
    case tar::Type::hard_link: return make_hard_link(entry, place);
    case tar::Type::symlink:
    case tar::Type::char_device:
    case tar::Type::block_device:
    case tar::Type::fifo: return make_special(entry, place);
    }
    return Error(ErrorKind::internal, "a tar entry of no known type");
}

// Removes what stands at place.
Result<bool> Unpacker::make_way(const Place& place) {
    struct stat st = TRY(sys::stat_at(*place.folder, place.name));
    if (is_whiteout(st)) {
        TRY(sys::unlink_at(*place.folder, place.name));
        return true;
    }
    // The recipe and the cache may refer to it or to something below it.
    TRY(finisher_.drain());
    TRY(recipe_.keep_contents());
    open_folders_.clear();
    TRY(sys::remove_tree_at(*place.folder, place.name));
    return false;
}

// Calls make until nothing of that name is in its way.
template <class F>
Result<void> replacing(F&& make, auto&& make_way) {
    for (;;) {
        auto made = make();
        if (made.ok() || made.error().code() != EEXIST) return made;
        TRY(make_way());
    }
}

Result<void> Unpacker::make_folder(const tar::Entry& entry, const Place& place) {
    auto made = sys::make_dir_at(*place.folder, place.name, 0755);
    if (!made.ok()) {
        if (made.error().code() != EEXIST) return made;
        struct stat st = TRY(sys::stat_at(*place.folder, place.name));
        if (!S_ISDIR(st.st_mode)) {
            bool hid_below = TRY(make_way(place));
            TRY(sys::make_dir_at(*place.folder, place.name, 0755));
            if (hid_below) TRY(sys::set_xattr_at(*place.folder, place.name, opaque_attribute, "y"));
        }
    }
    return remember_folder(entry, place.path);
}

Result<void> Unpacker::make_file(const tar::Entry& entry, const Place& place, tar::Reader& reader) {
    if (entry.size > budget_.bytes - result_.size)
        return Error(ErrorKind::too_large,
                     "the files are larger than the " + std::to_string(budget_.bytes) + " bytes allowed");
    result_.size += entry.size;
    UniqueFd file;
    TRY(replacing(
        [&]() -> Result<void> {
            file = TRY(sys::openat(*place.folder, place.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
            return {};
        },
        [&]() -> Result<void> {
            TRY(make_way(place));
            return {};
        }));
    FileToFinish settings{.file = {},
                          .path = place.path,
                          .contents = {},
                          .uid = entry.uid,
                          .gid = entry.gid,
                          .mode = entry.mode,
                          .mtime = entry.mtime,
                          .mtime_ns = entry.mtime_ns,
                          .xattrs = {}};
    for (const auto& xattr : entry.xattrs)
        if (belongs_to_layer(xattr.first)) settings.xattrs.push_back(xattr);
    if (!entry.sparse && entry.size <= small_file_bytes) {
        settings.file = std::move(file);
        return make_small_file(std::move(settings), reader);
    }
    TRY(write_contents(entry, place, file, reader));
    return settle_file(file, settings);
}

Result<void> Unpacker::make_small_file(FileToFinish file, tar::Reader& reader) {
    for (;;) {
        std::string_view piece = TRY(reader.data());
        if (piece.empty()) return finisher_.add(std::move(file));
        TRY(recipe_.contents(file.path, file.contents.size(), piece));
        file.contents += piece;
    }
}

Result<void> Unpacker::write_contents(const tar::Entry& entry, const Place& place, BorrowedFd file,
                                      tar::Reader& reader) {
    size_t segment = 0;
    uint64_t offset = entry.sparse && !entry.segments.empty() ? entry.segments[0].offset : 0;
    uint64_t unsynced = 0;
    for (;;) {
        std::string_view piece = TRY(reader.data());
        if (piece.empty()) break;
        while (!piece.empty()) {
            std::string_view now = piece;
            if (entry.sparse) {
                // Data follows segment by segment; the reader has checked the sum.
                const tar::Segment& s = entry.segments[segment];
                now = piece.substr(0,
                                   static_cast<size_t>(std::min<uint64_t>(piece.size(), s.offset + s.length - offset)));
                TRY(sys::write_all_at(file, now, offset));
            } else {
                TRY(sys::write_all(file, now));
            }
            TRY(recipe_.contents(place.path, offset, now));
            offset += now.size();
            unsynced += now.size();
            piece.remove_prefix(now.size());
            if (entry.sparse && offset == entry.segments[segment].offset + entry.segments[segment].length &&
                segment + 1 < entry.segments.size())
                offset = entry.segments[++segment].offset;
        }
        if (unsynced >= writeback_bytes) {
            sys::start_writeback(file);
            unsynced = 0;
        }
    }
    if (entry.sparse) TRY(sys::truncate(file, entry.size));
    return {};
}

Result<void> Unpacker::make_hard_link(const tar::Entry& entry, const Place& place) {
    std::string target = TRY(clean_path(entry.link_target, budget_));
    if (target.empty()) return refused(entry.path, "a hard link to the root");
    if (target == place.path) return {}; // it is itself already
    auto target_folder = sys::open_beneath(root_, "/" + parent_of(target), O_PATH | O_DIRECTORY, sys::Links::in_root);
    if (!target_folder.ok()) return refused(entry.path, "a hard link to " + target + ", which isn't in the layer");
    const std::string name(name_of(target));
    auto there = sys::stat_at(*target_folder, name);
    if (!there.ok() || S_ISDIR(there->st_mode) || is_whiteout(*there))
        return refused(entry.path, "a hard link to " + target + ", which isn't a file of the layer");
    return replacing([&] { return sys::make_link_at(*target_folder, name, *place.folder, place.name); },
                     [&]() -> Result<void> {
                         auto here = TRY(sys::stat_at(*place.folder, place.name));
                         if (here.st_ino == there->st_ino && here.st_dev == there->st_dev)
                             return sys::unlink_at(*place.folder, place.name); // another name stays
                         TRY(make_way(place));
                         return {};
                     });
}

Result<void> Unpacker::make_special(const tar::Entry& entry, const Place& place) {
    const bool link = entry.type == tar::Type::symlink;
    mode_t type = entry.type == tar::Type::char_device    ? S_IFCHR
                  : entry.type == tar::Type::block_device ? S_IFBLK
                                                          : S_IFIFO;
    if (link && (entry.link_target.empty() || entry.link_target.find('\0') != std::string::npos))
        return refused(entry.path, "a symbolic link to nothing");
    TRY(replacing(
        [&] {
            if (link) return sys::make_symlink_at(*place.folder, place.name, entry.link_target);
            return sys::make_node_at(*place.folder, place.name, type | (entry.mode & 0777), entry.device_major,
                                     entry.device_minor);
        },
        [&]() -> Result<void> {
            TRY(make_way(place));
            return {};
        }));
    if (entry.uid != 0 || entry.gid != 0) TRY(sys::change_owner_at(*place.folder, place.name, entry.uid, entry.gid));
    for (const auto& [attribute, value] : entry.xattrs)
        if (belongs_to_layer(attribute)) TRY(sys::set_xattr_at(*place.folder, place.name, attribute, value));
    if (!link) TRY(sys::change_mode_at(*place.folder, place.name, entry.mode));
    return sys::set_mtime_at(*place.folder, place.name, {entry.mtime, entry.mtime_ns});
}

Result<void> Unpacker::remember_folder(const tar::Entry& entry, const std::string& path) {
    FolderSettings settings{path, entry.mode, entry.uid, entry.gid, entry.mtime, entry.mtime_ns, {}};
    for (const auto& xattr : entry.xattrs)
        if (belongs_to_layer(xattr.first)) settings.xattrs.push_back(xattr);
    return remember(std::move(settings));
}

Result<void> Unpacker::remember(FolderSettings settings) {
    size_t bytes = sizeof settings + settings.path.size();
    for (const auto& [attribute, value] : settings.xattrs) bytes += attribute.size() + value.size() + 64;
    TRY(count_memory(bytes));
    folders_.push_back(std::move(settings));
    return {};
}

Result<void> Unpacker::count_memory(size_t bytes) {
    remembered_bytes_ += bytes;
    if (remembered_bytes_ > budget_.memory_bytes)
        return Error(ErrorKind::too_large, "the archive has too many folders");
    return {};
}

Result<void> Unpacker::settle_folders() {
    open_folders_.clear();
    for (const FolderSettings& settings : folders_) {
        auto opened =
            sys::open_beneath(root_, "/" + settings.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, sys::Links::in_root);
        if (!opened.ok()) {
            int code = opened.error().code();
            if (code == ENOENT || code == ENOTDIR || code == ELOOP) continue; // replaced by a later entry
            return std::move(opened).error();
        }
        auto apply = [&]() -> Result<void> {
            TRY(sys::change_owner(*opened, settings.uid, settings.gid));
            for (const auto& [attribute, value] : settings.xattrs) TRY(sys::set_xattr(*opened, attribute, value));
            TRY(sys::change_mode(*opened, settings.mode));
            return sys::set_mtime(*opened, {settings.mtime, settings.mtime_ns});
        };
        TRY(apply().context([&] { return settings.path; }));
    }
    return {};
}

// The folder at path, made if it isn't there.
Result<Unpacker::Folder> Unpacker::folder(const std::string& path) {
    if (auto it = open_folders_.find(path); it != open_folders_.end()) return it->second;
    auto opened = sys::open_beneath(root_, "/" + path, O_PATH | O_DIRECTORY, sys::Links::in_root);
    if (!opened.ok()) {
        if (opened.error().code() != ENOENT && opened.error().code() != ENOTDIR) return std::move(opened).error();
        opened = TRY(make_folders(path));
    }
    if (open_folders_.size() >= max_open_folders) open_folders_.clear();
    auto shared = std::make_shared<const UniqueFd>(std::move(opened).value());
    open_folders_.insert_or_assign(path, shared);
    return shared;
}

Result<UniqueFd> Unpacker::make_folders(const std::string& path) {
    // At most path_depth levels: clean_path() has counted them.
    std::string parent_path = parent_of(path);
    UniqueFd parent;
    auto there = sys::open_beneath(root_, "/" + parent_path, O_PATH | O_DIRECTORY, sys::Links::in_root);
    if (there.ok())
        parent = std::move(there).value();
    else if (there.error().code() == ENOENT || there.error().code() == ENOTDIR)
        parent = TRY(make_folders(parent_path));
    else
        return std::move(there).error();
    TRY(make_missing_folder(parent, std::string(name_of(path)), path));
    return sys::open_beneath(root_, path, O_PATH | O_DIRECTORY, sys::Links::in_root);
}

Result<void> Unpacker::make_missing_folder(BorrowedFd parent, const std::string& name, const std::string& path) {
    auto made = sys::make_dir_at(parent, name, 0755);
    if (made.ok()) {
        TRY(sys::change_mode_at(parent, name, 0755)); // whatever the umask
        TRY(count_memory(sizeof(std::string) + path.size()));
        result_.implied_folders.push_back(path);
        return {};
    }
    if (made.error().code() != EEXIST) return made;
    struct stat st = TRY(sys::stat_at(parent, name));
    if (S_ISDIR(st.st_mode)) return {};
    if (!is_whiteout(st)) return refused(path, "it isn't a folder");
    TRY(sys::unlink_at(parent, name));
    TRY(sys::make_dir_at(parent, name, 0755));
    return sys::set_xattr_at(parent, name, opaque_attribute, "y");
}

namespace {

// The folder that containers see at path when they look through these layers.
Result<std::optional<struct stat>> folder_below(const std::vector<UniqueFd>& below, const std::string& path) {
    for (const UniqueFd& layer : below) {
        auto found = sys::open_beneath(layer, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, sys::Links::refused);
        if (found.ok()) {
            struct stat st = TRY(sys::stat_fd(*found));
            return std::optional(st);
        }
        if (found.error().code() != ENOENT) break; // hidden there, or no folder
    }
    return std::optional<struct stat>();
}

} // namespace

Result<void> inherit_settings(BorrowedFd root, const std::vector<std::string>& implied_folders,
                              const std::vector<std::string>& below) {
    if (implied_folders.empty()) return {};
    std::vector<UniqueFd> layers;
    for (const std::string& folder : below) {
        UniqueFd layer = TRY(sys::open(folder, O_PATH | O_DIRECTORY));
        layers.push_back(std::move(layer));
    }
    for (const std::string& path : implied_folders) {
        std::optional<struct stat> st = TRY(folder_below(layers, path));
        auto own = sys::open_beneath(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, sys::Links::refused);
        if (!st || !own.ok()) continue; // new in this layer, or replaced since
        TRY(sys::change_owner(*own, st->st_uid, st->st_gid));
        TRY(sys::change_mode(*own, st->st_mode & 07777));
        TRY(sys::set_mtime(*own, {st->st_mtim.tv_sec, static_cast<uint32_t>(st->st_mtim.tv_nsec)}));
    }
    return {};
}

} // namespace hull::store
