#include "usage_reader.h"

#include <array>
#include <charconv>

#include "sys/file.h"

namespace hull {

namespace {

constexpr uint64_t ns_per_tick = 10'000'000; // USER_HZ is 100 on every architecture of ours

std::string_view take_line(std::string_view& text) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

std::string_view take_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    size_t end = std::min(line.find(' '), line.size());
    std::string_view word = line.substr(0, end);
    line.remove_prefix(end);
    return word;
}

uint64_t take_number(std::string_view& line) {
    std::string_view word = take_word(line);
    uint64_t value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    return value;
}

std::vector<engine::BlkioEntry> blkio(const std::vector<kernel::cgroup::IoEntry>& entries) {
    std::vector<engine::BlkioEntry> out;
    out.reserve(entries.size());
    for (const auto& e : entries) out.push_back({e.major, e.minor, e.op, e.value});
    return out;
}

} // namespace

std::map<std::string, engine::NetworkCounters> parse_net_dev(std::string_view text) {
    std::map<std::string, engine::NetworkCounters> out;
    while (!text.empty()) {
        std::string_view line = take_line(text);
        size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue; // the two lines of headings
        std::string_view head = line.substr(0, colon);
        std::string name(take_word(head));
        if (name == "lo") continue;
        line.remove_prefix(colon + 1);
        std::array<uint64_t, 16> n{};
        for (uint64_t& value : n) value = take_number(line);
        out[name] = {n[0], n[1], n[2], n[3], n[8], n[9], n[10], n[11]};
    }
    return out;
}

MachineCpu parse_proc_stat(std::string_view text) {
    MachineCpu cpu;
    while (!text.empty()) {
        std::string_view line = take_line(text);
        std::string_view name = take_word(line);
        if (name == "cpu") {
            // user nice system idle iowait irq softirq steal; what follows is
            // part of the first two.
            for (int i = 0; i < 8; ++i) cpu.total_ns += take_number(line) * ns_per_tick;
        } else if (name.starts_with("cpu")) {
            ++cpu.online;
        }
    }
    return cpu;
}

Result<engine::ResourceUsage> read_usage(const kernel::cgroup::Cgroups& cgroups, const std::string& cgroup, int pid) {
    kernel::cgroup::Usage of_group = TRY(cgroups.usage(cgroup));
    engine::ResourceUsage usage;
    usage.read = wall_now();
    usage.cpu_total_ns = of_group.cpu_total_ns;
    usage.cpu_user_ns = of_group.cpu_user_ns;
    usage.cpu_kernel_ns = of_group.cpu_kernel_ns;
    usage.cpu_per_core_ns = std::move(of_group.cpu_per_core_ns);
    usage.throttled_periods = of_group.throttled_periods;
    usage.periods = of_group.periods;
    usage.throttled_ns = of_group.throttled_ns;
    usage.memory_usage = of_group.memory_usage;
    usage.memory_max_usage = of_group.memory_max_usage;
    usage.memory_limit = of_group.memory_limit;
    usage.memory_failcnt = of_group.memory_failcnt;
    usage.memory_stats = std::move(of_group.memory_stats);
    usage.pids_current = of_group.pids_current;
    usage.pids_limit = of_group.pids_limit;
    usage.io_service_bytes = blkio(of_group.io_service_bytes);
    usage.io_serviced = blkio(of_group.io_serviced);
    MachineCpu machine = parse_proc_stat(TRY(sys::read_file("/proc/stat")));
    usage.system_cpu_ns = machine.total_ns;
    usage.online_cpus = machine.online;
    if (pid > 0) usage.networks = parse_net_dev(TRY(sys::read_file("/proc/" + std::to_string(pid) + "/net/dev")));
    return usage;
}

} // namespace hull
