#include "kernel/cgroup/details.h"

#include <algorithm>
#include <charconv>

#include "kernel/cgroup/files.h"

namespace hull::kernel::cgroup {

namespace {

std::string_view next_part(std::string_view& text, char separator) {
    std::string_view part = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    return part;
}

bool has_controller(const Dir& dir, std::string_view controller) {
    for (std::string_view rest = dir.name; !rest.empty();)
        if (next_part(rest, ',') == controller) return true;
    return false;
}

// cpuacct.usage_all: "cpu user system", then a line a CPU, in nanoseconds.
void read_per_cpu(const std::string& at, Details& into) {
    std::string text = text_of(at + "cpuacct.usage_all");
    std::string_view rest = text;
    next_part(rest, '\n');
    while (!rest.empty()) {
        auto numbers = parse_numbers(next_part(rest, '\n'));
        if (numbers.size() != 3) continue;
        into.percpu_user_ns.push_back(numbers[1]);
        into.percpu_kernel_ns.push_back(numbers[2]);
    }
}

void read_cpuset(const std::string& at, Details& into) {
    CpusetState& set = into.cpuset;
    set.cpus = parse_ranges(text_of(at + "cpuset.cpus"));
    set.mems = parse_ranges(text_of(at + "cpuset.mems"));
    set.cpu_exclusive = number_in(at + "cpuset.cpu_exclusive");
    set.mem_hardwall = number_in(at + "cpuset.mem_hardwall");
    set.mem_exclusive = number_in(at + "cpuset.mem_exclusive");
    set.memory_migrate = number_in(at + "cpuset.memory_migrate");
    set.memory_spread_page = number_in(at + "cpuset.memory_spread_page");
    set.memory_spread_slab = number_in(at + "cpuset.memory_spread_slab");
    set.memory_pressure = number_in(at + "cpuset.memory_pressure");
    set.sched_load_balance = number_in(at + "cpuset.sched_load_balance");
    std::string level = text_of(at + "cpuset.sched_relax_domain_level");
    std::from_chars(level.data(), level.data() + level.size(), set.sched_relax_domain_level);
}

void read_blkio(const std::string& at, Details& into) {
    auto entries = [&](const char* name) { return parse_blkio(text_of(at + "blkio.bfq." + name + "_recursive")); };
    into.io_queued = entries("io_queued");
    into.io_service_time = entries("io_service_time");
    into.io_wait_time = entries("io_wait_time");
    into.io_merged = entries("io_merged");
    into.io_time = entries("time");
    into.sectors = entries("sectors");
}

void read_v1(const Dir& dir, Details& into) {
    std::string at = dir.folder() + "/";
    if (has_controller(dir, "memory")) into.memory_limit = number_in(at + "memory.limit_in_bytes");
    if (has_controller(dir, "cpuacct")) read_per_cpu(at, into);
    if (has_controller(dir, "cpuset")) read_cpuset(at, into);
    if (has_controller(dir, "blkio")) read_blkio(at, into);
}

void read_v2(const Dir& dir, Details& into) {
    std::string at = dir.folder() + "/";
    into.memory_limit = number_in(at + "memory.max");
    into.cpuset.cpus = parse_ranges(text_of(at + "cpuset.cpus.effective"));
    into.cpuset.mems = parse_ranges(text_of(at + "cpuset.mems.effective"));
}

} // namespace

std::vector<uint16_t> parse_ranges(std::string_view text) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    std::vector<uint16_t> out;
    while (!text.empty()) {
        std::string_view range = next_part(text, ',');
        uint16_t first = 0;
        auto [end, error] = std::from_chars(range.data(), range.data() + range.size(), first);
        if (error != std::errc{}) return {};
        uint16_t last = first;
        const char* stop = range.data() + range.size();
        if (end != stop) {
            if (*end != '-') return {};
            auto [end2, error2] = std::from_chars(end + 1, stop, last);
            if (error2 != std::errc{} || end2 != stop || last < first) return {};
        }
        for (uint32_t n = first; n <= last; ++n) out.push_back(static_cast<uint16_t>(n));
    }
    return out;
}

Details read_details(const Plan& places) {
    Details details;
    for (const Dir& dir : places.dirs) dir.unified ? read_v2(dir, details) : read_v1(dir, details);
    return details;
}

} // namespace hull::kernel::cgroup
