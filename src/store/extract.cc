#include "store/extract.h"

#include <algorithm>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include "codec/compress/compress.h"
#include "codec/tar_reader.h"
#include "store/tree_packer.h"
#include "store/unpack.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/resolve.h"
#include "sys/tree.h"

namespace hull::store {

namespace {

constexpr size_t max_folders = 1'000'000; // whose times are set at the end

std::string quoted(const std::string& text) { return "\"" + text.substr(0, 1024) + "\""; }

// Names that lead nowhere, or that no file system takes, are the archive's fault.
Error blame_archive(Error error) {
    switch (error.code()) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EISDIR:
    case EXDEV:
    case EINVAL: return std::move(error).with_kind(ErrorKind::invalid_argument);
    default: return error;
    }
}

struct Target {
    UniqueFd* dir;
    std::string name;
    std::string path; // absolute in the tree, for messages
};

class Extractor {
public:
    Extractor(BorrowedFd root, std::string folder, const ExtractOptions& options)
        : root_(root), folder_(folder == "/" ? std::string() : std::move(folder)), options_(options) {}

    Result<void> run(tar::Reader& reader) {
        tar::Entry entry;
        for (;;) {
            bool more = TRY(reader.next(entry));
            if (!more) break;
            auto extracted = extract(entry, reader);
            if (!extracted.ok()) return blame_archive(std::move(extracted).error());
        }
        return settle_times();
    }

private:
    // Below the folder, without "." and "..".
    Result<std::string> place_of(const std::string& path) const {
        auto clean = clean_path(path, budget_);
        if (!clean.ok() && clean.error().kind() == ErrorKind::invalid_argument && path.find('\0') == path.npos)
            return Error(ErrorKind::invalid_argument,
                         quoted(path) + " is outside of " + quoted(folder_.empty() ? "/" : folder_));
        return clean;
    }

    Result<void> extract(const tar::Entry& entry, tar::Reader& reader);
    Result<void> make(const tar::Entry& entry, const Target& target, tar::Reader& reader, bool there);
    Result<UniqueFd*> parent(const std::string& path);
    Result<bool> make_way(const tar::Entry& entry, const Target& target);
    Result<void> make_file(const tar::Entry& entry, const Target& target, tar::Reader& reader);
    Result<void> write_contents(const tar::Entry& entry, BorrowedFd file, tar::Reader& reader) const;
    Result<void> make_hard_link(const tar::Entry& entry, const Target& target);
    Result<void> set_attributes(const tar::Entry& entry, BorrowedFd file) const;
    Result<void> settle_folder(const tar::Entry& entry, BorrowedFd folder, const std::string& path);
    Result<Owner> owner_of(const tar::Entry& entry) const;
    Result<void> settle_times();

    BorrowedFd root_;
    std::string folder_; // "" is the root
    const ExtractOptions& options_;
    Budget budget_; // of paths
    std::string open_path_ = "\0";
    UniqueFd open_dir_; // the last entry's folder
    struct FolderTime {
        std::string path;
        sys::Timestamp mtime;
    };
    std::vector<FolderTime> times_;
};

// The folder that holds path, made when it is missing.
Result<UniqueFd*> Extractor::parent(const std::string& path) {
    size_t slash = path.rfind('/');
    std::string above = folder_ + (slash == path.npos ? std::string() : "/" + path.substr(0, slash));
    if (above.empty()) above = "/";
    if (!open_dir_ || above != open_path_) {
        open_dir_ = TRY(sys::make_folders_beneath(root_, above, 0755));
        open_path_ = std::move(above);
    }
    return &open_dir_;
}

Result<void> Extractor::extract(const tar::Entry& entry, tar::Reader& reader) {
    std::string path = TRY(place_of(entry.path));
    if (path.empty()) { // the folder itself, which stays as it is
        if (!options_.everything || entry.type != tar::Type::directory) return {};
        const std::string itself = folder_.empty() ? "/" : folder_;
        UniqueFd top = TRY(sys::open_beneath(root_, itself, O_RDONLY | O_DIRECTORY, sys::Links::in_root));
        return settle_folder(entry, top, itself);
    }
    size_t slash = path.rfind('/');
    Target target{TRY(parent(path)), path.substr(slash + 1), folder_ + "/" + path};
    bool there = TRY(make_way(entry, target));
    return make(entry, target, reader, there).context([&] { return target.path.substr(0, 1024); });
}

// True: a folder stands there, and the entry is one.
Result<bool> Extractor::make_way(const tar::Entry& entry, const Target& target) {
    auto st = sys::stat_at(*target.dir, target.name);
    if (!st.ok()) {
        if (st.error().code() == ENOENT) return false;
        return std::move(st).error();
    }
    bool folder = entry.type == tar::Type::directory, stands_folder = S_ISDIR(st->st_mode);
    if (folder && stands_folder) return true;
    const std::string into = quoted(folder_.empty() ? "/" : folder_);
    if (options_.keep_kinds && stands_folder)
        return Error(ErrorKind::invalid_argument,
                     "cannot overwrite directory " + quoted(target.path) + " with non-directory " + into);
    if (options_.keep_kinds && folder)
        return Error(ErrorKind::invalid_argument,
                     "cannot overwrite non-directory " + quoted(target.path) + " with directory " + into);
    TRY(sys::remove_tree_at(*target.dir, target.name));
    return false;
}

Result<Owner> Extractor::owner_of(const tar::Entry& entry) const {
    Owner wanted = options_.owner.value_or(Owner{entry.uid, entry.gid});
    auto uid = options_.ids.users.outside(wanted.uid), gid = options_.ids.groups.outside(wanted.gid);
    if (!uid || !gid)
        return Error(ErrorKind::invalid_argument,
                     "owner " + std::to_string(wanted.uid) + ":" + std::to_string(wanted.gid) +
                         " is not among the container's ids (it has " + std::to_string(options_.ids.users.count) +
                         "): copy it with another owner, or run the container with --userns=host");
    return Owner{*uid, *gid};
}

Result<void> Extractor::make(const tar::Entry& entry, const Target& target, tar::Reader& reader, bool there) {
    const Owner owner = TRY(owner_of(entry));
    const sys::Timestamp mtime{entry.mtime, entry.mtime_ns};
    switch (entry.type) {
    case tar::Type::hard_link: return make_hard_link(entry, target);
    case tar::Type::file: return make_file(entry, target, reader);
    case tar::Type::directory: {
        if (!there) TRY(sys::make_dir_at(*target.dir, target.name, 0755));
        UniqueFd made = TRY(sys::openat(*target.dir, target.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        return settle_folder(entry, made, target.path);
    }
    case tar::Type::symlink:
        if (entry.link_target.empty() || entry.link_target.find('\0') != std::string::npos)
            return Error(ErrorKind::invalid_argument,
                         "invalid symlink " + quoted(target.path) + " -> " + quoted(entry.link_target.c_str()));
        TRY(sys::make_symlink_at(*target.dir, target.name, entry.link_target));
        break;
    case tar::Type::char_device:
    case tar::Type::block_device:
    case tar::Type::fifo: {
        mode_t type = entry.type == tar::Type::char_device    ? S_IFCHR
                      : entry.type == tar::Type::block_device ? S_IFBLK
                                                              : S_IFIFO;
        // What overlayfs takes for "nothing is here" is nothing that a copy makes.
        if (type == S_IFCHR && entry.device_major == 0 && entry.device_minor == 0)
            return Error(ErrorKind::invalid_argument, "a device with the number 0");
        TRY(sys::make_node_at(*target.dir, target.name, type | 0600, entry.device_major, entry.device_minor));
        break;
    }
    }
    TRY(sys::change_owner_at(*target.dir, target.name, owner.uid, owner.gid));
    if (entry.type != tar::Type::symlink) TRY(sys::change_mode_at(*target.dir, target.name, entry.mode));
    return sys::set_mtime_at(*target.dir, target.name, mtime);
}

Result<void> Extractor::set_attributes(const tar::Entry& entry, BorrowedFd file) const {
    for (const auto& [attribute, value] : entry.xattrs) {
        if (attribute == "security.capability")
            TRY(sys::set_xattr(file, attribute, capability_of(value, options_.ids.users.outside(0).value_or(0))));
        else if (options_.everything && belongs_to_layer(attribute))
            TRY(sys::set_xattr(file, attribute, value));
    }
    return {};
}

Result<void> Extractor::settle_folder(const tar::Entry& entry, BorrowedFd folder, const std::string& path) {
    const Owner owner = TRY(owner_of(entry));
    TRY(sys::change_owner(folder, owner.uid, owner.gid));
    TRY(sys::change_mode(folder, entry.mode));
    if (options_.everything) TRY(set_attributes(entry, folder));
    if (times_.size() == max_folders) return Error(ErrorKind::too_large, "the archive has too many folders");
    times_.push_back({path, {entry.mtime, entry.mtime_ns}});
    return {};
}

Result<void> Extractor::make_file(const tar::Entry& entry, const Target& target, tar::Reader& reader) {
    const Owner owner = TRY(owner_of(entry));
    UniqueFd file =
        TRY(sys::openat(*target.dir, target.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK, 0600));
    auto fill = [&]() -> Result<void> {
        TRY(write_contents(entry, file, reader));
        // This order: chown clears set-uid bits and capabilities, and both the time.
        TRY(sys::change_owner(file, owner.uid, owner.gid));
        TRY(sys::change_mode(file, entry.mode));
        TRY(set_attributes(entry, file));
        return sys::set_mtime(file, {entry.mtime, entry.mtime_ns});
    };
    auto filled = fill();
    if (!filled.ok()) (void)sys::unlink_at(*target.dir, target.name).ok();
    return filled;
}

Result<void> Extractor::write_contents(const tar::Entry& entry, BorrowedFd file, tar::Reader& reader) const {
    size_t segment = 0;
    uint64_t offset = entry.sparse && !entry.segments.empty() ? entry.segments[0].offset : 0;
    for (;;) {
        std::string_view piece = TRY(reader.data());
        if (piece.empty()) break;
        while (!piece.empty()) {
            std::string_view now = piece;
            if (entry.sparse) { // data follows segment by segment; the reader has checked the sum
                uint64_t end = entry.segments[segment].offset + entry.segments[segment].length;
                now = piece.substr(0, static_cast<size_t>(std::min<uint64_t>(piece.size(), end - offset)));
            }
            TRY(sys::write_all_at(file, now, offset));
            offset += now.size();
            piece.remove_prefix(now.size());
            if (entry.sparse && offset == entry.segments[segment].offset + entry.segments[segment].length &&
                segment + 1 < entry.segments.size())
                offset = entry.segments[++segment].offset;
        }
    }
    if (entry.sparse) TRY(sys::truncate(file, entry.size));
    return {};
}

Result<void> Extractor::make_hard_link(const tar::Entry& entry, const Target& target) {
    auto bad = [&] {
        return Error(ErrorKind::invalid_argument,
                     "invalid hardlink " + quoted(target.path) + " -> " + quoted(entry.link_target));
    };
    auto clean = clean_path(entry.link_target, budget_);
    if (!clean.ok() || clean->empty()) return bad();
    size_t slash = clean->rfind('/');
    std::string above = folder_ + "/" + (slash == clean->npos ? std::string() : clean->substr(0, slash));
    auto from = sys::open_beneath(root_, above, O_PATH | O_DIRECTORY, sys::Links::in_root);
    if (!from.ok()) return bad();
    return sys::make_link_at(*from, clean->substr(slash + 1), *target.dir, target.name);
}

// Filling a folder changes its time. Innermost first doesn't matter: setting a
// time doesn't change that of the folder above.
Result<void> Extractor::settle_times() {
    for (const FolderTime& one : times_) {
        auto dir = sys::open_beneath(root_, one.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, sys::Links::in_root);
        if (dir.ok()) TRY(sys::set_mtime(*dir, one.mtime)); // else a later entry replaced it
    }
    return {};
}

} // namespace

Result<void> extract_tar(ByteSource& stream, BorrowedFd root, const std::string& folder,
                         const ExtractOptions& options) {
    auto plain = TRY(decompress(stream));
    BufferedChunks chunks(*plain);
    tar::Reader reader(chunks);
    Extractor extractor(root, folder, options);
    TRY(extractor.run(reader));
    return reader.drain();
}

} // namespace hull::store
