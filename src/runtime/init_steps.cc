#include "runtime/init_steps.h"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel/emulation.h"
#include "kernel/locked_flags.h"
#include "runtime/compile_parts.h"
#include "runtime/copy_up.h"
#include "runtime/device_tree.h"
#include "runtime/hooks.h"
#include "runtime/host_steps.h"
#include "runtime/root_steps.h"
#include "sys/file.h"
#include "sys/loopback.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/nonblocking.h"
#include "sys/process.h"
#include "sys/resolve.h"
#include "sys/tree.h"

namespace hull::runtime {

namespace {

constexpr uint64_t proc_magic = 0x9fa0;

using Mode = NamespaceUse::Mode;

bool is_kernel_view(const MountPlan& plan) {
    return plan.kind == MountPlan::Kind::filesystem && (plan.fs_type == "proc" || plan.fs_type == "sysfs");
}

Result<void> finish_namespaces(Launching& l) {
    TRY(sys::set_not_dumpable());
    for (const auto& late : l.late_limits) TRY(sys::write_all(late.file, late.value).context("set a late limit"));
    l.late_limits.clear();
    // On v2 init is born in its cgroup, and only now is that the one its own
    // namespace begins at.
    if (l.cgroup && l.fresh & CLONE_NEWCGROUP) TRY(sys::unshare(CLONE_NEWCGROUP));
    if (!l.plan.hostname.empty()) TRY(sys::set_hostname(l.plan.hostname));
    if (!l.plan.domainname.empty()) TRY(sys::set_domainname(l.plan.domainname));
    if (l.plan.ns.net.mode == Mode::fresh) TRY(sys::raise_loopback());
    if (sys::mount_way() == sys::MountWay::staged) return take_staged_mounts(l);
    // Nothing mounted or unmounted from here on shows on the host.
    return is_own_tree(l) ? sys::mount_propagation("/", MS_REC | MS_PRIVATE) : Result<void>();
}

// In a user namespace a new one of these takes a namespace that belongs to it:
// where the container uses the host's, the host's own mount shows the same.
struct HostView {
    std::string_view fs_type;
    const char* path;
    NamespaceUse Namespaces::* shared;
};
constexpr std::array<HostView, 3> host_views{{
    {"proc", "/proc", &Namespaces::pid},
    {"sysfs", "/sys", &Namespaces::net},
    {"mqueue", "/dev/mqueue", &Namespaces::ipc},
}};

Result<UniqueFd> copy_of_host_view(const Launching& l, const MountPlan& plan, Error refused) {
    auto view = std::ranges::find(host_views, plan.fs_type, &HostView::fs_type);
    if (view == host_views.end() || refused.code() != EPERM) return refused;
    if ((l.plan.ns.*view->shared).mode == Mode::host) {
        auto shown = sys::clone_tree({}, view->path, sys::Depth::all_below);
        if (!shown.ok() && shown.error().code() == ENOENT)
            return std::move(refused).context("a new " + plan.fs_type +
                                              " belongs to the namespace that is shared with "
                                              "the host, which has none at " +
                                              view->path);
        UniqueFd copy = TRY(std::move(shown));
        TRY(kernel::change_mount(copy, sys::Depth::one, {.set = plan.attr_set, .propagation = MS_PRIVATE}));
        return copy;
    }
    if (plan.fs_type != "proc") return refused;
    return std::move(refused).context("a new procfs is refused where parts of the one outside are covered by mounts "
                                      "(run the outer container without masked paths)");
}

// A tmpfs has the mode of the folder that it hides, where the image has one and nothing else was asked for.
Result<void> take_mode(const Launching& l, const MountPlan& plan, sys::NewFilesystem& fs) {
    if (plan.fs_type != "tmpfs" || !l.rootfs.mount || ("," + plan.data).find(",mode=") != std::string::npos) return {};
    auto hidden = sys::open_beneath(l.rootfs.mount, plan.target, O_PATH | O_DIRECTORY, sys::Links::in_root);
    if (!hidden.ok()) return {};
    const mode_t mode = TRY(sys::stat_fd(*hidden)).st_mode;
    std::string octal;
    for (int shift : {9, 6, 3, 0}) octal += static_cast<char>('0' + (mode >> shift & 7));
    return fs.string("mode", octal);
}

// proc and sysfs are allowed in a user namespace only as long as the host's
// own can be seen, that is before pivot_root. The rest is as good here as later.
Result<void> make_filesystems(Launching& l) {
    for (size_t i = 0; i < l.plan.mounts.size(); ++i) {
        const MountPlan& plan = l.plan.mounts[i];
        if (plan.kind != MountPlan::Kind::filesystem) continue;
        auto make = [&]() -> Result<UniqueFd> {
            auto fs = TRY(sys::NewFilesystem::open(plan.fs_type));
            if (!plan.source.empty()) TRY(fs.string("source", plan.source));
            TRY(fs.options(plan.data));
            TRY(take_mode(l, plan, fs));
            if (!l.plan.mount_label.empty() && !is_kernel_view(plan)) TRY(fs.string("context", l.plan.mount_label));
            // A device that can't be written isn't mounted otherwise.
            if (plan.attr_set & MOUNT_ATTR_RDONLY && plan.source.starts_with("/dev/")) TRY(fs.flag("ro"));
            return fs.mount(plan.copy_up ? plan.attr_set & ~uint64_t{MOUNT_ATTR_RDONLY} : plan.attr_set);
        };
        auto made = make();
        if (!made.ok()) made = copy_of_host_view(l, plan, std::move(made).error());
        l.mounts[i].tree = TRY(std::move(made).context([&] { return "mount " + plan.target; }));
    }
    // By its path on the host, which can be seen for the last time.
    if (l.plan.emulator) TRY(kernel::register_emulator(l.plan.emulator->architecture, l.plan.emulator->program));
    if (!l.plan.sysctls.empty()) {
        auto fs = TRY(sys::NewFilesystem::open("proc"));
        l.proc = TRY(fs.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    }
    return {};
}

Result<void> attach_mounts(Launching& l);

// Hooks find the rootfs with everything mounted in it at its own path, and
// what they mount there stays.
Result<void> place_root(Launching& l) {
    if (l.plan.rootfs.path.empty() || l.plan.rootfs.change != RootChange::pivot) return {};
    if (!is_parted_from_host(l.plan)) return {}; // it would show there
    auto placed = sys::attach_mount(l.rootfs.mount, l.plan.rootfs.path);
    // Root of a user namespace may not get there; neither would the hooks.
    if (!placed.ok()) return placed.error().code() == EACCES ? Result<void>() : std::move(placed);
    l.root_is_placed = true;
    TRY(attach_parts(l.rootfs.mount, l.rootfs.parts));
    l.root = TRY(sys::duplicate(l.rootfs.mount));
    return attach_mounts(l);
}

Result<void> early_hooks(Launching& l) {
    if (!l.plan.stop_for_hooks) return {};
    TRY(place_root(l));
    TRY(l.report.simple(ReportKind::at_hooks));
    l.hook_state = TRY(l.report.wait_for_resume());
    const auto& hooks = l.plan.create_container_hooks;
    // Where runc has them: they say "./lib" for the container's.
    if (!hooks.empty() && l.root_is_placed) TRY(sys::chdir(l.plan.rootfs.path));
    const std::string state = hook_state(l.hook_state, "creating", sys::own_pid());
    for (size_t i = 0; i < hooks.size(); ++i)
        TRY(run_hook(hooks[i], state).context([&] { return hook_failure("createContainer", i); }));
    return {};
}

// ---- mounts ----------------------------------------------------------------

// Where the mount goes. Links in the image are followed inside the root; to
// /proc and /sys none may lead at all (CVE-2019-19921).
Result<UniqueFd> open_target(Launching& l, const MountPlan& plan, const PreparedMount& mount) {
    if (is_kernel_view(plan)) {
        auto there = sys::open_beneath(l.root, plan.target, O_PATH | O_DIRECTORY | O_NOFOLLOW, sys::Links::refused);
        if (there.ok()) return there;
        if (there.error().code() == ELOOP || there.error().code() == ENOTDIR)
            return Error(ErrorKind::invalid_argument,
                         "filesystem \"" + plan.fs_type + "\" must be mounted on ordinary directory");
    }
    auto target = mount.is_folder ? sys::make_folders_beneath(l.root, plan.target, 0755)
                                  : sys::make_file_beneath(l.root, plan.target, 0644);
    TRY(target.ok() ? Result<void>() : Result<void>(target.error()));
    // A link of the image must not turn the target into a file of /proc that
    // the plan didn't name.
    bool named = plan.target == "/proc" || plan.target.starts_with("/proc/");
    if (!named && TRY(sys::filesystem_magic(*target)) == proc_magic)
        return Error(ErrorKind::invalid_argument,
                     "\"" + plan.target + "\" cannot be mounted because it is inside /proc");
    return target;
}

Result<void> spread(const MountPlan& plan, BorrowedFd tree) {
    if (plan.propagation == 0 || plan.kind == MountPlan::Kind::bind) return {};
    sys::MountAttributes attributes;
    attributes.propagation = plan.propagation & ~uint64_t{MS_REC};
    return sys::set_mount_attributes(tree, "", sys::Depth::one, attributes);
}

Result<void> attach_one(Launching& l, const MountPlan& plan, PreparedMount& mount) {
    UniqueFd target = TRY(open_target(l, plan, mount));
    bool folder = S_ISDIR(TRY(sys::stat_fd(target)).st_mode);
    if (folder != mount.is_folder)
        return Error(ErrorKind::invalid_argument,
                     "not a directory: are you trying to mount a directory onto a file (or vice-versa)?");
    if (plan.copy_up) TRY(copy_tree(target, mount.tree).context("copy what the image has there"));
    if (plan.copy_up && plan.attr_set & MOUNT_ATTR_RDONLY)
        TRY(sys::set_mount_attributes(mount.tree, "", sys::Depth::one, {.set = MOUNT_ATTR_RDONLY}));
    TRY(sys::attach_mount(mount.tree, target));
    TRY(spread(plan, mount.tree));
    TRY(attach_parts(mount.tree, mount.parts));
    mount.tree.reset();
    return {};
}

// Option remount: what is mounted there gets other attributes.
Result<void> change_mount(Launching& l, const MountPlan& plan) {
    UniqueFd target = TRY(sys::open_beneath(l.root, plan.target, O_PATH, sys::Links::in_root));
    if (plan.kind == MountPlan::Kind::remount) {
        auto fs = TRY(sys::NewFilesystem::pick(target));
        TRY(fs.options(plan.data));
        if ((plan.attr_set | plan.attr_clear) & MOUNT_ATTR_RDONLY)
            TRY(fs.flag(plan.attr_set & MOUNT_ATTR_RDONLY ? "ro" : "rw"));
        TRY(fs.reconfigure());
    }
    if (!plan.attr_set && !plan.attr_clear) return {};
    auto changed =
        sys::set_mount_attributes(target, "", sys::Depth::one, {.set = plan.attr_set, .clear = plan.attr_clear});
    if (!changed.ok() && changed.error().code() == EINVAL)
        return Error(ErrorKind::invalid_argument, "nothing is mounted there that could be remounted");
    return changed;
}

Result<void> place_mount(Launching& l, size_t i) {
    const MountPlan& plan = l.plan.mounts[i];
    bool there = plan.kind == MountPlan::Kind::remount || plan.kind == MountPlan::Kind::remount_bind;
    return there ? change_mount(l, plan) : attach_one(l, plan, l.mounts[i]);
}

Result<void> attach_mounts(Launching& l) {
    mode_t umask = sys::set_umask(0);
    for (size_t i = 0; i < l.plan.mounts.size(); ++i)
        TRY(place_mount(l, i).context([&] { return "mount " + l.plan.mounts[i].target; }));
    sys::set_umask(umask);
    return {};
}

Result<void> attach_remaining_mounts(Launching& l) { return l.root_is_placed ? Result<void>() : attach_mounts(l); }

// "If a file already exists at path that does not match the requested device,
// the runtime MUST generate an error." An empty file is what was left of a
// place that was made for it.
Result<void> check_device_target(BorrowedFd target, BorrowedFd device) {
    auto there = TRY(sys::stat_fd(target));
    auto wanted = TRY(sys::stat_fd(device));
    bool placeholder = S_ISREG(there.st_mode) && there.st_size == 0;
    bool same = (there.st_mode & S_IFMT) == (wanted.st_mode & S_IFMT) && there.st_rdev == wanted.st_rdev;
    if (placeholder || same) return {};
    return Error(ErrorKind::invalid_argument, "something else exists there");
}

Result<void> attach_bound_devices(Launching& l) {
    for (const auto& device : l.bound_devices) {
        UniqueFd target = TRY(sys::make_file_beneath(l.root, device.path, 0666));
        TRY(check_device_target(target, device.tree).context("device " + device.path));
        TRY(sys::attach_mount(device.tree, target).context("device " + device.path));
    }
    l.bound_devices.clear();
    return {};
}

// The file that the terminal goes over, as long as /dev can be written. What can't be
// made fails where it is needed.
void make_console(const Launching& l) {
    if (l.plan.process.terminal) (void)sys::make_file_beneath(l.root, "/dev/console", 0600).ok();
}

Result<void> attach_devices(Launching& l) {
    make_console(l);
    TRY(attach_bound_devices(l));
    if (!l.device_shelf) return {};
    // One mount at a time can be cloned only from where it is attached.
    UniqueFd dev = TRY(sys::make_folders_beneath(l.root, "/dev", 0755));
    TRY(sys::attach_mount(l.device_shelf, dev));
    std::vector<std::pair<std::string, UniqueFd>> nodes;
    for (size_t i = 0; i < l.plan.devices.size(); ++i) {
        auto node = sys::open_beneath(l.device_shelf, std::to_string(i), O_PATH, sys::Links::refused);
        if (!node.ok()) continue; // in the /dev of our own
        nodes.emplace_back(l.plan.devices[i].path, TRY(sys::clone_tree(*node, "", sys::Depth::one)));
    }
    TRY(sys::unmount_lazily(l.device_shelf));
    for (const auto& [path, tree] : nodes) {
        UniqueFd target = TRY(sys::make_file_beneath(l.root, path, 0666));
        TRY(check_device_target(target, tree).context("device " + path));
        TRY(sys::attach_mount(tree, target).context("device " + path));
    }
    l.device_shelf.reset();
    return {};
}

Result<void> make_cwd(Launching& l) {
    // What can't be made (a read-only mount, a file in the way) fails where the
    // program would start in it.
    mode_t umask = sys::set_umask(0);
    (void)sys::make_folders_beneath(l.root, l.plan.process.cwd, 0755).ok();
    sys::set_umask(umask);
    return {};
}

// ---- settings, masks -------------------------------------------------------

Result<void> write_sysctls(Launching& l) {
    for (const auto& setting : l.plan.sysctls) {
        std::string path = "sys/" + sysctl_path(setting.name);
        auto write = [&]() -> Result<void> {
            UniqueFd file = TRY(sys::open_beneath(l.proc, path, O_WRONLY, sys::Links::refused));
            return sys::write_all(file, setting.value);
        };
        TRY(write().context("sysctl " + setting.name + "=" + setting.value));
    }
    l.proc.reset();
    return {};
}

Result<UniqueFd> open_null(BorrowedFd root) {
    UniqueFd null = TRY(sys::open_beneath(root, "/dev/null", O_PATH, sys::Links::refused));
    auto info = TRY(sys::stat_fd(null));
    if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(1, 3))
        return Error(ErrorKind::invalid_argument, "/dev/null of the container is not the null device");
    return null;
}

bool is_missing(const Error& error) { return error.code() == ENOENT || error.code() == ENOTDIR; }

struct Masks {
    UniqueFd null;  // O_PATH, verified
    UniqueFd empty; // an attached, read-only, empty folder; made for the first that needs it
};

Result<void> mask_folder(Masks& masks, BorrowedFd target) {
    UniqueFd tree;
    if (masks.empty) {
        tree = TRY(sys::clone_tree(masks.empty, "", sys::Depth::one));
    } else {
        auto tmpfs = TRY(sys::NewFilesystem::open("tmpfs"));
        TRY(tmpfs.options("source=tmpfs,size=0k,mode=755"));
        tree = TRY(tmpfs.mount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    }
    TRY(sys::attach_mount(tree, target));
    if (!masks.empty) masks.empty = std::move(tree);
    return {};
}

Result<void> mask_one(Launching& l, Masks& masks, const std::string& path) {
    auto target = sys::open_beneath(l.root, path, O_PATH, sys::Links::in_root);
    if (!target.ok()) return is_missing(target.error()) ? Result<void>() : Result<void>(std::move(target).error());
    if (S_ISDIR(TRY(sys::stat_fd(*target)).st_mode)) return mask_folder(masks, *target);
    if (!masks.null) masks.null = TRY(open_null(l.root));
    UniqueFd tree = TRY(sys::clone_tree(masks.null, "", sys::Depth::one));
    return sys::attach_mount(tree, *target);
}

Result<void> mask_paths(Launching& l) {
    Masks masks;
    for (const auto& path : l.plan.masked_paths) TRY(mask_one(l, masks, path).context("mask " + path));
    return {};
}

Result<void> protect_one(Launching& l, const std::string& path) {
    auto target = sys::open_beneath(l.root, path, O_PATH, sys::Links::in_root);
    if (!target.ok()) return is_missing(target.error()) ? Result<void>() : Result<void>(std::move(target).error());
    UniqueFd tree = TRY(sys::clone_tree(*target, "", sys::Depth::all_below));
    sys::MountAttributes attributes;
    attributes.set = MOUNT_ATTR_RDONLY;
    TRY(sys::set_mount_attributes(tree, "", sys::Depth::one, attributes));
    return sys::attach_mount(tree, *target);
}

Result<void> protect_paths(Launching& l) {
    for (const auto& path : l.plan.readonly_paths) TRY(protect_one(l, path).context("make " + path + " read-only"));
    // /dev was writable while it was filled.
    for (const auto& mount : l.plan.mounts) {
        if (mount.kind != MountPlan::Kind::dev || !(mount.attr_set & MOUNT_ATTR_RDONLY)) continue;
        UniqueFd dev = TRY(sys::open_beneath(l.root, mount.target, O_PATH | O_DIRECTORY, sys::Links::in_root));
        TRY(sys::set_mount_attributes(dev, "", sys::Depth::one, {.set = MOUNT_ATTR_RDONLY}));
    }
    return {};
}

Result<void> protect_root(Launching& l) {
    sys::MountAttributes attributes;
    if (l.plan.rootfs.readonly) attributes.set = MOUNT_ATTR_RDONLY;
    uint64_t propagation = l.plan.rootfs.propagation & ~uint64_t{MS_REC};
    if (propagation && propagation != MS_PRIVATE) attributes.propagation = propagation;
    if (!attributes.set && !attributes.propagation) return {};
    return sys::set_mount_attributes({}, "/", sys::Depth::one, attributes);
}

constexpr std::array<Step<Launching>, 11> init_list{{
    {"own namespaces", finish_namespaces},
    {"file systems", make_filesystems},
    {"hooks", early_hooks},
    {"enter root", enter_root},
    {"mounts", attach_remaining_mounts},
    {"devices", attach_devices},
    {"sysctls", write_sysctls},
    {"make cwd", make_cwd},
    {"masks", mask_paths},
    {"read-only paths", protect_paths},
    {"root", protect_root},
}};

// The same, but that the root is entered when it is complete.
constexpr std::array<Step<Launching>, 12> staged_init_list{{
    {"own namespaces", finish_namespaces},
    {"file systems", make_filesystems},
    {"hooks", early_hooks},
    {"rootfs", open_staged_root},
    {"mounts", attach_remaining_mounts},
    {"devices", attach_devices},
    {"sysctls", write_sysctls},
    {"make cwd", make_cwd},
    {"masks", mask_paths},
    {"read-only paths", protect_paths},
    {"enter root", enter_staged_root},
    {"root", protect_root},
}};

} // namespace

std::span<const Step<Launching>> init_steps() {
    if (sys::mount_way() == sys::MountWay::staged) return staged_init_list;
    return init_list;
}

} // namespace hull::runtime
