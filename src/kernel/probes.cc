#include "kernel/probes.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <span>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/emulation.h"
#include "kernel/lsm.h"
#include "kernel/namespaces.h"
#include "sys/bpf.h"
#include "sys/credentials.h"
#include "sys/file.h"
#include "sys/kernel_calls.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/route_socket.h"

namespace hull::kernel {

namespace {

constexpr uid_t nobody = 65534;
using Look = Result<std::string> (*)(const std::string& folder); // a word more about it

Result<std::string> new_calls(const std::string&) {
    std::string missing;
    for (auto [call, name] : {std::pair{sys::Call::clone3, "clone3"},
                              {sys::Call::close_range, "close_range"},
                              {sys::Call::detached_mounts, "fsopen, mount_setattr"},
                              {sys::Call::openat2, "openat2"}})
        if (!sys::kernel_has(call)) missing += (missing.empty() ? "" : ", ") + std::string(name);
    if (!missing.empty()) return unsupported("older ways are taken instead of " + missing);
    return std::string();
}

Result<std::string> user_namespaces(const std::string&) {
    TRY(sys::unshare(CLONE_NEWUSER));
    return std::string();
}

Result<std::string> unprivileged_user_namespaces(const std::string&) {
    if (sys::identity().effective_uid == 0) {
        TRY(sys::set_groups({}));
        TRY(sys::set_gid(nobody));
        TRY(sys::set_uid(nobody));
    }
    TRY(sys::unshare(CLONE_NEWUSER));
    return std::string();
}

Result<std::string> time_namespaces(const std::string&) {
    TRY(sys::unshare(CLONE_NEWTIME));
    return std::string();
}

Result<std::string> overlay(const std::string&) {
    TRY(sys::mount_filesystem("tmpfs", "/tmp", ""));
    for (const char* name : {"/tmp/lower", "/tmp/upper", "/tmp/work", "/tmp/merged"}) TRY(sys::mkdir(name, 0755));
    TRY(sys::mount_filesystem("overlay", "/tmp/merged", "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work"));
    return std::string();
}

Result<std::string> data_folder(const std::string& folder) {
    if (!sys::may_write(folder)) return Error::from_errno("write to", folder);
    return folder;
}

Result<std::string> idmapped_mounts(const std::string& folder) {
    const std::array<IdMapping, 1> map{{{0, 100'000, 65'536}}};
    UniqueFd ns = TRY(make_user_namespace(map, map));
    UniqueFd tree = TRY(sys::clone_tree({}, folder, sys::Depth::one));
    TRY(sys::set_mount_attributes(tree, "", sys::Depth::one, {.set = MOUNT_ATTR_IDMAP, .user_ns = ns}));
    return "on the file system of " + folder;
}

Result<std::string> cgroups(const std::string&) {
    if (auto list = sys::read_file("/sys/fs/cgroup/cgroup.controllers"); list.ok()) {
        std::string names = *list;
        while (names.ends_with('\n')) names.pop_back();
        for (const char* needed : {"cpu", "memory", "pids"})
            if ((" " + names + " ").find(" " + std::string(needed) + " ") == names.npos)
                return unsupported("v2 without the controller " + std::string(needed) + ": " + names);
        return "v2: " + names;
    }
    auto folders = TRY(sys::list_dir("/sys/fs/cgroup"));
    std::ranges::sort(folders);
    std::string names;
    for (const std::string& name : folders) names += (names.empty() ? "" : " ") + name;
    for (const char* needed : {"cpu", "memory", "pids", "devices", "freezer"})
        if (std::ranges::find(folders, needed) == folders.end())
            return unsupported("v1 without the controller " + std::string(needed) + ": " + names);
    return "v1: " + names;
}

Result<std::string> device_programs(const std::string&) {
    // r0 = 1; exit
    constexpr std::string_view program("\xb7\0\0\0\1\0\0\0\x95\0\0\0\0\0\0\0", 16);
    TRY(sys::bpf_load_cgroup_device(program));
    return std::string();
}

Result<std::string> seccomp_listener(const std::string&) {
    uint32_t action = SECCOMP_RET_USER_NOTIF;
    if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0) return Error::from_errno("seccomp");
    return std::string();
}

Result<std::string> nftables(const std::string&) {
    UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    if (!socket) return Error::from_errno("socket", "NETLINK_NETFILTER");
    struct {
        nlmsghdr head;
        nfgenmsg body;
    } ask{};
    ask.head.nlmsg_len = sizeof ask;
    ask.head.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN;
    ask.head.nlmsg_flags = NLM_F_REQUEST;
    if (::send(socket.get(), &ask, sizeof ask, 0) < 0) return Error::from_errno("send", "nf_tables");
    alignas(nlmsghdr) std::array<char, 4096> answer{};
    ssize_t size = ::recv(socket.get(), answer.data(), answer.size(), 0);
    if (size < static_cast<ssize_t>(sizeof(nlmsghdr))) return Error::from_errno("recv", "nf_tables");
    nlmsghdr head{};
    std::memcpy(&head, answer.data(), sizeof head);
    int code = 0;
    if (head.nlmsg_type == NLMSG_ERROR) std::memcpy(&code, answer.data() + sizeof head, sizeof code);
    if (code != 0) return Error::from_errno("nf_tables", "", -code);
    return std::string();
}

// A link of this kind. The kernel doesn't know it: EOPNOTSUPP; another error is about the settings.
template <const char* kind>
Result<std::string> link_kind(const std::string&) {
    std::string message(NLMSG_ALIGN(sizeof(nlmsghdr)) + NLMSG_ALIGN(sizeof(ifinfomsg)), '\0');
    auto* head = reinterpret_cast<nlmsghdr*>(message.data());
    head->nlmsg_type = RTM_NEWLINK;
    head->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    auto attribute = [](uint16_t type, std::string_view data) {
        rtattr top{static_cast<unsigned short>(RTA_LENGTH(data.size())), type};
        std::string out(reinterpret_cast<const char*>(&top), sizeof top);
        out += data;
        out.resize(RTA_ALIGN(out.size()), '\0');
        return out;
    };
    message += attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, kind));
    auto socket = TRY(sys::RouteSocket::open());
    auto made = socket.exchange(std::move(message));
    if (!made.ok() && (made.error().code() == EOPNOTSUPP || made.error().code() == EPERM))
        return std::move(made).error();
    return std::string();
}
constexpr char veth[] = "veth", bridge[] = "bridge", vxlan[] = "vxlan", macvlan[] = "macvlan", ipvlan[] = "ipvlan";

Result<std::string> apparmor(const std::string&) {
    if (!apparmor_enabled()) return unsupported("not enabled");
    return std::string();
}

Result<std::string> emulators(const std::string&) {
    std::string found;
    for (const char* name : {"386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"})
        if (find_emulator(name)) found += (found.empty() ? "" : " ") + std::string(name);
    const std::array<IdMapping, 1> map{{{0, 0, 1}}};
    UniqueFd ns = TRY(make_user_namespace(map, map));
    TRY(sys::setns(ns, CLONE_NEWUSER));
    TRY(sys::unshare(CLONE_NEWNS)); // one that belongs to it
    auto fs = TRY(sys::NewFilesystem::open("binfmt_misc"));
    TRY(fs.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    if (found.empty()) return unsupported("the kernel can, but there is no emulator");
    return "emulators for " + found;
}

Result<std::string> programs(std::initializer_list<const char*> names) {
    std::string missing;
    for (const char* name : names) {
        bool found = false;
        for (const char* folder : {"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"})
            found = found || sys::may_execute(std::string(folder) + name).ok();
        if (!found) missing += (missing.empty() ? "" : ", ") + std::string(name);
    }
    if (!missing.empty()) return Error(ErrorKind::not_found, missing + " is not installed");
    return std::string();
}
Result<std::string> id_programs(const std::string&) {
    TRY(programs({"newuidmap", "newgidmap"}));
    auto list = sys::read_file("/etc/subuid");
    if (!list.ok() || list->find(':') == std::string::npos)
        return Error(ErrorKind::not_found, "nobody has subordinate ids in /etc/subuid");
    return std::string();
}
Result<std::string> checkpoints(const std::string&) { return programs({"criu"}); }

struct Probe {
    const char *feature, *used_for, *remedy;
    Look look;
    bool needed = false;
};
constexpr Probe probes[] = {
    {"system calls of 5.12", "starts without races and without temporary mounts", "Linux 5.12 or later", new_calls},
    {"user namespaces", "root in a container is nobody outside",
     "sysctl user.max_user_namespaces above 0 (CONFIG_USER_NS)", user_namespaces, true},
    {"user namespaces without root", "rootless containers",
     "sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0",
     unprivileged_user_namespaces},
    {"time namespaces", "hull-runtime: time offsets", "Linux 5.6 (CONFIG_TIME_NS)", time_namespaces},
    {"overlayfs", "images and containers", "modprobe overlay (CONFIG_OVERLAY_FS)", overlay, true},
    {"data folder", "images, containers and volumes", "mount it writable, or name another folder: hulld --data-root",
     data_folder, true},
    {"idmapped mounts", "plain owners on volumes and layers with user namespaces",
     "Linux 5.12 and a file system that has them (ext4, xfs, btrfs)", idmapped_mounts},
    {"cgroups", "limits and accounts",
     "mount cgroup v2 at /sys/fs/cgroup; with the memory controller on the kernel's command line", cgroups, true},
    {"eBPF for devices", "device rules on cgroup v2", "CONFIG_BPF_SYSCALL, CONFIG_CGROUP_BPF", device_programs},
    {"seccomp with a listener", "system call filters; agents", "Linux 5.0 (CONFIG_SECCOMP_FILTER)", seccomp_listener},
    {"nftables", "published ports, isolation of networks", "modprobe nf_tables (CONFIG_NF_TABLES)", nftables, true},
    {"veth", "networks", "modprobe veth (CONFIG_VETH)", link_kind<veth>, true},
    {"bridge", "networks", "modprobe bridge (CONFIG_BRIDGE)", link_kind<bridge>, true},
    {"vxlan", "overlay networks", "modprobe vxlan (CONFIG_VXLAN)", link_kind<vxlan>},
    {"macvlan", "macvlan networks", "modprobe macvlan (CONFIG_MACVLAN)", link_kind<macvlan>},
    {"ipvlan", "ipvlan networks", "modprobe ipvlan (CONFIG_IPVLAN)", link_kind<ipvlan>},
    {"AppArmor", "confining containers",
     "apparmor=1 security=apparmor on the kernel's command line; apt install apparmor", apparmor},
    {"emulators by user namespace", "images for other processors", "Linux 6.7; apt install qemu-user-static",
     emulators},
    {"subordinate ids", "rootless containers with several ids",
     "apt install uidmap; usermod --add-subuids, --add-subgids", id_programs},
    {"checkpoints", "checkpoint and restore", "apt install criu", checkpoints},
};

// '+' or '-', and the text; to its end.
[[noreturn]] void look_and_tell(const Probe& probe, const std::string& folder, int to) {
    (void)sys::mount_propagation("/", MS_REC | MS_PRIVATE);
    auto found = probe.look(folder);
    const std::string text = found.ok() ? "+" + *found : "-" + found.error().message();
    (void)!::write(to, text.data(), text.size());
    sys::exit_now(0);
}

Result<std::string> tried(const Probe& probe, const std::string& folder) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return Error::from_errno("pipe2");
    UniqueFd from(ends[0]), to(ends[1]);
    auto child =
        sys::clone({.flags = CLONE_NEWNS | CLONE_NEWNET, .exit_signal = SIGCHLD, .pidfd = nullptr, .cgroup = {}});
    if (!child.ok())
        child = sys::clone({.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET,
                            .exit_signal = SIGCHLD,
                            .pidfd = nullptr,
                            .cgroup = {}});
    if (!child.ok()) child = sys::clone({.flags = 0, .exit_signal = SIGCHLD, .pidfd = nullptr, .cgroup = {}});
    pid_t pid = TRY(std::move(child));
    if (pid == 0) look_and_tell(probe, folder, to.get());
    to.reset();
    std::string text;
    std::array<char, 1024> piece{};
    while (size_t size = TRY(sys::read(from, piece))) text.append(piece.data(), size);
    TRY(sys::wait_for(pid));
    if (text.empty()) return Error(ErrorKind::internal, "the attempt ended without a word");
    return text;
}

} // namespace

std::vector<Probed> probe_kernel(const std::string& folder) {
    std::vector<Probed> out;
    for (const Probe& probe : probes) {
        auto told = tried(probe, folder);
        Probed one{.feature = probe.feature,
                   .used_for = probe.used_for,
                   .works = told.ok() && told->starts_with('+'),
                   .detail = {},
                   .remedy = {},
                   .needed = probe.needed};
        one.detail = told.ok() ? told->substr(1) : told.error().message();
        if (!one.works) one.remedy = probe.remedy;
        out.push_back(std::move(one));
    }
    return out;
}

} // namespace hull::kernel
