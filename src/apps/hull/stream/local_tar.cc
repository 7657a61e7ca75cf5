#include "apps/hull/stream/local_tar.h"

#include <algorithm>
#include <ranges>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "codec/tar_reader.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/resolve.h"
#include "sys/tree.h"

namespace hull::cli {

namespace {

std::optional<tar::Type> tar_type(mode_t mode) {
    if (S_ISREG(mode)) return tar::Type::file;
    if (S_ISDIR(mode)) return tar::Type::directory;
    if (S_ISLNK(mode)) return tar::Type::symlink;
    if (S_ISCHR(mode)) return tar::Type::char_device;
    if (S_ISBLK(mode)) return tar::Type::block_device;
    if (S_ISFIFO(mode)) return tar::Type::fifo;
    return std::nullopt;
}

// "./a//b/" -> a b. Errors: invalid_argument for "..".
Result<std::vector<std::string>> parts_of(std::string_view path) {
    std::vector<std::string> parts;
    for (auto part : std::views::split(path, '/')) {
        std::string text(part.begin(), part.end());
        if (text.empty() || text == ".") continue;
        if (text == "..")
            return Error(ErrorKind::invalid_argument, "the archive has a name with ..: " + std::string(path));
        parts.push_back(std::move(text));
    }
    return parts;
}

// One extraction into one folder.
class Extraction {
public:
    Extraction(BorrowedFd folder, std::optional<std::string> top, Owners owners)
        : folder_(folder), top_(std::move(top)), owners_(owners) {}

    Result<void> add(tar::Reader& reader, const tar::Entry& entry) {
        std::vector<std::string> parts = TRY(renamed(entry.path));
        if (parts.empty()) return note_folder(".", entry); // the folder itself
        std::string name = parts.back();
        parts.pop_back();
        UniqueFd dir = TRY(parent(parts));
        switch (entry.type) {
        case tar::Type::directory: return add_folder(dir, name, parts, entry);
        case tar::Type::file: return add_file(dir, name, reader, entry);
        case tar::Type::symlink:
            TRY(make_room(dir, name));
            TRY(sys::make_symlink_at(dir, name, entry.link_target));
            if (owners_ == Owners::kept) TRY(sys::change_owner_at(dir, name, entry.uid, entry.gid));
            return sys::set_mtime_at(dir, name, {entry.mtime, entry.mtime_ns});
        case tar::Type::hard_link: return add_link(dir, name, entry);
        default: {
            const mode_t kind = entry.type == tar::Type::fifo          ? S_IFIFO
                                : entry.type == tar::Type::char_device ? S_IFCHR
                                                                       : S_IFBLK;
            TRY(make_room(dir, name));
            TRY(sys::make_node_at(dir, name, kind | entry.mode, entry.device_major, entry.device_minor));
            return owners_ == Owners::kept ? sys::change_owner_at(dir, name, entry.uid, entry.gid) : Result<void>();
        }
        }
    }

    // Modes and times of folders come last: a read-only one couldn't be filled.
    Result<void> finish() {
        for (const auto& [path, entry] : std::views::reverse(folders_)) {
            UniqueFd dir = TRY(sys::open_beneath(folder_, path, O_RDONLY | O_DIRECTORY, sys::Links::refused));
            if (owners_ == Owners::kept) TRY(sys::change_owner(dir, entry.uid, entry.gid));
            TRY(sys::change_mode(dir, entry.mode));
            TRY(sys::set_mtime(dir, {entry.mtime, entry.mtime_ns}));
        }
        return {};
    }

private:
    // In terms of the folder: the archive's top is called otherwise.
    Result<std::vector<std::string>> renamed(const std::string& path) const {
        std::vector<std::string> parts = TRY(parts_of(path));
        const bool contents = path == "." || path.starts_with("./"); // of a folder asked for as "x/."
        if (!top_) return parts;
        if (!parts.empty() && !contents) parts.erase(parts.begin());
        if (!top_->empty() && *top_ != ".") parts.insert(parts.begin(), *top_);
        return parts;
    }
    Result<UniqueFd> parent(const std::vector<std::string>& parts) const {
        std::string path = ".";
        for (const std::string& part : parts) path += "/" + part;
        return sys::open_beneath(folder_, path, O_RDONLY | O_DIRECTORY, sys::Links::refused);
    }
    // What is there and no folder goes away.
    static Result<void> make_room(BorrowedFd dir, const std::string& name) {
        auto there = sys::stat_at(dir, name);
        if (!there.ok()) return {};
        if (S_ISDIR(there->st_mode))
            return Error(ErrorKind::conflict, "cannot overwrite directory \"" + name + "\" with non-directory");
        return sys::unlink_at(dir, name);
    }
    Result<void> note_folder(std::string path, const tar::Entry& entry) {
        if (path != ".") folders_.emplace_back(std::move(path), entry);
        return {};
    }
    Result<void> add_folder(BorrowedFd dir, const std::string& name, const std::vector<std::string>& parts,
                            const tar::Entry& entry) {
        auto made = sys::make_dir_at(dir, name, 0700);
        if (!made.ok()) {
            auto there = TRY(sys::stat_at(dir, name));
            if (!S_ISDIR(there.st_mode))
                return Error(ErrorKind::conflict, "cannot overwrite non-directory \"" + name + "\" with directory");
        }
        std::string path;
        for (const std::string& part : parts) path += part + "/";
        return note_folder(path + name, entry);
    }
    Result<void> add_file(BorrowedFd dir, const std::string& name, tar::Reader& reader, const tar::Entry& entry) {
        TRY(make_room(dir, name));
        UniqueFd file = TRY(sys::openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        uint64_t offset = 0;
        size_t segment = 0;
        uint64_t in_segment = 0;
        for (;;) {
            std::string_view data = TRY(reader.data());
            if (data.empty()) break;
            bytes_ += data.size();
            // Of a sparse file all segments come in one row.
            while (entry.sparse && !data.empty() && segment < entry.segments.size()) {
                const tar::Segment& one = entry.segments[segment];
                const auto n = static_cast<size_t>(std::min<uint64_t>(data.size(), one.length - in_segment));
                TRY(sys::write_all_at(file, data.substr(0, n), one.offset + in_segment));
                data.remove_prefix(n);
                in_segment += n;
                if (in_segment == one.length) ++segment, in_segment = 0;
            }
            if (entry.sparse) continue;
            TRY(sys::write_all_at(file, data, offset));
            offset += data.size();
        }
        if (entry.sparse) TRY(sys::truncate(file, entry.size));
        if (owners_ == Owners::kept) TRY(sys::change_owner(file, entry.uid, entry.gid));
        TRY(sys::change_mode(file, entry.mode));
        return sys::set_mtime(file, {entry.mtime, entry.mtime_ns});
    }
    Result<void> add_link(BorrowedFd dir, const std::string& name, const tar::Entry& entry) {
        std::vector<std::string> parts = TRY(renamed(entry.link_target));
        if (parts.empty())
            return Error(ErrorKind::invalid_argument, "the archive has a hard link to a folder: " + entry.path);
        std::string target = parts.back();
        parts.pop_back();
        UniqueFd from = TRY(parent(parts));
        TRY(make_room(dir, name));
        return sys::make_link_at(from, target, dir, name);
    }

    BorrowedFd folder_;
    std::optional<std::string> top_;
    Owners owners_;
    std::vector<std::pair<std::string, tar::Entry>> folders_;

public:
    uint64_t bytes_ = 0;
};

} // namespace

Result<size_t> LocalTar::read(std::span<char> into) {
    while (used_ == ready_.size()) {
        if (ended_) return size_t{0};
        TRY(more());
        ready_ = out_.take();
        out_ = TextSink();
        used_ = 0;
    }
    const size_t n = ready_.copy(into.data(), into.size(), used_);
    used_ += n;
    bytes_ += n;
    return n;
}

Result<void> LocalTar::more() {
    if (file_) {
        size_t n = TRY(sys::read(file_, std::span(buffer_).first(std::min<uint64_t>(buffer_.size(), left_))));
        if (n == 0) return Error(ErrorKind::conflict, path_ + " became shorter while it was read");
        TRY(writer_.data({buffer_.data(), n}));
        left_ -= n;
        if (left_ == 0) file_.reset();
        return {};
    }
    if (waiting_.empty()) {
        ended_ = true;
        return writer_.finish();
    }
    const Item item = std::move(waiting_.back());
    waiting_.pop_back();
    return begin(item);
}

Result<void> LocalTar::add_text(const Item& item) {
    tar::Entry entry;
    entry.type = tar::Type::file;
    entry.path = item.name;
    entry.mode = 0644;
    entry.size = item.text.size();
    TRY(writer_.add(entry));
    return item.text.empty() ? Result<void>() : writer_.data({item.text.data(), item.text.size()});
}

Result<void> LocalTar::begin(const Item& item) {
    if (item.path.empty()) return add_text(item);
    struct stat info = TRY(sys::lstat(item.path));
    const auto type = tar_type(info.st_mode);
    if (!type) return {};
    tar::Entry entry;
    entry.type = *type;
    entry.path = item.name;
    entry.mode = info.st_mode & 07777;
    entry.uid = info.st_uid;
    entry.gid = info.st_gid;
    entry.mtime = info.st_mtim.tv_sec;
    entry.mtime_ns = static_cast<uint32_t>(info.st_mtim.tv_nsec);
    if (*type == tar::Type::directory) {
        entry.path += "/";
        std::vector<std::string> names = TRY(sys::list_dir(item.path));
        std::ranges::sort(names, std::greater());
        for (const std::string& name : names) waiting_.push_back({item.path + "/" + name, item.name + "/" + name, {}});
    } else if (*type == tar::Type::symlink) {
        entry.link_target = TRY(sys::readlink(item.path));
    } else if (*type == tar::Type::file) {
        entry.size = static_cast<uint64_t>(info.st_size);
        if (entry.size > 0) file_ = TRY(sys::open(item.path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        left_ = entry.size;
        path_ = item.path;
    } else {
        entry.device_major = major(info.st_rdev);
        entry.device_minor = minor(info.st_rdev);
    }
    return writer_.add(entry);
}

Result<uint64_t> extract_tar(ByteSource& archive, BorrowedFd folder, const std::optional<std::string>& top,
                             Owners owners) {
    BufferedChunks chunks(archive);
    tar::Reader reader(chunks);
    Extraction extraction(folder, top, owners);
    tar::Entry entry;
    while (TRY(reader.next(entry))) TRY(extraction.add(reader, entry).context("extract " + entry.path));
    TRY(extraction.finish());
    TRY(reader.drain());
    return reader.position();
}

} // namespace hull::cli
