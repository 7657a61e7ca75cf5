// cgroup v2: one hierarchy for all.

#include <algorithm>

#include <fcntl.h>

#include "kernel/cgroup/device_rules.h"
#include "kernel/cgroup/drivers.h"
#include "kernel/cgroup/files.h"
#include "kernel/cgroup/limits.h"
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
    usage.memory_usage = number_in(at + "memory.current");
    usage.memory_max_usage = number_in(at + "memory.peak");
    usage.memory_stats = keyed_in(at + "memory.stat");
    usage.memory_failcnt = keyed_in(at + "memory.events")["max"];
    usage.memory_limit = number_in(at + "memory.max");
    if (machine_.memory_total != 0) usage.memory_limit = std::min(usage.memory_limit, machine_.memory_total);
    usage.pids_current = number_in(at + "pids.current");
    uint64_t limit = number_in(at + "pids.max");
    usage.pids_limit = limit == UINT64_MAX ? 0 : limit;
    if (auto text = sys::read_file(at + "io.stat"); text.ok()) parse_io_stat(*text, usage);
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

// The new program joins before the old ones leave: at no time is more allowed.
Result<void> replace_devices(const std::string& at, const std::string& instructions) {
    UniqueFd dir = TRY(sys::open(at, O_RDONLY | O_DIRECTORY));
    auto old = TRY(sys::bpf_cgroup_device_programs(dir));
    UniqueFd program = TRY(sys::bpf_load_cgroup_device(instructions));
    TRY(sys::bpf_attach_cgroup_device(dir, program));
    for (const UniqueFd& fd : old) TRY(sys::bpf_detach_cgroup_device(dir, fd));
    return {};
}

Result<void> V2::update(std::string_view path, const model::oci::Resources& resources) const {
    std::string at = TRY(folder(path));
    auto writes = TRY(v2_limits(resources, machine_));
    auto rules = TRY(normalise(resources.devices));
    for (const Write& write : writes)
        TRY(sys::write_existing(at + write.file, write.value).context("update cgroup " + std::string(path)));
    if (rules.empty()) return {};
    return replace_devices(at, device_program(rules)).context("update the device rules of cgroup " + std::string(path));
}

Result<UniqueFd> V2::watch_oom(std::string_view path) const {
    return sys::watch_file(TRY(folder(path)) + "memory.events");
}

} // namespace

std::unique_ptr<Cgroups> make_v2(Machine machine) { return std::make_unique<V2>(std::move(machine)); }

} // namespace hull::kernel::cgroup
