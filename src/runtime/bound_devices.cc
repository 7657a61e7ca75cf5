#include "runtime/bound_devices.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel/devices.h"
#include "runtime/device_tree.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/process.h"
#include "sys/resolve.h"
#include "sys/tree.h"

namespace hull::runtime {

namespace {

std::string device_text(const DevicePlan& device) {
    return std::string(1, device.type) + " " + std::to_string(device.major) + ":" + std::to_string(device.minor);
}

bool is_the_same(const DevicePlan& device, const struct stat& info) {
    bool same_type = device.type == 'b' ? S_ISBLK(info.st_mode) : S_ISCHR(info.st_mode);
    return same_type && info.st_rdev == makedev(device.major, device.minor);
}

// A copy of the mount of the host's node of the same path.
Result<UniqueFd> host_node(const DevicePlan& device) {
    if (device.type == 'p')
        return Error(ErrorKind::unsupported, "device " + device.path + ": a fifo can only be made below /dev");
    auto node = sys::open(device.path, O_PATH | O_NOFOLLOW);
    if (node.ok() && is_the_same(device, TRY(sys::stat_fd(*node))))
        return sys::clone_tree(*node, "", sys::Depth::one).context("device " + device.path);
    if (!node.ok() && node.error().code() != ENOENT) return std::move(node).error().context("device " + device.path);
    return Error(ErrorKind::unsupported, "device " + device.path +
                                             ": making a node needs privileges on the host, and "
                                             "the host has none that is " +
                                             device_text(device) + " at this path to be bound");
}

struct Place {
    UniqueFd made; // the folder below dev, when there is one
    BorrowedFd folder;
    std::string name;
};

Result<Place> place_below(BorrowedFd dev, const std::string& below) {
    size_t slash = below.rfind('/');
    if (slash == below.npos) return Place{{}, dev, below};
    UniqueFd folder = TRY(sys::make_folders_beneath(dev, below.substr(0, slash), 0755));
    BorrowedFd borrowed = folder;
    return Place{std::move(folder), borrowed, below.substr(slash + 1)};
}

Result<void> add_node(const DevicePlan& device, PreparedMount& dev) {
    std::string below = device.path.substr(std::string_view("/dev/").size());
    Place place = TRY(place_below(dev.tree, below));
    if (device.type == 'p') {
        TRY(sys::make_node_at(place.folder, place.name, S_IFIFO | device.mode, 0, 0));
        return sys::change_owner_at(place.folder, place.name, device.uid, device.gid);
    }
    UniqueFd node = TRY(host_node(device));
    TRY(sys::openat(place.folder, place.name, O_WRONLY | O_CREAT | O_EXCL, 0600));
    dev.parts.push_back({below, std::move(node)});
    return {};
}

Result<PreparedMount> fill_dev(const Plan& plan, const MountPlan& mount) {
    auto tmpfs = TRY(sys::NewFilesystem::open("tmpfs"));
    TRY(tmpfs.string("source", "tmpfs"));
    TRY(tmpfs.options(mount.data));
    PreparedMount dev;
    dev.tree = TRY(tmpfs.mount(mount.attr_set & ~uint64_t{MOUNT_ATTR_RDONLY}));
    for (const auto& device : plan.devices)
        if (is_in_dev(device)) TRY(add_node(device, dev));
    if (!plan.default_dev_links) return dev;
    for (const auto& link : kernel::default_device_links())
        TRY(sys::make_symlink_at(dev.tree, std::string(link.name), std::string(link.target)));
    return dev;
}

} // namespace

Result<PreparedMount> make_dev_of_bound(const Plan& plan, const MountPlan& mount) {
    mode_t umask = sys::set_umask(0);
    auto made = fill_dev(plan, mount);
    sys::set_umask(umask);
    return made;
}

Result<std::vector<BoundDevice>> bind_other_devices(const Plan& plan, bool dev_has_its_own) {
    std::vector<BoundDevice> bound;
    for (const auto& device : plan.devices) {
        if (dev_has_its_own && is_in_dev(device)) continue;
        bound.push_back({device.path, TRY(host_node(device))});
    }
    return bound;
}

} // namespace hull::runtime
