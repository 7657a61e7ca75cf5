#include "engine/spec_builder.h"

#include <algorithm>
#include <string_view>

#include "engine/defaults.h"
#include "engine/systemd_inside.h"

namespace hull::engine {
namespace {

using model::MountPoint;
using model::oci::Mount;

bool has_mount(const std::vector<MountPoint>& mounts, std::string_view destination) {
    return std::ranges::any_of(mounts, [&](const MountPoint& mount) { return mount.destination == destination; });
}

// Later options win over earlier ones that contradict them, as Docker merges
// those of a tmpfs.
std::vector<std::string> merge_options(const std::vector<std::string>& options) {
    auto opposite = [](std::string_view option) -> std::string {
        for (std::string_view plain : {"exec", "suid", "dev", "atime", "diratime", "relatime", "strictatime"}) {
            if (option == plain) return "no" + std::string(plain);
            if (option.starts_with("no") && option.substr(2) == plain) return std::string(plain);
        }
        if (option == "ro") return "rw";
        if (option == "rw") return "ro";
        return {};
    };
    std::vector<std::string> merged;
    for (const std::string& option : options) {
        std::string against = opposite(option);
        size_t equals = option.find('=');
        std::erase_if(merged, [&](const std::string& earlier) {
            return earlier == option || (!against.empty() && earlier == against) ||
                   (equals != std::string::npos && earlier.starts_with(option.substr(0, equals + 1)));
        });
        merged.push_back(option);
    }
    return merged;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        size_t end = text.find(separator);
        if (end != 0) parts.emplace_back(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    return parts;
}

Mount system_mount(std::string destination, std::string type, std::string source, std::vector<std::string> options) {
    return {.destination = std::move(destination),
            .type = std::move(type),
            .source = std::move(source),
            .options = std::move(options),
            .uid_mappings = {},
            .gid_mappings = {}};
}

Mount sysfs(const SpecInput& input) {
    std::string access = input.settings.host_config.privileged ? "rw" : "ro";
    // A network namespace of the host's users, entered by another container's
    // (--pid container:x): the kernel refuses a sysfs of its own there.
    if (input.namespaces.user.share == Share::container && input.namespaces.net.share == Share::own)
        return system_mount("/sys", "bind", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"});
    return system_mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", access});
}

void add_shm(const SpecInput& input, std::vector<Mount>& mounts) {
    const model::HostConfig& host = input.settings.host_config;
    switch (input.namespaces.ipc.share) {
    case Share::host: mounts.push_back(system_mount("/dev/shm", "bind", "/dev/shm", {"rbind", "rw"})); return;
    case Share::container:
        mounts.push_back(system_mount("/dev/shm", "bind",
                                      "/proc/" + std::to_string(input.namespaces.ipc.pid) + "/root/dev/shm",
                                      {"bind", "nosuid", "noexec", "nodev"}));
        return;
    case Share::own: break;
    }
    if (host.ipc_mode == "none") return;
    int64_t size = host.shm_size > 0 ? host.shm_size : input.options.default_shm_size;
    mounts.push_back(system_mount("/dev/shm", "tmpfs", "shm",
                                  {"nosuid", "noexec", "nodev", "mode=1777", "size=" + std::to_string(size)}));
}

// Of an image that has something in its /run: that is there, too.
void add_run(std::vector<Mount>& mounts, const std::vector<MountPoint>& asked) {
    constexpr const char* in_memory = "tmpcopyup";
    if (!has_mount(asked, "/run"))
        mounts.push_back(system_mount("/run", "tmpfs", "tmpfs", {"nosuid", "nodev", "mode=755", in_memory}));
    if (!has_mount(asked, "/run/lock"))
        mounts.push_back(system_mount("/run/lock", "tmpfs", "tmpfs",
                                      {"nosuid", "nodev", "noexec", "mode=1777", "size=5m", in_memory}));
}

Result<std::vector<Mount>> system_mounts(const SpecInput& input) {
    const model::HostConfig& host = input.settings.host_config;
    const std::vector<MountPoint>& asked = input.settings.mounts;
    std::vector<Mount> mounts;
    auto add = [&](Mount mount) {
        if (!has_mount(asked, mount.destination)) mounts.push_back(std::move(mount));
    };
    std::string access = host.privileged ? "rw" : "ro";
    add(system_mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
    add(system_mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
    add(system_mount("/dev/pts", "devpts", "devpts",
                     {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}));
    add(sysfs(input));
    if (TRY(writable_cgroups(input.settings, input.namespaces, input.host))) access = "rw";
    add(system_mount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", access}));
    // The queues belong to the ipc namespace, whoever's it is; the host need not have them mounted.
    add(system_mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
    if (!has_mount(asked, "/dev/shm")) add_shm(input, mounts);
    if (runs_systemd(input.settings)) add_run(mounts, asked);
    return mounts;
}

// A mount of the host that something lies on.
struct Beneath {
    std::string path = "/";
    bool shared = false, slave = false;
};

Result<Beneath> mount_beneath(const std::string& path, HostPort& host) {
    const std::string table = TRY(host.read_file("/proc/self/mountinfo", 4 << 20));
    Beneath found;
    for (const std::string& line : split(table, '\n')) {
        const std::vector<std::string> words = split(line, ' ');
        if (words.size() < 7) continue;
        const std::string& point = words[4];
        const bool above = point == "/" || path == point || path.starts_with(point + "/");
        if (!above || point.size() < found.path.size()) continue; // of equal ones the last one hides the others
        found = {.path = point};
        for (size_t i = 6; i < words.size() && words[i] != "-"; ++i) {
            if (words[i].starts_with("shared:")) found.shared = true;
            if (words[i].starts_with("master:")) found.slave = true;
        }
    }
    return found;
}

// What is mounted later goes to and fro only where the host's mount lets it.
Result<void> check_propagation(const MountPoint& point, HostPort& host) {
    const bool shared = point.propagation == "shared" || point.propagation == "rshared";
    const bool slave = point.propagation == "slave" || point.propagation == "rslave";
    if (!shared && !slave) return {};
    const Beneath mount = TRY(mount_beneath(point.source, host));
    if (mount.shared || (slave && mount.slave)) return {};
    return Error(ErrorKind::system, "path " + point.source + " is mounted on " + mount.path + " but it is not a " +
                                        (shared ? "shared" : "shared or slave") + " mount");
}

Mount bind_mount(const MountPoint& point) {
    Mount mount = system_mount(point.destination, "bind", point.source, {});
    mount.options.emplace_back(point.non_recursive ? "bind" : "rbind");
    if (!point.rw) mount.options.emplace_back(point.read_only_non_recursive || point.non_recursive ? "ro" : "rro");
    mount.options.push_back(point.propagation.empty() ? "rprivate" : point.propagation);
    return mount;
}

Mount tmpfs_mount(const MountPoint& point) {
    std::vector<std::string> options = {"noexec", "nosuid", "nodev", "rprivate"};
    for (std::string& option : split(point.tmpfs_options, ',')) options.push_back(std::move(option));
    return system_mount(point.destination, "tmpfs", "tmpfs", merge_options(options));
}

// Whether a file of /etc can be mounted on what is mounted there: nothing can be made in what is read-only.
bool has_place(const SpecInput& input, const std::string& name) {
    const auto etc = std::ranges::find(input.settings.mounts, "/etc", &MountPoint::destination);
    if (etc == input.settings.mounts.end() || etc->rw) return true;
    return !etc->source.empty() && input.host.kind(etc->source + name) != PathKind::missing;
}

void add_net_files(const SpecInput& input, std::vector<Mount>& mounts) {
    const std::vector<MountPoint>& asked = input.settings.mounts;
    auto add = [&](const char* destination, const std::string& source) {
        if (source.empty() || has_mount(asked, destination)) return;
        if (!has_place(input, std::string(destination).substr(std::string_view("/etc").size()))) return;
        std::vector<std::string> options = {"bind", "rprivate"};
        if (input.settings.host_config.readonly_rootfs) options.emplace_back("ro");
        mounts.push_back(system_mount(destination, "bind", source, std::move(options)));
    };
    add("/etc/resolv.conf", input.net_files.resolv_conf);
    add("/etc/hostname", input.net_files.hostname);
    add("/etc/hosts", input.net_files.hosts);
}

} // namespace

Result<std::vector<Mount>> build_mounts(const SpecInput& input) {
    std::vector<Mount> mounts = TRY(system_mounts(input));
    const auto first_asked = static_cast<ptrdiff_t>(mounts.size());
    if (!input.init.empty())
        mounts.push_back(system_mount(kInitInContainer, "bind", input.init, {"bind", "ro", "nosuid", "nodev"}));

    for (const MountPoint& point : input.settings.mounts) {
        if (point.type == "tmpfs") {
            mounts.push_back(tmpfs_mount(point));
            continue;
        }
        if (point.type == "image") {
            mounts.push_back(bind_mount(point));
            auto sources = input.image_mounts->find(point.destination);
            mounts.back().source = sources->second.front();
            continue;
        }
        // Volumes were made with the container.
        if (point.type == "bind" && input.host.kind(point.source) == PathKind::missing) {
            if (!point.create_source)
                return Error(ErrorKind::invalid_argument,
                             "invalid mount config for type \"bind\": bind source path does not exist: " +
                                 point.source);
            TRY(input.host.make_directories(point.source).context([&] {
                return "error while creating mount source path '" + point.source + "'";
            }));
        }
        if (point.type == "bind") TRY(check_propagation(point, input.host));
        mounts.push_back(bind_mount(point));
        // The keeper opens it through our descriptor: what the volume's users
        // put in its place meanwhile doesn't count.
        if (!input.subpaths) continue;
        if (auto part = input.subpaths->find(point.destination); part != input.subpaths->end())
            mounts.back().source = input.host.descriptor_path(part->second);
    }
    add_net_files(input, mounts);
    // Parents before what is mounted below them.
    std::ranges::stable_sort(std::ranges::subrange(mounts.begin() + first_asked, mounts.end()), {},
                             [](const Mount& mount) { return std::ranges::count(mount.destination, '/'); });
    return mounts;
}

} // namespace hull::engine
