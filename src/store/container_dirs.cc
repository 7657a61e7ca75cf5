#include "store/container_dirs.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/random.h"
#include "store/disk_image.h"
#include "sys/file.h"

namespace hull::store {
namespace {

constexpr const char* kTrash = "/.trash";
constexpr const char *kDisk = "/disk", *kDiskImage = "/disk.img";

Result<void> make_base(const std::string& base) {
    TRY(sys::mkdir_parents(base + "/etc", 0755));
    TRY(sys::open(base + "/.dockerenv", O_WRONLY | O_CREAT, 0755));
    if (::symlink("/proc/mounts", (base + "/etc/mtab").c_str()) != 0 && errno != EEXIST)
        return Error::from_errno("symlink", base + "/etc/mtab");
    return {};
}

} // namespace

Result<std::unique_ptr<ContainerDirs>> ContainerDirs::open(const std::string& data_root) {
    std::unique_ptr<ContainerDirs> dirs(new ContainerDirs(data_root + "/containers"));
    TRY(sys::mkdir_parents(dirs->root_ + kTrash, 0700).context("container folders"));
    TRY(make_base(dirs->base()).context("base layer of containers"));
    // After a boot nothing is mounted. One that can't be mounted keeps no other away.
    for (const ContainerId& id : TRY(dirs->list()))
        if (dirs->has_disk(id))
            if (auto mounted = dirs->mount_disk(id); !mounted.ok())
                log::error("writable layer of container " + id.str(), mounted.error());
    return dirs;
}

Result<void> ContainerDirs::create(const ContainerId& id, const std::vector<std::string>& volumes, uint64_t limit) {
    std::string dir = path(id);
    TRY(sys::mkdir(dir, 0700).context("container folder"));
    auto fill = [&]() -> Result<void> {
        if (limit > 0) TRY(make_disk(id, limit));
        // The container's root folder shows upper's own mode.
        TRY(sys::mkdir(writable(id) + "/upper", 0755));
        TRY(failpoint("container.half_made"));
        TRY(sys::mkdir(writable(id) + "/work", 0700));
        if (!volumes.empty()) TRY(sys::mkdir(dir + "/volumes", 0755));
        for (const std::string& name : volumes) TRY(sys::mkdir(dir + "/volumes/" + name, 0755));
        return {};
    };
    auto filled = fill();
    if (!filled.ok()) {
        (void)unmount_disk(id);
        (void)sys::remove_tree(dir);
        return std::move(filled).error().context("container folder");
    }
    return {};
}

std::string ContainerDirs::writable(const ContainerId& id) const {
    std::string dir = path(id), disk = dir + kDisk;
    return sys::exists(disk) ? disk : dir;
}

bool ContainerDirs::has_disk(const ContainerId& id) const { return sys::exists(path(id) + kDiskImage); }

Result<void> ContainerDirs::make_disk(const ContainerId& id, uint64_t bytes) {
    TRY(make_disk_image(path(id) + kDiskImage, bytes));
    TRY(sys::mkdir(path(id) + kDisk, 0700));
    return mount_disk(id);
}

Result<void> ContainerDirs::mount_disk(const ContainerId& id) {
    const std::string disk = path(id) + kDisk;
    if (TRY(is_mount_point(disk, path(id)))) return {};
    return mount_disk_image(path(id) + kDiskImage, disk);
}

Result<void> ContainerDirs::unmount_disk(const ContainerId& id) {
    return has_disk(id) ? unmount_all(path(id) + kDisk, path(id)) : Result<void>{};
}

Result<void> ContainerDirs::renew_work(const ContainerId& id) {
    TRY(sys::remove_tree(writable(id) + "/work").context("container folder"));
    return sys::mkdir(writable(id) + "/work", 0700).context("container folder");
}

Result<void> ContainerDirs::renew(const ContainerId& id) {
    TRY(sys::mkdir(writable(id) + "/upper", 0755).context("container folder"));
    return renew_work(id);
}

Result<void> ContainerDirs::remove(const ContainerId& id) {
    TRY(failpoint("container.removing"));
    sizes_.forget(writable(id) + "/upper");
    TRY(unmount_disk(id));
    auto moved = sys::rename(path(id), root_ + kTrash + "/" + id.str() + "-" + random_hex(8));
    if (!moved.ok() && moved.error().kind() == ErrorKind::not_found) return {};
    return std::move(moved).context("remove container folder");
}

Result<void> ContainerDirs::empty_trash(const std::atomic<bool>* stop) {
    for (const std::string& name : TRY(sys::list_dir(root_ + kTrash)))
        TRY(sys::remove_tree(root_ + kTrash + "/" + name, stop).context("remove container folder"));
    return {};
}

Result<std::vector<ContainerId>> ContainerDirs::list() const {
    std::vector<ContainerId> ids;
    for (std::string& name : TRY(sys::list_dir(root_)))
        if (name.size() == 64) ids.emplace_back(std::move(name));
    return ids;
}

Result<void> ContainerDirs::write_file(const ContainerId& id, const std::string& name, std::string_view text) const {
    return sys::replace_file(path(id) + "/" + name, text, 0644);
}

Result<int64_t> ContainerDirs::writable_size(const ContainerId& id) const {
    return sizes_.bytes(writable(id) + "/upper");
}

} // namespace hull::store
