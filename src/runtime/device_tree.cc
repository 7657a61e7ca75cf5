#include "runtime/device_tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "kernel/devices.h"
#include "runtime/id_map.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/process.h"
#include "sys/resolve.h"
#include "sys/tree.h"

namespace hull::runtime {

namespace {

constexpr std::string_view dev_prefix = "/dev/";

mode_t type_bits(char type) { return type == 'b' ? S_IFBLK : type == 'p' ? S_IFIFO : S_IFCHR; }

Result<void> make_device(BorrowedFd folder, const std::string& name, const DevicePlan& device, const Plan& plan) {
    TRY(sys::make_node_at(folder, name, type_bits(device.type) | device.mode, device.major, device.minor));
    // The file system identity makes it root's, of the container, already.
    if (device.uid == 0 && device.gid == 0) return {};
    auto uid = to_outside(plan.uid_map, device.uid);
    auto gid = to_outside(plan.gid_map, device.gid);
    if (!uid || !gid)
        return Error(ErrorKind::invalid_argument,
                     "device " + device.path + ": its owner is not in the container's user namespace");
    TRY(sys::change_owner_at(folder, name, *uid, *gid));
    // The change of owner may have cleared bits of it.
    return sys::change_mode_at(folder, name, device.mode);
}

} // namespace

bool is_in_dev(const DevicePlan& device) { return device.path.starts_with(dev_prefix); }

Result<UniqueFd> make_dev(const Plan& plan, const MountPlan& mount, const Ownership& owner) {
    auto identity = TRY(FilesystemIdentity::assume(owner.root_uid, owner.root_gid));
    mode_t umask = sys::set_umask(0);
    auto fill = [&]() -> Result<UniqueFd> {
        auto tmpfs = TRY(sys::NewFilesystem::open("tmpfs"));
        TRY(tmpfs.string("source", "tmpfs"));
        TRY(tmpfs.options(mount.data));
        UniqueFd dev = TRY(tmpfs.mount(mount.attr_set & ~uint64_t{MOUNT_ATTR_RDONLY}));
        for (const auto& device : plan.devices) {
            if (!is_in_dev(device)) continue;
            std::string name = device.path.substr(dev_prefix.size());
            size_t slash = name.rfind('/');
            if (slash == name.npos) {
                TRY(make_device(dev, name, device, plan));
                continue;
            }
            UniqueFd folder = TRY(sys::make_folders_beneath(dev, name.substr(0, slash), 0755));
            TRY(make_device(folder, name.substr(slash + 1), device, plan));
        }
        if (plan.default_dev_links)
            for (const auto& link : kernel::default_device_links())
                TRY(sys::make_symlink_at(dev, std::string(link.name), std::string(link.target)));
        return dev;
    };
    auto made = fill();
    sys::set_umask(umask);
    return made;
}

Result<UniqueFd> make_device_shelf(const Plan& plan, bool dev_has_its_own, const Ownership& owner) {
    UniqueFd shelf;
    auto identity = TRY(FilesystemIdentity::assume(owner.root_uid, owner.root_gid));
    mode_t umask = sys::set_umask(0);
    auto fill = [&]() -> Result<void> {
        for (size_t i = 0; i < plan.devices.size(); ++i) {
            if (dev_has_its_own && is_in_dev(plan.devices[i])) continue;
            if (!shelf) {
                auto tmpfs = TRY(sys::NewFilesystem::open("tmpfs"));
                TRY(tmpfs.options("source=tmpfs,mode=755,size=64k"));
                shelf = TRY(tmpfs.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
            }
            TRY(make_device(shelf, std::to_string(i), plan.devices[i], plan));
        }
        return {};
    };
    auto filled = fill();
    sys::set_umask(umask);
    TRY(std::move(filled));
    return shelf;
}

} // namespace hull::runtime
