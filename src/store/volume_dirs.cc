#include "store/volume_dirs.h"

#include <string_view>

#include <fcntl.h>
#include <sys/mount.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/random.h"
#include "store/disk_image.h"
#include "store/volume_seed.h"
#include "sys/file.h"
#include "sys/file_copy.h"
#include "sys/mount.h"
#include "sys/resolve.h"

namespace hull::store {
namespace {

constexpr const char* kVolumeTrash = "/.trash";
constexpr const char* kSeedDir = "/.seed";
constexpr const char* kMakingDir = "/.making";
constexpr mode_t kDataMode = 0755;

struct VolumeFlag {
    std::string_view name;
    unsigned long set, clear;
};
constexpr VolumeFlag kVolumeFlags[] = {
    {"defaults", 0, 0},
    {"ro", MS_RDONLY, 0},
    {"rw", 0, MS_RDONLY},
    {"suid", 0, MS_NOSUID},
    {"nosuid", MS_NOSUID, 0},
    {"dev", 0, MS_NODEV},
    {"nodev", MS_NODEV, 0},
    {"exec", 0, MS_NOEXEC},
    {"noexec", MS_NOEXEC, 0},
    {"sync", MS_SYNCHRONOUS, 0},
    {"async", 0, MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC, 0},
    {"remount", MS_REMOUNT, 0},
    {"mand", MS_MANDLOCK, 0},
    {"nomand", 0, MS_MANDLOCK},
    {"atime", 0, MS_NOATIME},
    {"noatime", MS_NOATIME, 0},
    {"diratime", 0, MS_NODIRATIME},
    {"nodiratime", MS_NODIRATIME, 0},
    {"bind", MS_BIND, 0},
    {"rbind", MS_BIND | MS_REC, 0},
    {"relatime", MS_RELATIME, 0},
    {"norelatime", 0, MS_RELATIME},
    {"strictatime", MS_STRICTATIME, 0},
    {"nostrictatime", 0, MS_STRICTATIME},
};

struct ParsedOptions {
    unsigned long flags = 0;
    std::string data;
};

ParsedOptions parse_volume_flags(std::string_view options) {
    ParsedOptions out;
    while (!options.empty()) {
        size_t comma = options.find(',');
        std::string_view one = options.substr(0, comma);
        options = comma == std::string_view::npos ? std::string_view() : options.substr(comma + 1);
        if (one.empty()) continue;
        bool known = false;
        for (const VolumeFlag& flag : kVolumeFlags) {
            if (flag.name != one) continue;
            out.flags = (out.flags | flag.set) & ~flag.clear;
            known = true;
        }
        if (known) continue;
        if (!out.data.empty()) out.data += ',';
        out.data += one;
    }
    return out;
}

Result<bool> is_empty_folder(const std::string& path) {
    auto names = TRY(sys::list_dir(path));
    // What mkfs makes doesn't count.
    return names.empty() || (names.size() == 1 && names[0] == "lost+found");
}

} // namespace

Result<std::unique_ptr<VolumeDirs>> VolumeDirs::open(const std::string& data_root) {
    std::unique_ptr<VolumeDirs> dirs(new VolumeDirs(data_root + "/volumes"));
    // Containers' users may look through it at what is mounted, nobody else gets past the data root.
    TRY(sys::mkdir_parents(dirs->root_ + kVolumeTrash, 0701).context("volume folders"));
    for (const std::string& name : TRY(sys::list_dir(dirs->root_ + kVolumeTrash)))
        TRY(sys::remove_tree(dirs->root_ + kVolumeTrash + "/" + name).context("remove volume folder"));
    TRY(sys::mkdir_parents(dirs->root_ + kMakingDir, 0700).context("volume folders"));
    for (const std::string& name : TRY(sys::list_dir(dirs->root_ + kMakingDir)))
        TRY(dirs->discard(dirs->root_ + kMakingDir + "/" + name).context("remove half-made volume"));
    for (const std::string& name : TRY(dirs->list())) {
        TRY(sys::remove_tree(dirs->root_ + "/" + name + kSeedDir).context("remove half-copied volume"));
        // After a boot nothing is mounted. One that can't be mounted keeps no other away.
        if (auto mounted = dirs->mount(name, {}); !mounted.ok()) log::error("volume " + name, mounted.error());
    }
    return dirs;
}

Result<void> VolumeDirs::create(const std::string& name, uint64_t limit) {
    if (limit > 0 && !exists(name)) return adopt_as(TRY(stage(limit)), name);
    TRY(sys::mkdir_parents(path(name), kDataMode).context("volume folder"));
    TRY(failpoint("volume.made"));
    return sys::chmod(root_ + "/" + name, 0701).context("volume folder");
}

Result<void> VolumeDirs::remove(const std::string& name) {
    sizes_.forget(path(name));
    TRY(unmount(name));
    const std::string trash = root_ + kVolumeTrash + "/" + random_hex(16);
    auto moved = sys::rename(root_ + "/" + name, trash);
    if (!moved.ok() && moved.error().kind() == ErrorKind::not_found) return {};
    TRY(std::move(moved).context("remove volume folder"));
    auto emptied = failpoint("volume.removing");
    if (emptied.ok()) emptied = sys::remove_tree(trash);
    // It is gone all the same; the next start empties the trash.
    if (!emptied.ok()) log::warning("remove volume folder " + trash, emptied.error());
    return {};
}

Result<std::vector<std::string>> VolumeDirs::list() const {
    std::vector<std::string> names;
    for (std::string& name : TRY(sys::list_dir(root_)))
        if (!name.starts_with('.')) names.push_back(std::move(name));
    return names;
}

Result<uint64_t> VolumeDirs::limit(const std::string& name) const {
    auto file = sys::stat(image(name));
    if (!file.ok() && file.error().kind() == ErrorKind::not_found) return uint64_t{0};
    return static_cast<uint64_t>(TRY(std::move(file)).st_size);
}

Result<void> VolumeDirs::grow(const std::string& name, uint64_t limit, Use use) {
    TRY(mount(name, {}));
    auto grown = grow_disk_image(image(name), path(name), limit);
    if (!grown.ok() && grown.error().kind() == ErrorKind::forbidden && use == Use::idle) {
        TRY(unmount(name));
        grown = grow_idle_disk_image(image(name), limit);
        TRY(mount(name, {}));
    }
    return std::move(grown).context("volume " + name);
}

Result<void> VolumeDirs::seed(const std::string& name, const std::vector<std::string>& lower, const std::string& inside,
                              bool in_use) {
    const std::string data = path(name);
    if (!TRY(is_empty_folder(data))) return {};
    if (in_use || TRY(is_mounted(name))) return seed_volume(lower, inside, data);
    const std::string half = root_ + "/" + name + kSeedDir;
    TRY(sys::remove_tree(half));
    TRY(sys::mkdir(half, kDataMode));
    auto filled = seed_volume(lower, inside, half);
    if (filled.ok()) filled = failpoint("volume.seeded");
    if (filled.ok()) filled = sys::rename(half, data);
    if (!filled.ok()) (void)sys::remove_tree(half);
    return filled;
}

Result<bool> VolumeDirs::is_empty(const std::string& name) const { return is_empty_folder(path(name)); }

bool VolumeDirs::exists(const std::string& name) const { return sys::exists(path(name)); }

bool VolumeDirs::half_seeded(const std::string& name) const { return sys::exists(root_ + "/" + name + kSeedDir); }

Result<void> VolumeDirs::remove_half_seeded(const std::string& name) {
    return sys::remove_tree(root_ + "/" + name + kSeedDir);
}

Result<bool> VolumeDirs::is_mounted(const std::string& name) const {
    return is_mount_point(path(name), root_ + "/" + name);
}

Result<void> VolumeDirs::mount(const std::string& name, const VolumeMount& what) {
    const std::string target = path(name);
    const bool disk = sys::exists(image(name));
    if ((what.empty() && !disk) || TRY(is_mounted(name))) return {};
    if (disk) return mount_disk_image(image(name), target).context("failed to mount local volume");
    ParsedOptions options = parse_volume_flags(what.options);
    const std::string type = what.type.empty() ? "none" : what.type;
    auto done = sys::mount_device(what.device, target, type, options.flags, options.data);
    // A bind mount takes its other flags from a second call.
    constexpr unsigned long plain = MS_BIND | MS_REC;
    if (done.ok() && (options.flags & MS_BIND) && (options.flags & ~plain)) {
        done = sys::mount_device(what.device, target, type, (options.flags & ~MS_REC) | MS_REMOUNT, "");
        if (!done.ok()) (void)sys::unmount_lazily(target);
    }
    return std::move(done).context("failed to mount local volume");
}

Result<void> VolumeDirs::unmount(const std::string& name) { return unmount_all(path(name), root_ + "/" + name); }

Result<UniqueFd> VolumeDirs::open_below(const std::string& name, const std::string& subpath) const {
    return open_place(path(name), subpath);
}

Result<UniqueFd> open_place(const std::string& folder, const std::string& subpath) {
    UniqueFd root = TRY(sys::open(folder, O_PATH | O_DIRECTORY));
    if (subpath.empty()) return root;
    return sys::open_beneath(root, subpath, O_PATH, sys::Links::in_root);
}

Result<void> seed_empty_folder(const std::string& folder, const std::vector<std::string>& lower,
                               const std::string& inside) {
    if (!TRY(is_empty_folder(folder))) return {};
    return seed_volume(lower, inside, folder);
}

Result<int64_t> VolumeDirs::size(const std::string& name) const {
    if (sys::exists(image(name)) && TRY(is_mounted(name))) {
        UniqueFd data = TRY(sys::open(path(name), O_PATH | O_DIRECTORY));
        return static_cast<int64_t>(TRY(sys::disk_use(data)).used);
    }
    return sizes_.bytes(path(name));
}

} // namespace hull::store
