#include "store/tree_packer.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/sysmacros.h>

#include "store/whiteout.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/file_copy.h"
#include "sys/mount.h"
#include "sys/tree.h"

namespace hull::store {

namespace {

constexpr const char* capability = "security.capability";
constexpr size_t max_open_depth = 512;
constexpr size_t copy_bytes = size_t{256} << 10;

bool is_gone(const Error& error) { return error.code() == ENOENT || error.code() == ENOTDIR || error.code() == ELOOP; }

// File systems whose files are the kernel's words, not somebody's data.
bool is_made_up(uint64_t magic) {
    constexpr uint64_t mqueue = 0x19800202, fusectl = 0x65735543, configfs = 0x62656570, rpc = 0x67596969;
    constexpr auto all = std::to_array<uint64_t>(
        {PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, DEBUGFS_MAGIC,
         TRACEFS_MAGIC, SECURITYFS_MAGIC, BPF_FS_MAGIC, NSFS_MAGIC, mqueue, fusectl, configfs, rpc});
    return std::ranges::find(all, magic) != all.end();
}

struct Level {
    UniqueFd dir;
    std::string path; // with "/" at its end
    std::vector<std::string> names;
    size_t next = 0;
    dev_t device = 0;
};

// The parts of a file that has holes; nothing of one that hasn't, or has too many.
Result<std::vector<tar::Segment>> segments_of(BorrowedFd file, const struct stat& st) {
    constexpr uint64_t stat_block = 512;
    constexpr size_t most_segments = 100'000;
    std::vector<tar::Segment> segments;
    const auto length = static_cast<uint64_t>(st.st_size);
    if (static_cast<uint64_t>(st.st_blocks) * stat_block >= length) return segments;
    for (uint64_t at = 0; at < length;) {
        auto extent = TRY(sys::next_data(file, at));
        if (!extent || extent->offset >= length) break;
        if (segments.size() == most_segments) return std::vector<tar::Segment>();
        at = std::min(length, extent->offset + extent->length);
        segments.push_back({extent->offset, at - extent->offset});
    }
    if (segments.empty()) segments.push_back({length, 0}); // nothing but a hole
    return segments;
}

} // namespace

// struct vfs_cap_data: magic_etc, then permitted and inheritable, 32 bits each,
// twice; revision 3 adds the root id (linux/capability.h).
std::string plain_capability(std::string value) {
    constexpr size_t revision_2 = 20, revision_3 = 24;
    if (value.size() != revision_3) return value;
    value.resize(revision_2);
    value[3] = 2;
    return value;
}

std::string capability_of(std::string value, uint32_t root) {
    value = plain_capability(std::move(value));
    if (value.size() != 20 || root == 0) return value;
    value[3] = 3;
    for (int shift = 0; shift < 32; shift += 8) value.push_back(static_cast<char>(root >> shift & 0xff));
    return value;
}

Result<void> TreePacker::add_attributes(BorrowedFd dir, const std::string& name, tar::Entry& entry) const {
    std::vector<std::string> names = {capability};
    if (everything_) {
        auto all = sys::list_xattrs_at(dir, name);
        if (!all.ok()) return is_gone(all.error()) ? Result<void>{} : std::move(all).error();
        names = std::move(*all);
        std::ranges::sort(names);
    }
    for (const std::string& attribute : names) {
        auto value = sys::get_xattr_at(dir, name, attribute);
        if (!value.ok()) return is_gone(value.error()) ? Result<void>{} : std::move(value).error();
        if (!*value) continue;
        bool plain = attribute == capability;
        entry.xattrs.emplace_back(attribute, plain ? plain_capability(std::move(**value)) : std::move(**value));
    }
    return {};
}

// Exactly length bytes from where it stands; zeros when it was cut meanwhile.
Result<void> TreePacker::add_data(BorrowedFd file, uint64_t length) {
    buffer_.resize(copy_bytes);
    uint64_t left = length;
    while (left > 0) {
        size_t got = TRY(sys::read(file, std::span(buffer_).first(std::min<uint64_t>(left, buffer_.size()))));
        if (got == 0) break;
        TRY(writer_.data(std::string_view(buffer_).substr(0, got)));
        left -= got;
    }
    if (left > 0) std::ranges::fill(buffer_, '\0');
    for (; left > 0; left -= std::min<uint64_t>(left, buffer_.size()))
        TRY(writer_.data(std::string_view(buffer_).substr(0, std::min<uint64_t>(left, buffer_.size()))));
    return {};
}

Result<void> TreePacker::add_file(BorrowedFd dir, const std::string& name, tar::Entry& entry) {
    auto opened = sys::openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (!opened.ok()) return is_gone(opened.error()) ? Result<void>{} : std::move(opened).error();
    struct stat st = TRY(sys::stat_fd(*opened));
    if (!S_ISREG(st.st_mode)) return {}; // replaced since it was listed
    entry.size = static_cast<uint64_t>(st.st_size);
    if (everything_) entry.segments = TRY(segments_of(*opened, st));
    entry.sparse = !entry.segments.empty();
    TRY(writer_.add(entry));
    if (!entry.sparse) return add_data(*opened, entry.size);
    for (const tar::Segment& segment : entry.segments) {
        TRY(sys::seek_to(*opened, segment.offset));
        TRY(add_data(*opened, segment.length));
    }
    return {};
}

Result<void> TreePacker::add(BorrowedFd dir, const std::string& name, const std::string& path, const struct stat& st) {
    tar::Entry entry;
    entry.path = path;
    entry.mode = st.st_mode & 07777;
    entry.uid = ids_.users.inside(st.st_uid);
    entry.gid = ids_.groups.inside(st.st_gid);
    entry.mtime = st.st_mtim.tv_sec;
    if (everything_) entry.mtime_ns = static_cast<uint32_t>(st.st_mtim.tv_nsec);
    if (S_ISSOCK(st.st_mode)) return {};
    if (!S_ISDIR(st.st_mode) && st.st_nlink > 1) {
        auto [first, fresh] = linked_.try_emplace({st.st_dev, st.st_ino}, path);
        if (!fresh) {
            entry.type = tar::Type::hard_link;
            entry.link_target = first->second;
            return writer_.add(entry);
        }
    }
    if (!S_ISLNK(st.st_mode)) TRY(add_attributes(dir, name, entry));
    if (S_ISREG(st.st_mode)) return add_file(dir, name, entry);
    if (S_ISDIR(st.st_mode)) {
        entry.type = tar::Type::directory;
        if (!path.ends_with('/')) entry.path += '/';
    } else if (S_ISLNK(st.st_mode)) {
        entry.type = tar::Type::symlink;
        auto target = sys::read_link_at(dir, name);
        if (!target.ok()) return {}; // replaced since it was listed
        entry.link_target = std::move(*target);
    } else if (S_ISFIFO(st.st_mode)) {
        entry.type = tar::Type::fifo;
    } else {
        entry.type = S_ISBLK(st.st_mode) ? tar::Type::block_device : tar::Type::char_device;
        entry.device_major = major(st.st_rdev);
        entry.device_minor = minor(st.st_rdev);
    }
    return writer_.add(entry);
}

Result<void> TreePacker::add_whiteout(const std::string& path) {
    size_t name = path.rfind('/') + 1; // npos + 1 is 0
    tar::Entry entry;
    entry.path = path.substr(0, name) + ".wh." + path.substr(name);
    return writer_.add(entry);
}

Result<void> pack_tree(TreePacker& packer, BorrowedFd dir, const std::string& name, const std::string& path,
                       const PackOptions& options) {
    struct stat top = TRY(sys::stat_at(dir, name));
    if (!S_ISDIR(top.st_mode)) return packer.add(dir, name, path, top);
    std::vector<Level> levels;
    // Opens a folder whose entry has been written.
    auto enter = [&](BorrowedFd parent, const std::string& child, std::string child_path) -> Result<void> {
        if (levels.size() >= max_open_depth) return Error(ErrorKind::too_large, "folders are nested too deeply");
        auto opened = sys::openat(parent, child, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (!opened.ok()) return is_gone(opened.error()) ? Result<void>{} : std::move(opened).error();
        struct stat st = TRY(sys::stat_fd(*opened));
        bool mounted = !levels.empty() && st.st_dev != levels.back().device;
        if (mounted && is_made_up(TRY(sys::filesystem_magic(*opened)))) return {};
        if (mounted && levels.size() == 1 && child == options.leave_empty) return {};
        if (!child_path.ends_with('/')) child_path += '/';
        auto names = TRY(sys::names_in(*opened));
        levels.push_back({std::move(*opened), std::move(child_path), std::move(names), 0, st.st_dev});
        return {};
    };
    TRY(packer.add(dir, name, path, top));
    TRY(enter(dir, name, path));
    while (!levels.empty()) {
        Level& level = levels.back();
        if (level.next == level.names.size()) {
            levels.pop_back();
            continue;
        }
        std::string child = std::move(level.names[level.next++]);
        auto st = sys::stat_at(level.dir, child);
        if (!st.ok()) {
            if (is_gone(st.error())) continue;
            return std::move(st).error().context(level.path);
        }
        std::string child_path = level.path + child;
        TRY(packer.add(level.dir, child, child_path, *st).context(child_path));
        // A copy: entering moves the levels.
        BorrowedFd parent = level.dir;
        if (S_ISDIR(st->st_mode)) TRY(enter(parent, child, std::move(child_path)));
    }
    return {};
}

} // namespace hull::store
