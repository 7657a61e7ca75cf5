#include "sys/mount_staged.h"

#include <array>
#include <charconv>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sys/abi.h"
#include "sys/file.h"
#include "sys/own_proc.h"
#include "sys/resolve.h"

namespace hull::sys::staged {

namespace {

// ---- mount(2) on descriptors -------------------------------------------------

// Runs call with the working folder in self/fd of own_proc(): there the name of
// a descriptor's number leads to exactly what it refers to.
template <class F>
Result<void> by_numbers(const char* what, F&& call) {
    BorrowedFd proc = own_proc();
    if (!proc) return Error(ErrorKind::unsupported, std::string(what) + ": /proc of the host is not mounted");
    UniqueFd before(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    UniqueFd numbers(::openat(proc.get(), "self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!before || !numbers || ::fchdir(numbers.get()) != 0) return Error::from_errno(what, "/proc/self/fd");
    int result = call();
    int code = errno;
    if (::fchdir(before.get()) != 0) return Error::from_errno("fchdir");
    if (result != 0) return Error::from_errno(what, code);
    return {};
}

std::string number(BorrowedFd fd) { return std::to_string(fd.get()); }

Result<void> mount_on(BorrowedFd target, const char* source, const char* type, unsigned long flags, const char* data) {
    std::string at = number(target);
    return by_numbers("mount", [&] { return ::mount(source, at.c_str(), type, flags, data); });
}

Result<void> mount_from(BorrowedFd source, BorrowedFd target, unsigned long flags) {
    std::string from = number(source);
    return mount_on(target, from.c_str(), nullptr, flags, nullptr);
}

// ---- the stage ---------------------------------------------------------------

int stage_fd = -1; // its root, for this process's life
bool prepared = false;

// The name on the stage of the mount that was last given out as this descriptor.
std::vector<std::string>& names() {
    static std::vector<std::string> of_fd;
    return of_fd;
}

void remember(int fd, const std::string& name) {
    auto index = static_cast<size_t>(fd);
    if (names().size() <= index) names().resize(index + 1);
    names()[index] = name;
}

// "/.." leads to what is mounted over "/".
UniqueFd open_over_root() { return UniqueFd(::open("/..", O_PATH | O_DIRECTORY | O_CLOEXEC)); }

Result<void> build_stage() {
    if (::mount("hull", "/", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=1m") != 0)
        return Error::from_errno("mount", "the stage");
    UniqueFd root = open_over_root();
    struct statfs info{};
    if (!root || ::fstatfs(root.get(), &info) != 0) return Error::from_errno("open", "the stage");
    if (info.f_type != TMPFS_MAGIC) return Error(ErrorKind::internal, "the stage for mounts is not over \"/\"");
    stage_fd = root.release();
    return {};
}

enum class Shape : unsigned char { folder, file };

struct Place {
    std::string name;
    UniqueFd fd; // not yet mounted on
};

// A new, empty place on the stage. Its name is never used again.
Result<Place> new_place(Shape shape) {
    if (stage_fd < 0) return Error(ErrorKind::internal, "a mount was asked for before prepare_for_mounts()");
    static unsigned count = 0;
    Place place{std::to_string(::getpid()) + "-" + std::to_string(++count), {}};
    if (shape == Shape::folder) {
        if (::mkdirat(stage_fd, place.name.c_str(), 0755) != 0) return Error::from_errno("mkdir", "on the stage");
    } else {
        UniqueFd file(::openat(stage_fd, place.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
        if (!file) return Error::from_errno("create", "on the stage");
    }
    place.fd.reset(::openat(stage_fd, place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!place.fd) return Error::from_errno("open", "on the stage");
    return place;
}

Result<UniqueFd> mounted_at(const Place& place) {
    UniqueFd root(::openat(stage_fd, place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!root) return Error::from_errno("open", "on the stage");
    if (TRY(mount_id(root)) == TRY(mount_id(place.fd)))
        return Error(ErrorKind::internal, "what was mounted is not on the stage");
    remember(root.get(), place.name);
    return root;
}

Result<Shape> shape_of(BorrowedFd fd) {
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return Error::from_errno("fstat");
    return S_ISDIR(info.st_mode) ? Shape::folder : Shape::file;
}

// The same file in this mount namespace: a descriptor that was opened in another
// one can't be mounted from.
Result<UniqueFd> reopen_here(BorrowedFd source) {
    std::string path = TRY(path_of(source));
    UniqueFd here(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat theirs{};
    struct stat ours{};
    if (!here || ::fstat(source.get(), &theirs) != 0 || ::fstat(here.get(), &ours) != 0)
        return Error::from_errno("open", path);
    if (theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino)
        return Error(ErrorKind::conflict, "open " + path + ": something else is there now");
    return here;
}

Result<UniqueFd> bind_on_stage(BorrowedFd source, unsigned long flags) {
    Place place = TRY(new_place(TRY(shape_of(source))));
    TRY(mount_from(source, place.fd, flags));
    return mounted_at(place);
}

// ---- attributes --------------------------------------------------------------

struct Bit {
    uint64_t attribute;  // MOUNT_ATTR_*
    unsigned long flag;  // MS_*
    unsigned long shown; // ST_* of statvfs(3)
};
constexpr unsigned long ms_nosymfollow = 256; // Linux 5.10
constexpr unsigned long st_nosymfollow = 0x2000;
constexpr std::array bits{
    Bit{MOUNT_ATTR_RDONLY, MS_RDONLY, ST_RDONLY},
    Bit{MOUNT_ATTR_NOSUID, MS_NOSUID, ST_NOSUID},
    Bit{MOUNT_ATTR_NODEV, MS_NODEV, ST_NODEV},
    Bit{MOUNT_ATTR_NOEXEC, MS_NOEXEC, ST_NOEXEC},
    Bit{MOUNT_ATTR_NODIRATIME, MS_NODIRATIME, ST_NODIRATIME},
    Bit{MOUNT_ATTR_NOSYMFOLLOW, ms_nosymfollow, st_nosymfollow},
};

unsigned long atime_flag(uint64_t attribute) {
    if (attribute == MOUNT_ATTR_NOATIME) return MS_NOATIME;
    return attribute == MOUNT_ATTR_STRICTATIME ? MS_STRICTATIME : MS_RELATIME;
}

// A remount replaces all flags: those it has, with the change.
Result<unsigned long> changed_flags(BorrowedFd mount, const MountAttributes& change) {
    struct statvfs now{};
    if (::fstatvfs(mount.get(), &now) != 0) return Error::from_errno("fstatvfs");
    unsigned long flags = 0;
    for (const Bit& bit : bits) {
        bool on = (now.f_flag & bit.shown && !(change.clear & bit.attribute)) || change.set & bit.attribute;
        if (on) flags |= bit.flag;
    }
    if (change.clear & MOUNT_ATTR__ATIME || change.set & MOUNT_ATTR__ATIME)
        flags |= atime_flag(change.set & MOUNT_ATTR__ATIME);
    else
        flags |= now.f_flag & ST_NOATIME ? MS_NOATIME : now.f_flag & ST_RELATIME ? MS_RELATIME : MS_STRICTATIME;
    return flags;
}

unsigned long flags_of(uint64_t attributes) {
    unsigned long flags = atime_flag(attributes & MOUNT_ATTR__ATIME);
    for (const Bit& bit : bits)
        if (attributes & bit.attribute) flags |= bit.flag;
    return flags;
}

Result<void> change_one(BorrowedFd mount, const MountAttributes& change) {
    return mount_on(mount, "none", nullptr, MS_REMOUNT | MS_BIND | TRY(changed_flags(mount, change)), nullptr);
}

// ---- mounts below a mount ----------------------------------------------------

struct Line {
    int id = 0, parent = 0;
    std::string point;
};

std::string_view take_word(std::string_view& text) {
    size_t space = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, space);
    text.remove_prefix(std::min(text.size(), space + 1));
    return word;
}

// Space, tab, newline and backslash are written as \ooo.
std::string unescape(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        unsigned value = 0;
        bool escape = text[i] == '\\' && i + 3 < text.size() &&
                      std::from_chars(text.data() + i + 1, text.data() + i + 4, value, 8).ptr == text.data() + i + 4;
        out.push_back(escape ? static_cast<char>(value) : text[i]);
        if (escape) i += 3;
    }
    return out;
}

// "36 35 98:0 /mnt1 /mnt2 rw ...": id, parent, device, root, mount point.
std::vector<Line> parse(std::string_view table) {
    std::vector<Line> lines;
    while (!table.empty()) {
        size_t end = std::min(table.find('\n'), table.size());
        std::string_view text = table.substr(0, end);
        table.remove_prefix(std::min(table.size(), end + 1));
        Line line;
        std::string_view id = take_word(text);
        std::string_view parent = take_word(text);
        std::from_chars(id.data(), id.data() + id.size(), line.id);
        std::from_chars(parent.data(), parent.data() + parent.size(), line.parent);
        take_word(text);
        take_word(text);
        line.point = unescape(take_word(text));
        lines.push_back(std::move(line));
    }
    return lines;
}

Result<void> change_below(BorrowedFd mount, const Line& at, const std::vector<Line>& table,
                          const MountAttributes& change) {
    for (const Line& line : table) {
        if (line.parent != at.id || line.id == at.id) continue;
        std::string relative = line.point.substr(std::min(at.point.size(), line.point.size()));
        auto below = open_beneath(mount, relative.empty() ? "." : relative, O_PATH, Links::refused);
        // Changed it has to be, or who takes the upper one off finds it as it was.
        if (!below.ok() || TRY(mount_id(*below)) != line.id)
            return Error(ErrorKind::unsupported, "the mount on " + line.point +
                                                     " is hidden by another one: to change it takes mount_setattr "
                                                     "(Linux 5.12)");
        TRY(change_one(*below, change).context(line.point));
        TRY(change_below(*below, line, table, change));
    }
    return {};
}

Result<void> change_all(BorrowedFd mount, const MountAttributes& change) {
    TRY(change_one(mount, change));
    std::vector<Line> table = parse(TRY(read_file_at(own_proc(), "self/mountinfo", size_t{64} << 20)));
    int id = TRY(mount_id(mount));
    for (const Line& line : table)
        if (line.id == id) return change_below(mount, line, table, change);
    return Error(ErrorKind::internal, "a mount is not in the mount table");
}

} // namespace

Result<void> prepare(unsigned long propagation) {
    if (prepared) return {};
    if (::unshare(CLONE_NEWNS) != 0) return Error::from_errno("unshare", "mount namespace");
    // Before all else, so that nothing of this shows outside.
    if (::mount("none", "/", nullptr, propagation, nullptr) != 0) return Error::from_errno("mount", "/");
    TRY(build_stage());
    prepared = true;
    return {};
}

Result<UniqueFd> clone_tree(BorrowedFd dir, const std::string& path, Depth depth) {
    UniqueFd opened;
    BorrowedFd source = dir;
    if (!path.empty()) {
        opened.reset(::openat(dir ? dir.get() : AT_FDCWD, path.c_str(), O_PATH | O_CLOEXEC));
        if (!opened) return Error::from_errno("open", path);
        source = opened;
    }
    unsigned long flags = MS_BIND | (depth == Depth::all_below ? MS_REC : 0);
    auto made = bind_on_stage(source, flags);
    if (made.ok() || made.error().code() != EINVAL) return made;
    auto here = reopen_here(source);
    if (!here.ok()) return made;
    return bind_on_stage(*here, flags);
}

Result<void> set_attributes(BorrowedFd mount, const std::string& path, Depth depth, const MountAttributes& change) {
    if (change.user_ns)
        return Error(ErrorKind::unsupported, "id-mapped mounts need mount_setattr (Linux 5.12), which this kernel or "
                                             "the sandbox around it doesn't have");
    UniqueFd opened;
    if (!path.empty()) {
        opened.reset(::openat(mount ? mount.get() : AT_FDCWD, path.c_str(), O_PATH | O_CLOEXEC));
        if (!opened) return Error::from_errno("open", path);
        mount = opened;
    }
    if (change.propagation)
        TRY(mount_on(mount, "none", nullptr, change.propagation | (depth == Depth::all_below ? MS_REC : 0), nullptr));
    if (!change.set && !change.clear) return {};
    return depth == Depth::all_below ? change_all(mount, change) : change_one(mount, change);
}

Result<void> attach(BorrowedFd mount, BorrowedFd target) { return mount_from(mount, target, MS_MOVE); }
Result<void> bind(BorrowedFd source, BorrowedFd target) { return mount_from(source, target, MS_BIND); }

// In the new namespace the same mounts are there, as copies that are locked to
// where they are when a user namespace was entered too. Copies of the copies are
// not.
Result<void> carry_over(std::span<UniqueFd* const> mounts) {
    UniqueFd old = open_over_root();
    if (!old) return Error::from_errno("open", "the stage");
    TRY(build_stage());
    for (UniqueFd* mount : mounts) {
        // By name: what the descriptors refer to is gone with the namespace.
        const std::string name = names().at(static_cast<size_t>(mount->get()));
        UniqueFd copy(::openat(old.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!copy) return Error::from_errno("open", "on the stage");
        *mount = TRY(bind_on_stage(copy, MS_BIND | MS_REC));
    }
    return {};
}

// The old root, with the stage that lies over it, goes to a folder of a tmpfs
// over the new root, and away with that: neither could be taken off by itself
// when it is locked.
Result<void> change_root(BorrowedFd new_root) {
    UniqueFd old_root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!old_root) return Error::from_errno("open", "/");
    UniqueFd shelf = TRY(make("tmpfs", {"hull", "mode=700,size=64k", 0}, 0));
    if (::mkdirat(shelf.get(), "old", 0700) != 0) return Error::from_errno("mkdir", "for the old root");
    UniqueFd put_old(::openat(shelf.get(), "old", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!put_old) return Error::from_errno("open", "for the old root");
    TRY(attach(shelf, new_root));
    std::string to = number(new_root);
    std::string from = number(put_old);
    TRY(by_numbers("pivot_root",
                   [&] { return static_cast<int>(::syscall(SYS_pivot_root, to.c_str(), from.c_str())); }));
    // Or taking it off would take off what the host has.
    TRY(mount_on(old_root, "none", nullptr, MS_REC | MS_PRIVATE, nullptr).context("part from the host"));
    stage_fd = -1;
    if (::fchdir(new_root.get()) != 0) return Error::from_errno("fchdir");
    return unmount_lazily(".");
}

void add_flag(StagedFilesystem& request, const std::string& key) {
    struct Known {
        std::string_view key;
        unsigned long flag;
    };
    static constexpr std::array known{Known{"ro", MS_RDONLY},       Known{"sync", MS_SYNCHRONOUS},
                                      Known{"dirsync", MS_DIRSYNC}, Known{"lazytime", MS_LAZYTIME},
                                      Known{"mand", MS_MANDLOCK},   Known{"iversion", MS_I_VERSION}};
    for (const Known& each : known)
        if (each.key == key) {
            request.flags |= each.flag;
            return;
        }
    if (!request.data.empty()) request.data.push_back(',');
    request.data.append(key);
}

void add_string(StagedFilesystem& request, const std::string& key, const std::string& value) {
    if (key == "source")
        request.source = value;
    else
        add_flag(request, key + "=" + value);
}

Result<UniqueFd> make(const std::string& type, const StagedFilesystem& request, uint64_t attributes) {
    constexpr size_t page = 4096;
    if (request.data.size() >= page)
        return Error(ErrorKind::too_large, "mount " + type + ": more options than this kernel takes");
    const char* source = request.source.empty() ? "none" : request.source.c_str();
    // Read-only is said of the mount alone, afterwards: in mount(2) it would be
    // of the file system, which others may share.
    unsigned long flags = request.flags | (flags_of(attributes) & ~static_cast<unsigned long>(MS_RDONLY));
    Place place = TRY(new_place(Shape::folder));
    auto made = mount_on(place.fd, source, type.c_str(), flags, request.data.c_str());
    // A user namespace whose host has this one read-only must ask for it so.
    if (!made.ok() && made.error().code() == EPERM && attributes & MOUNT_ATTR_RDONLY)
        made = mount_on(place.fd, source, type.c_str(), flags | MS_RDONLY, request.data.c_str());
    if (!made.ok() && made.error().code() == ENODEV)
        return Error(ErrorKind::unsupported, "this kernel has no file system " + type);
    TRY(std::move(made).context(type));
    UniqueFd root = TRY(mounted_at(place));
    if (attributes & MOUNT_ATTR_RDONLY) TRY(change_one(root, {.set = MOUNT_ATTR_RDONLY}));
    return root;
}

} // namespace hull::sys::staged
