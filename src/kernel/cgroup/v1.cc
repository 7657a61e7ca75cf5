// cgroup v1: one hierarchy per controller, or per set of them.

#include <algorithm>
#include <array>

#include <fcntl.h>

#include "kernel/cgroup/device_rules.h"
#include "kernel/cgroup/drivers.h"
#include "kernel/cgroup/files.h"
#include "kernel/cgroup/limits.h"
#include "kernel/cgroup/writes.h"
#include "sys/file.h"
#include "sys/poll.h"

namespace hull::kernel::cgroup {

namespace {

// Made for every container; other controllers (cpuset is the slowest to make)
// only when a limit needs them.
constexpr std::array<std::string_view, 7> always{"memory", "cpu", "cpuacct", "devices", "freezer", "blkio", "pids"};

bool has(const Hierarchy& h, std::string_view controller) {
    return std::ranges::find(h.controllers, controller) != h.controllers.end();
}

class V1 final : public Cgroups {
public:
    explicit V1(Machine machine) : machine_(std::move(machine)) {}

    Version version() const override { return Version::v1; }
    const Support& support() const override { return machine_.support; }

    Result<Plan> plan(std::string_view path, const model::oci::Resources& resources) const override;
    Result<Plan> locate(std::string_view path) const override;
    Result<Usage> usage(std::string_view path) const override;
    Result<std::vector<pid_t>> pids(std::string_view path) const override;
    Result<void> freeze(std::string_view path) const override;
    Result<void> thaw(std::string_view path) const override;
    Result<bool> frozen(std::string_view path) const override;
    Result<void> kill_all(std::string_view path) const override;
    Result<void> update(std::string_view path, const model::oci::Resources& resources) const override;
    Result<UniqueFd> watch_oom(std::string_view path) const override;

private:
    Machine machine_;

    const Hierarchy* find(std::string_view controller) const {
        for (const Hierarchy& h : machine_.v1)
            if (has(h, controller)) return &h;
        return nullptr;
    }
    // The container's folder there, with a closing slash. path is checked.
    Result<std::string> folder(std::string_view controller, const std::string& path) const {
        if (const Hierarchy* h = find(controller)) return h->mount + path + "/";
        return Error(ErrorKind::unsupported, "this machine has no " + std::string(controller) + " cgroup");
    }
    // Some folder that surely lists the container's processes. Of who isn't
    // root there may be folders in some hierarchies only.
    Result<std::string> any_folder(const std::string& path) const {
        for (const char* controller : {"devices", "pids", "freezer", "memory", "cpu"})
            if (const Hierarchy* h = find(controller); h && sys::exists(h->mount + path)) return h->mount + path;
        return machine_.v1.front().mount + path;
    }
    Dir dir_in(const Hierarchy& h, const std::string& path) const {
        Dir dir;
        dir.hierarchy = h.mount;
        dir.path = path;
        dir.name = h.name;
        return dir;
    }
    Result<WritesByController> limits(const model::oci::Resources& resources) const;
    Result<void> update_memory(const std::string& path, std::vector<Write> writes) const;
    Result<void> make_late(const std::string& controller, const std::string& path) const;
    void read_cpu(const std::string& path, Usage& into) const;
    void read_memory(const std::string& path, Usage& into) const;
    void read_hugepages(const std::string& path, Usage& into) const;
    void read_rest(const std::string& path, Usage& into) const;
};

Result<WritesByController> V1::limits(const model::oci::Resources& resources) const {
    WritesByController writes = TRY(v1_limits(resources, machine_));
    auto devices = TRY(device_writes(TRY(normalise(resources.devices))));
    if (!devices.empty() && !machine_.support.devices)
        return Error(ErrorKind::unsupported, "device rules were asked for, but this machine has no devices cgroup");
    if (!devices.empty()) writes["devices"] = std::move(devices);
    return writes;
}

Result<Plan> V1::plan(std::string_view text, const model::oci::Resources& resources) const {
    std::string path = TRY(check_path(text));
    WritesByController writes = TRY(limits(resources));
    Plan plan;
    for (const Hierarchy& h : machine_.v1) {
        Dir dir = dir_in(h, path);
        bool wanted = false;
        for (const std::string& controller : h.controllers) {
            wanted = wanted || std::ranges::find(always, controller) != always.end() ||
                     (machine_.join_named && controller.starts_with("name="));
            auto found = writes.find(controller);
            if (found == writes.end()) continue;
            wanted = true;
            dir.writes.insert(dir.writes.end(), found->second.begin(), found->second.end());
        }
        if (!wanted) continue;
        dir.late = take_late(dir.writes);
        // cpuset mounted together with another one.
        if (has(h, "cpuset") && !writes.contains("cpuset"))
            for (const char* file : {"cpuset.cpus", "cpuset.mems"})
                dir.writes.push_back({.file = file, .value = {}, .inherit = true});
        plan.dirs.push_back(std::move(dir));
    }
    return plan;
}

Result<Plan> V1::locate(std::string_view text) const {
    std::string path = TRY(check_path(text));
    Plan plan;
    for (const Hierarchy& h : machine_.v1)
        if (sys::exists(h.mount + path)) plan.dirs.push_back(dir_in(h, path));
    return plan;
}

void V1::read_cpu(const std::string& path, Usage& into) const {
    if (auto at = folder("cpuacct", path); at.ok()) {
        into.cpu_total_ns = number_in(*at + "cpuacct.usage");
        into.cpu_user_ns = number_in(*at + "cpuacct.usage_user");
        into.cpu_kernel_ns = number_in(*at + "cpuacct.usage_sys");
        into.cpu_per_core_ns = parse_numbers(text_of(*at + "cpuacct.usage_percpu"));
    }
    if (auto at = folder("cpu", path); at.ok()) {
        auto stat = parse_keyed(text_of(*at + "cpu.stat"));
        into.periods = stat["nr_periods"];
        into.throttled_periods = stat["nr_throttled"];
        into.throttled_ns = stat["throttled_time"];
    }
}

// prefix + "usage_in_bytes" and so on; nullopt when the kernel doesn't count it.
std::optional<MemoryCounter> counter(const std::string& prefix) {
    auto usage = sys::read_file(prefix + "usage_in_bytes");
    if (!usage.ok()) return std::nullopt;
    constexpr uint64_t unlimited = uint64_t{1} << 62; // some 2^63, whole pages
    MemoryCounter c;
    c.usage = parse_number(*usage);
    c.max_usage = number_in(prefix + "max_usage_in_bytes");
    c.failcnt = number_in(prefix + "failcnt");
    c.limit = number_in(prefix + "limit_in_bytes");
    if (c.limit >= unlimited) c.limit = UINT64_MAX;
    return c;
}

void V1::read_memory(const std::string& path, Usage& into) const {
    auto at = folder("memory", path);
    if (!at.ok()) return;
    into.memory_usage = number_in(*at + "memory.usage_in_bytes");
    into.memory_max_usage = number_in(*at + "memory.max_usage_in_bytes");
    into.memory_failcnt = number_in(*at + "memory.failcnt");
    into.memory_stats = parse_keyed(text_of(*at + "memory.stat"));
    // Unlimited reads as some 2^63.
    into.memory_limit = number_in(*at + "memory.limit_in_bytes");
    if (machine_.memory_total != 0) into.memory_limit = std::min(into.memory_limit, machine_.memory_total);
    into.oom_kills = parse_keyed(text_of(*at + "memory.oom_control"))["oom_kill"];
    into.swap = counter(*at + "memory.memsw.");
    into.kernel = counter(*at + "memory.kmem.");
    into.kernel_tcp = counter(*at + "memory.kmem.tcp.");
}

void V1::read_hugepages(const std::string& path, Usage& into) const {
    auto at = folder("hugetlb", path);
    if (!at.ok() || !sys::exists(*at)) return;
    for (const std::string& size : hugepage_sizes())
        if (auto found = counter(*at + "hugetlb." + size + ".")) into.hugepages.emplace(size, *found);
}

void V1::read_rest(const std::string& path, Usage& into) const {
    if (auto at = folder("pids", path); at.ok()) {
        into.pids_current = number_in(*at + "pids.current");
        uint64_t limit = number_in(*at + "pids.max");
        into.pids_limit = limit == UINT64_MAX ? 0 : limit;
    }
    auto at = folder("blkio", path);
    if (!at.ok()) return;
    // Whichever of the two counts on this kernel.
    for (const char* prefix : {"blkio.bfq.", "blkio.throttle."}) {
        if (!into.io_service_bytes.empty()) break;
        into.io_service_bytes = parse_blkio(text_of(*at + prefix + "io_service_bytes_recursive"));
        into.io_serviced = parse_blkio(text_of(*at + prefix + "io_serviced_recursive"));
    }
}

Result<Usage> V1::usage(std::string_view text) const {
    std::string path = TRY(check_path(text));
    std::string any = TRY(any_folder(path));
    if (!sys::exists(any)) return Error(ErrorKind::not_found, "no cgroup " + any);
    Usage usage;
    read_cpu(path, usage);
    read_memory(path, usage);
    read_hugepages(path, usage);
    read_rest(path, usage);
    return usage;
}

Result<std::vector<pid_t>> V1::pids(std::string_view text) const {
    return pids_below(TRY(any_folder(TRY(check_path(text)))));
}

Result<bool> V1::frozen(std::string_view text) const {
    std::string at = TRY(folder("freezer", TRY(check_path(text))));
    std::string state = TRY(sys::read_file(at + "freezer.state"));
    return state.starts_with("FROZEN");
}

Result<void> V1::freeze(std::string_view text) const {
    std::string file = TRY(folder("freezer", TRY(check_path(text)))) + "freezer.state";
    TRY(sys::write_existing(file, "FROZEN"));
    auto is_frozen = [&]() -> Result<bool> {
        std::string state = TRY(sys::read_file(file));
        if (state.starts_with("FROZEN")) return true;
        // A process forked while the kernel was going through them is frozen
        // only by asking again.
        TRY(sys::write_existing(file, "FROZEN"));
        return false;
    };
    auto done = wait_until(is_frozen, freeze_patience_ms, "freezing");
    if (!done.ok()) (void)sys::write_existing(file, "THAWED");
    return done;
}

Result<void> V1::thaw(std::string_view text) const {
    return sys::write_existing(TRY(folder("freezer", TRY(check_path(text)))) + "freezer.state", "THAWED");
}

Result<void> V1::kill_all(std::string_view text) const {
    std::string path = TRY(check_path(text));
    return kill_below(TRY(any_folder(path)), [&] { (void)thaw(path); });
}

Result<void> V1::update_memory(const std::string& path, std::vector<Write> writes) const {
    auto limit = std::ranges::find(writes, "memory.limit_in_bytes", &Write::file);
    bool both = std::ranges::find(writes, "memory.memsw.limit_in_bytes", &Write::file) != writes.end();
    // No limit of memory alone: the sum's would be one.
    if (limit != writes.end() && limit->value == "-1" && !both && machine_.support.swap)
        writes.insert(limit, {.file = "memory.memsw.limit_in_bytes", .value = "-1"});
    // use_hierarchy can't be changed with folders below; nor is it a limit.
    std::erase_if(writes, [](const Write& w) { return w.file == "memory.use_hierarchy"; });
    return do_writes(TRY(folder("memory", path)), writes);
}

// The folder of a controller that no limit needed at the start.
Result<void> V1::make_late(const std::string& controller, const std::string& path) const {
    const Hierarchy* h = find(controller);
    if (!h || sys::exists(h->mount + path)) return {};
    Dir dir = dir_in(*h, path);
    if (has(*h, "cpuset"))
        for (const char* file : {"cpuset.cpus", "cpuset.mems"})
            dir.writes.push_back({.file = file, .value = {}, .inherit = true});
    std::string procs = dir.folder() + "/cgroup.procs";
    TRY(create({.dirs = {std::move(dir)}}));
    // Those that fork meanwhile show up in the next round.
    for (int round = 0; round < 3; ++round)
        for (pid_t pid : TRY(pids(path))) {
            auto moved = sys::write_existing(procs, std::to_string(pid));
            if (!moved.ok() && moved.error().code() != ESRCH) return moved;
        }
    return {};
}

Result<void> V1::update(std::string_view text, const model::oci::Resources& resources) const {
    std::string path = TRY(check_path(text));
    WritesByController writes = TRY(limits(resources));
    auto context = [&] { return "update cgroup " + path; };
    // First, as it is the one that may have to be refused with nothing changed.
    if (auto memory = writes.find("memory"); memory != writes.end())
        TRY(update_memory(path, std::move(memory->second)).context(context));
    writes.erase("memory");
    for (const auto& [controller, list] : writes) {
        TRY(make_late(controller, path).context(context));
        TRY(do_writes(TRY(folder(controller, path)), list).context(context));
    }
    return {};
}

Result<UniqueFd> V1::watch_oom(std::string_view text) const {
    std::string at = TRY(folder("memory", TRY(check_path(text))));
    UniqueFd counter = TRY(sys::make_eventfd());
    UniqueFd control = TRY(sys::open(at + "memory.oom_control", O_RDONLY));
    TRY(sys::write_existing(at + "cgroup.event_control",
                            std::to_string(counter.get()) + " " + std::to_string(control.get())));
    return counter;
}

} // namespace

std::unique_ptr<Cgroups> make_v1(Machine machine) { return std::make_unique<V1>(std::move(machine)); }

} // namespace hull::kernel::cgroup
