// cgroup v2: one hierarchy for all.

#include <algorithm>

#include <fcntl.h>

#include "kernel/cgroup/device_rules.h"
#include "kernel/cgroup/drivers.h"
#include "kernel/cgroup/files.h"
#include "kernel/cgroup/limits.h"
#include "kernel/cgroup/writes.h"
#include "sys/bpf.h"
#include "sys/file.h"
#include "sys/inotify.h"

namespace hull::kernel::cgroup {

namespace {

class V2 final : public Cgroups {
public:
    explicit V2(Machine machine) : machine_(std::move(machine)) {}

    Version version() const override { return Version::v2; }
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

    // The container's folder, with a closing slash.
    Result<std::string> folder(std::string_view path) const { return machine_.unified + TRY(check_path(path)) + "/"; }
};

Result<Plan> V2::plan(std::string_view text, const model::oci::Resources& resources) const {
    Dir dir;
    dir.hierarchy = machine_.unified;
    dir.path = TRY(check_path(text));
    dir.unified = true;
    dir.writes = TRY(v2_limits(resources, machine_));
    dir.late = take_late(dir.writes);
    dir.device_program = device_program(TRY(normalise(resources.devices)));
    // So that statistics count in any case: the first write of a controller
    // that the folders above don't hand on makes create() enable them all.
    if (dir.writes.empty() && machine_.support.memory) dir.writes.push_back({.file = "memory.max", .value = "max"});
    return Plan{.dirs = {std::move(dir)}};
}

Result<Plan> V2::locate(std::string_view text) const {
    Dir dir;
    dir.hierarchy = machine_.unified;
    dir.path = TRY(check_path(text));
    dir.unified = true;
    Plan plan;
    if (sys::exists(dir.folder())) plan.dirs.push_back(std::move(dir));
    return plan;
}

std::map<std::string, uint64_t> keyed_in(const std::string& file) {
    auto text = sys::read_file(file);
    return text.ok() ? parse_keyed(*text) : std::map<std::string, uint64_t>{};
}

void read_memory(const std::string& at, Usage& into) {
    into.memory_usage = number_in(at + "memory.current");
    into.memory_max_usage = number_in(at + "memory.peak"); // Linux 5.19
    into.memory_limit = number_in(at + "memory.max");
    into.memory_stats = keyed_in(at + "memory.stat");
    auto events = keyed_in(at + "memory.events");
    into.memory_failcnt = events["max"];
    into.oom_kills = events["oom_kill"];
    if (auto swap = sys::read_file(at + "memory.swap.current"); swap.ok()) {
        // Of both together, as v1 has it; their common peak isn't known.
        MemoryCounter& both = into.swap.emplace();
        both.usage = parse_number(*swap) + into.memory_usage;
        uint64_t limit = number_in(at + "memory.swap.max");
        bool unlimited = limit == UINT64_MAX || into.memory_limit == UINT64_MAX;
        both.limit = unlimited ? UINT64_MAX : limit + into.memory_limit;
        both.failcnt = keyed_in(at + "memory.swap.events")["fail"];
    }
    for (const std::string& size : hugepage_sizes()) {
        std::string prefix = at + "hugetlb." + size + ".";
        auto usage = sys::read_file(prefix + "current");
        if (!usage.ok()) continue;
        into.hugepages[size] = {.usage = parse_number(*usage),
                                .max_usage = 0,
                                .limit = number_in(prefix + "max"),
                                .failcnt = keyed_in(prefix + "events")["max"]};
    }
}

Result<Usage> V2::usage(std::string_view path) const {
    std::string at = TRY(folder(path));
    if (!sys::exists(at)) return Error(ErrorKind::not_found, "no cgroup " + at);
    Usage usage;
    auto cpu = keyed_in(at + "cpu.stat");
    usage.cpu_total_ns = cpu["usage_usec"] * 1000;
    usage.cpu_user_ns = cpu["user_usec"] * 1000;
    usage.cpu_kernel_ns = cpu["system_usec"] * 1000;
    usage.periods = cpu["nr_periods"];
    usage.throttled_periods = cpu["nr_throttled"];
    usage.throttled_ns = cpu["throttled_usec"] * 1000;
    read_memory(at, usage);
    if (machine_.memory_total != 0) usage.memory_limit = std::min(usage.memory_limit, machine_.memory_total);
    usage.pids_current = number_in(at + "pids.current");
    uint64_t limit = number_in(at + "pids.max");
    usage.pids_limit = limit == UINT64_MAX ? 0 : limit;
    if (auto text = sys::read_file(at + "io.stat"); text.ok()) parse_io_stat(*text, usage);
    usage.cpu_pressure = parse_pressure(text_of(at + "cpu.pressure"));
    usage.memory_pressure = parse_pressure(text_of(at + "memory.pressure"));
    usage.io_pressure = parse_pressure(text_of(at + "io.pressure"));
    return usage;
}

Result<std::vector<pid_t>> V2::pids(std::string_view path) const {
    std::string at = TRY(folder(path));
    at.pop_back();
    return pids_below(at);
}

Result<bool> V2::frozen(std::string_view path) const {
    std::string text = TRY(sys::read_file(TRY(folder(path)) + "cgroup.events"));
    return parse_keyed(text)["frozen"] == 1;
}

Result<void> V2::freeze(std::string_view path) const {
    std::string file = TRY(folder(path)) + "cgroup.freeze";
    TRY(sys::write_existing(file, "1"));
    auto done = wait_until([&] { return frozen(path); }, freeze_patience_ms, "freezing");
    if (!done.ok()) (void)sys::write_existing(file, "0");
    return done;
}

Result<void> V2::thaw(std::string_view path) const {
    return sys::write_existing(TRY(folder(path)) + "cgroup.freeze", "0");
}

Result<void> V2::kill_all(std::string_view path) const {
    std::string at = TRY(folder(path));
    auto killed = sys::write_existing(at + "cgroup.kill", "1"); // Linux 5.14
    if (!killed.ok() && killed.error().code() != ENOENT) return killed;
    at.pop_back();
    return kill_below(at, [&] { (void)thaw(path); });
}

// The new program takes the place of an old one, or joins before the old ones
// leave: at no time is more allowed.
Result<void> replace_devices(const std::string& at, const std::string& instructions) {
    UniqueFd dir = TRY(sys::open(at, O_RDONLY | O_DIRECTORY));
    auto old = TRY(sys::bpf_cgroup_device_programs(dir));
    UniqueFd program = TRY(sys::bpf_load_cgroup_device(instructions));
    bool replaced = false;
    if (!old.empty()) {
        auto done = sys::bpf_replace_cgroup_device(dir, program, old.back());
        if (!done.ok() && done.error().code() != EINVAL) return done;
        replaced = done.ok();
    }
    if (replaced)
        old.pop_back();
    else
        TRY(sys::bpf_attach_cgroup_device(dir, program));
    for (const UniqueFd& fd : old) TRY(sys::bpf_detach_cgroup_device(dir, fd));
    return {};
}

// v2 would take the processes' memory away, by killing some if need be.
Result<void> check_usage(const std::string& at, const model::oci::Resources& resources) {
    if (!resources.memory || !resources.memory->check_before_update.value_or(false)) return {};
    int64_t limit = resources.memory->limit.value_or(0);
    uint64_t usage = number_in(at + "memory.current");
    if (limit <= 0 || usage <= static_cast<uint64_t>(limit)) return {};
    return Error(ErrorKind::conflict, "the memory limit " + std::to_string(limit) + " is below the " +
                                          std::to_string(usage) +
                                          " bytes in use, and checkBeforeUpdate forbids that; nothing was changed");
}

// cpu.max is quota and period in one: a new period alone leaves the quota.
void keep_quota(const std::string& at, const model::oci::Resources& resources, std::vector<Write>& writes) {
    if (!resources.cpu || resources.cpu->quota.value_or(0) != 0 || resources.cpu->period.value_or(0) == 0) return;
    auto write = std::ranges::find(writes, "cpu.max", &Write::file);
    std::string now = text_of(at + "cpu.max");
    if (write != writes.end() && now.find(' ') != now.npos)
        write->value = now.substr(0, now.find(' ') + 1) + std::to_string(*resources.cpu->period);
}

Result<void> V2::update(std::string_view path, const model::oci::Resources& resources) const {
    std::string at = TRY(folder(path));
    auto writes = TRY(v2_limits(resources, machine_));
    auto rules = TRY(normalise(resources.devices));
    auto context = [&] { return "update cgroup " + std::string(path); };
    TRY(check_usage(at, resources).context(context));
    keep_quota(at, resources, writes);
    TRY(do_writes(at, writes).context(context));
    if (rules.empty()) return {};
    return replace_devices(at, device_program(rules)).context("update the device rules of cgroup " + std::string(path));
}

Result<UniqueFd> V2::watch_oom(std::string_view path) const {
    return sys::watch_file(TRY(folder(path)) + "memory.events");
}

} // namespace

std::unique_ptr<Cgroups> make_v2(Machine machine) { return std::make_unique<V2>(std::move(machine)); }

} // namespace hull::kernel::cgroup
