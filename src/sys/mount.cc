#include "sys/mount.h"

#include <array>
#include <charconv>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sys/abi.h"
#include "sys/file.h"
#include "sys/kernel_calls.h"
#include "sys/mount_staged.h"
#include "sys/own_proc.h"
#include "sys/process.h"
#include "sys/retry.h"

namespace hull::sys {

MountWay mount_way() { return kernel_has(Call::detached_mounts) ? MountWay::detached : MountWay::staged; }

namespace {

bool is_staged() { return mount_way() == MountWay::staged; }

} // namespace

Result<void> prepare_for_mounts(unsigned long propagation) {
    return is_staged() ? staged::prepare(propagation) : Result<void>();
}

Result<void> carry_mounts_over(std::span<UniqueFd* const> mounts) {
    return is_staged() ? staged::carry_over(mounts) : Result<void>();
}

Result<void> change_staged_root(BorrowedFd new_root) { return staged::change_root(new_root); }

Result<UniqueFd> clone_tree(BorrowedFd dir, const std::string& path, Depth depth) {
    if (is_staged()) return staged::clone_tree(dir, path, depth);
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    if (path.empty()) flags |= AT_EMPTY_PATH;
    if (depth == Depth::all_below) flags |= abi::at_recursive;
    int fd = ::open_tree(dir ? dir.get() : AT_FDCWD, path.c_str(), flags);
    if (fd < 0) return Error::from_errno("open_tree", path);
    return UniqueFd(fd);
}

Result<void> set_mount_attributes(BorrowedFd mount, const std::string& path, Depth depth,
                                  const MountAttributes& attributes) {
    if (is_staged()) return staged::set_attributes(mount, path, depth, attributes);
    struct mount_attr attr{};
    attr.attr_set = attributes.set;
    attr.attr_clr = attributes.clear;
    attr.propagation = attributes.propagation;
    if (attributes.user_ns) {
        attr.attr_set |= MOUNT_ATTR_IDMAP;
        attr.userns_fd = static_cast<uint64_t>(attributes.user_ns.get());
    }
    unsigned flags = path.empty() ? AT_EMPTY_PATH : 0;
    if (depth == Depth::all_below) flags |= abi::at_recursive;
    if (::mount_setattr(mount ? mount.get() : AT_FDCWD, path.c_str(), flags, &attr, sizeof attr) != 0)
        return path.empty() ? Error::from_errno("mount_setattr") : Error::from_errno("mount_setattr", path);
    return {};
}

Result<void> bind_mount(BorrowedFd source, BorrowedFd target) {
    if (is_staged()) return staged::bind(source, target);
    UniqueFd tree = TRY(clone_tree(source, "", Depth::one));
    return attach_mount(tree, target);
}

Result<void> attach_mount(BorrowedFd mount, BorrowedFd target) {
    if (is_staged()) return staged::attach(mount, target);
    if (::move_mount(mount.get(), "", target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
        return Error::from_errno("move_mount");
    return {};
}

Result<void> attach_mount(BorrowedFd mount, const std::string& path) {
    if (is_staged()) {
        UniqueFd target = TRY(open(path, O_PATH));
        return staged::attach(mount, target).context(path);
    }
    if (::move_mount(mount.get(), "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
        return Error::from_errno("move_mount", path);
    return {};
}

Result<NewFilesystem> NewFilesystem::open(const std::string& type) {
    if (is_staged()) return NewFilesystem({}, type);
    int fd = ::fsopen(type.c_str(), FSOPEN_CLOEXEC);
    if (fd < 0) {
        if (errno == ENODEV) return Error(ErrorKind::unsupported, "this kernel has no file system " + type);
        return Error::from_errno("fsopen", type);
    }
    return NewFilesystem(UniqueFd(fd), type);
}

// The kernel queues messages ("e overlay: ...") on the context descriptor.
Error NewFilesystem::explain(const char* syscall, const std::string& what, int code) const {
    std::string object = type_;
    if (!what.empty()) object.append(" ").append(what);
    Error error = Error::from_errno(syscall, object, code);
    std::array<char, 512> line{};
    ssize_t n = ::read(context_.get(), line.data(), line.size());
    if (n <= 2) return error;
    std::string_view text(line.data() + 2, static_cast<size_t>(n) - 2);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.remove_suffix(1);
    Error explained(error.kind(), error.message() + " (" + std::string(text) + ")");
    return std::move(explained).with_code(code);
}

Result<void> NewFilesystem::flag(const std::string& key) {
    if (!context_) {
        staged::add_flag(request_, key);
        return {};
    }
    if (::fsconfig(context_.get(), FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0) != 0)
        return explain("fsconfig", key, errno);
    return {};
}

Result<void> NewFilesystem::string(const std::string& key, const std::string& value) {
    if (!context_) {
        staged::add_string(request_, key, value);
        return {};
    }
    if (::fsconfig(context_.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) != 0)
        return explain("fsconfig", key + "=" + value, errno);
    return {};
}

Result<void> NewFilesystem::fd(const std::string& key, BorrowedFd value) {
    if (!context_) return Error::from_errno("fsconfig", type_ + " " + key, ENOSYS);
    if (::fsconfig(context_.get(), FSCONFIG_SET_FD, key.c_str(), nullptr, value.get()) != 0)
        return explain("fsconfig", key, errno);
    return {};
}

Result<void> NewFilesystem::options(const std::string& comma_separated) {
    std::string_view rest = comma_separated;
    while (!rest.empty()) {
        size_t comma = rest.find(',');
        std::string part(rest.substr(0, comma));
        rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
        if (part.empty()) continue;
        size_t equals = part.find('=');
        if (equals == part.npos)
            TRY(flag(part));
        else
            TRY(string(part.substr(0, equals), part.substr(equals + 1)));
    }
    return {};
}

Result<UniqueFd> NewFilesystem::mount(uint64_t attributes) {
    if (!context_) return staged::make(type_, request_, attributes);
    if (::fsconfig(context_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
        return explain("fsconfig create", "", errno);
    int fd = ::fsmount(context_.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes));
    if (fd < 0) return explain("fsmount", "", errno);
    return UniqueFd(fd);
}

Result<NewFilesystem> NewFilesystem::pick(BorrowedFd mount) {
    int fd = ::fspick(mount.get(), "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);
    if (fd < 0) return Error::from_errno("fspick");
    return NewFilesystem(UniqueFd(fd), "remount");
}

Result<void> NewFilesystem::reconfigure() {
    if (::fsconfig(context_.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) != 0)
        return explain("fsconfig reconfigure", "", errno);
    return {};
}

Result<void> mount_filesystem(const std::string& type, const std::string& target, const std::string& options) {
    constexpr size_t page = 4096;
    if (options.size() >= page)
        return Error(ErrorKind::too_large, "mount " + type + ": more options than this kernel takes (4096 bytes)");
    if (::mount(type.c_str(), target.c_str(), type.c_str(), 0, options.c_str()) != 0)
        return Error::from_errno("mount", type + " on " + target);
    return {};
}

Result<void> mount_device(const std::string& device, const std::string& target, const std::string& type,
                          unsigned long flags, const std::string& data) {
    if (::mount(device.c_str(), target.c_str(), type.c_str(), flags, data.empty() ? nullptr : data.c_str()) != 0)
        return Error::from_errno("mount", device + " on " + target);
    return {};
}

Result<void> pivot_root(const std::string& new_root, const std::string& put_old) {
    if (::syscall(SYS_pivot_root, new_root.c_str(), put_old.c_str()) != 0)
        return Error::from_errno("pivot_root", new_root);
    return {};
}

Result<void> unmount_lazily(const std::string& path) {
    if (::umount2(path.c_str(), MNT_DETACH) != 0) return Error::from_errno("umount2", path);
    return {};
}

Result<void> unmount_lazily(BorrowedFd folder) {
    TRY(fchdir(folder));
    TRY(unmount_lazily("."));
    return chdir("/");
}

Result<void> mount_propagation(const std::string& path, unsigned long flags) {
    if (::mount("none", path.c_str(), nullptr, flags, nullptr) != 0) return Error::from_errno("mount", path);
    return {};
}

namespace {

// "mnt_id:\t30\n" among the lines of /proc/self/fdinfo/<fd>.
Result<int> mount_id_by_proc(BorrowedFd fd) {
    BorrowedFd proc = own_proc();
    if (!proc) return Error(ErrorKind::unsupported, "statx is missing here, and there is no procfs");
    std::string text = TRY(read_file_at(proc, "self/fdinfo/" + std::to_string(fd.get()), 65536));
    constexpr std::string_view key = "mnt_id:\t";
    size_t at = text.find(key);
    int id = 0;
    if (at == text.npos) return Error(ErrorKind::unsupported, "this kernel doesn't tell mount ids");
    std::from_chars(text.data() + at + key.size(), text.data() + text.size(), id);
    return id;
}

} // namespace

Result<uint64_t> mount_attributes(BorrowedFd fd) {
    struct statvfs info{};
    if (retry([&] { return ::fstatvfs(fd.get(), &info); }) != 0) return Error::from_errno("fstatvfs");
    uint64_t attributes = 0;
    auto take = [&](unsigned long flag, uint64_t attribute) {
        if (info.f_flag & flag) attributes |= attribute;
    };
    take(ST_RDONLY, MOUNT_ATTR_RDONLY);
    take(ST_NOSUID, MOUNT_ATTR_NOSUID);
    take(ST_NODEV, MOUNT_ATTR_NODEV);
    take(ST_NOEXEC, MOUNT_ATTR_NOEXEC);
    take(ST_NOATIME, MOUNT_ATTR_NOATIME);
    take(ST_NODIRATIME, MOUNT_ATTR_NODIRATIME);
    return attributes;
}

Result<int> mount_id(BorrowedFd fd) {
    if (!kernel_has(Call::statx)) return mount_id_by_proc(fd);
    struct statx info{};
    if (::statx(fd.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &info) != 0) return Error::from_errno("statx");
    if (!(info.stx_mask & STATX_MNT_ID)) return Error(ErrorKind::unsupported, "this kernel doesn't tell mount ids");
    return static_cast<int>(info.stx_mnt_id);
}

Result<uint64_t> filesystem_magic(BorrowedFd fd) {
    struct statfs info{};
    if (retry([&] { return ::fstatfs(fd.get(), &info); }) != 0) return Error::from_errno("fstatfs");
    return static_cast<uint64_t>(info.f_type);
}

} // namespace hull::sys
