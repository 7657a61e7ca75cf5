#include "kernel/cgroup/layout.h"

#include <algorithm>
#include <charconv>

#include "sys/file.h"

namespace hull::kernel::cgroup {

namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == text.npos) return parts;
        text.remove_prefix(end + 1);
    }
}

bool is_mount_flag(std::string_view option) {
    return option == "rw" || option == "ro" || option == "xattr" || option == "clone_children" ||
           option == "noprefix" || option == "cpuset_v2_mode" || option.starts_with("release_agent=");
}

void add_v1(Layout& layout, std::string_view mount, std::string_view super_options) {
    Hierarchy hierarchy;
    hierarchy.mount = unescape_mount(mount);
    hierarchy.name = hierarchy.mount.substr(hierarchy.mount.rfind('/') + 1);
    for (std::string_view option : split(super_options, ','))
        if (!is_mount_flag(option)) hierarchy.controllers.emplace_back(option);
    for (const Hierarchy& known : layout.v1)
        if (known.controllers == hierarchy.controllers) return; // mounted twice
    layout.v1.push_back(std::move(hierarchy));
}

} // namespace

std::string unescape_mount(std::string_view text) {
    auto octal = [](char c) { return c >= '0' && c <= '7'; };
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && octal(text[i + 1]) && octal(text[i + 2]) && octal(text[i + 3])) {
            out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

Layout parse_mounts(std::string_view mountinfo) {
    Layout layout;
    for (std::string_view line : split(mountinfo, '\n')) {
        // id parent dev root mount options [optional fields] - type source super-options
        size_t dash = line.find(" - ");
        if (dash == line.npos) continue;
        auto before = split(line.substr(0, dash), ' ');
        auto after = split(line.substr(dash + 3), ' ');
        if (before.size() < 6 || after.size() < 3) continue;
        if (after[0] == "cgroup") add_v1(layout, before[4], after[2]);
        if (after[0] == "cgroup2" && layout.unified.empty()) layout.unified = unescape_mount(before[4]);
    }
    return layout;
}

namespace {

bool is_named(const Hierarchy& h) {
    return std::ranges::any_of(h.controllers, [](const std::string& c) { return c.starts_with("name="); });
}

// The folder of a controller's hierarchy with a slash, or a path that can't exist.
std::string folder_of(const std::vector<Hierarchy>& v1, std::string_view controller) {
    for (const Hierarchy& h : v1)
        if (std::ranges::find(h.controllers, controller) != h.controllers.end()) return h.mount + "/";
    return "/proc/self/no-such-file/";
}

void probe_v1(Machine& machine) {
    auto has = [&](std::string_view controller, std::string_view file) {
        return sys::exists(folder_of(machine.v1, controller) + std::string(file));
    };
    Support& s = machine.support;
    s.memory = has("memory", "memory.limit_in_bytes");
    s.swap = has("memory", "memory.memsw.limit_in_bytes");
    s.memory_reservation = has("memory", "memory.soft_limit_in_bytes");
    s.swappiness = has("memory", "memory.swappiness");
    s.oom_kill_disable = has("memory", "memory.oom_control");
    s.cpu_shares = has("cpu", "cpu.shares");
    s.cpu_quota = has("cpu", "cpu.cfs_quota_us");
    s.cpu_realtime = has("cpu", "cpu.rt_runtime_us");
    s.cpuset = has("cpuset", "cpuset.cpus");
    s.pids = has("pids", "tasks");
    // The weight's file isn't at the root; BFQ's statistics are.
    machine.bfq_weight = has("blkio", "blkio.bfq.io_serviced");
    s.io_weight = machine.bfq_weight || has("blkio", "blkio.weight");
    s.io_throttle = has("blkio", "blkio.throttle.read_bps_device");
    s.hugepages = has("hugetlb", "tasks");
    s.devices = has("devices", "devices.allow");
    s.freezer = has("freezer", "tasks");
    s.net_cls = has("net_cls", "tasks");
    s.net_prio = has("net_prio", "tasks");
    s.rdma = has("rdma", "tasks");
}

void probe_v2(Machine& machine) {
    if (auto text = sys::read_file(machine.unified + "/cgroup.controllers"); text.ok()) {
        std::string_view names = *text;
        while (!names.empty() && names.back() == '\n') names.remove_suffix(1);
        for (std::string_view name : split(names, ' '))
            if (!name.empty()) machine.unified_controllers.emplace(name);
    }
    auto has = [&](const char* controller) { return machine.unified_controllers.contains(controller); };
    Support& s = machine.support;
    s.memory = s.memory_reservation = has("memory");
    s.swap = has("memory") && sys::exists("/proc/swaps");
    s.cpu_shares = s.cpu_quota = has("cpu");
    s.cpuset = has("cpuset");
    s.pids = has("pids");
    s.io_weight = s.io_throttle = has("io");
    s.hugepages = has("hugetlb");
    s.rdma = has("rdma");
    s.devices = s.freezer = true;
}

uint64_t total_memory() {
    auto text = sys::read_file("/proc/meminfo");
    if (!text.ok()) return 0;
    size_t at = text->find("MemTotal:");
    if (at == text->npos) return 0;
    at = text->find_first_not_of(' ', at + 9);
    if (at == text->npos) return 0;
    uint64_t kib = 0;
    std::from_chars(text->data() + at, text->data() + text->size(), kib);
    return kib * 1024;
}

} // namespace

Machine probe(const Layout& layout) {
    Machine machine;
    machine.unified = layout.unified;
    machine.v1 = layout.v1;
    machine.memory_total = total_memory();
    // A name= hierarchy alone is systemd's beside v2 ("unified" set-up).
    bool has_v1 = !std::ranges::all_of(layout.v1, is_named);
    if (has_v1) {
        machine.version = Version::v1;
        // What a service manager sees as ours it would also kill as ours.
        machine.join_named = sys::exists("/run/systemd/system");
        probe_v1(machine);
    } else if (!layout.unified.empty()) {
        machine.version = Version::v2;
        probe_v2(machine);
    }
    return machine;
}

Result<std::string> check_path(std::string_view path) {
    auto bad = [&](const char* why) {
        return Error(ErrorKind::invalid_argument, "cgroup path \"" + std::string(path) + "\" " + why);
    };
    if (path.size() > 1024) return bad("is longer than 1024 bytes");
    if (path.find('/') == path.npos && std::ranges::count(path, ':') == 2)
        return Error(ErrorKind::unsupported, "cgroup path \"" + std::string(path) +
                                                 "\" asks for systemd to make it; only the cgroupfs driver is there");
    std::string out;
    for (std::string_view part : split(path, '/')) {
        if (part.empty()) continue;
        if (part == "." || part == "..") return bad("holds . or ..");
        for (char c : part)
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return bad("holds a control character");
        out.append("/").append(part);
    }
    if (out.empty()) return bad("names no folder");
    return out;
}

} // namespace hull::kernel::cgroup
