#include "apps/hulld/process_metrics.h"

#include <cstdio>
#include <string_view>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "sys/file.h"

namespace hull {

namespace {

void add_metric(std::string& out, std::string_view name, std::string_view kind, std::string_view help, double value) {
    char number[40];
    int n = std::snprintf(number, sizeof number, " %.15g\n", value);
    out.append("# HELP ").append(name).append(" ").append(help).append("\n");
    out.append("# TYPE ").append(name).append(" ").append(kind).append("\n");
    out.append(name).append(number, static_cast<size_t>(n));
}

// The fields of /proc/self/stat behind the name, which may hold blanks: [0] is the state.
std::vector<double> own_stat() {
    std::vector<double> fields;
    auto text = sys::read_file("/proc/self/stat", 4096);
    if (!text.ok()) return fields;
    size_t at = text->rfind(')');
    if (at == text->npos) return fields;
    for (++at; (at = text->find_first_not_of(" \n", at)) != text->npos;) {
        fields.push_back(std::strtod(text->c_str() + at, nullptr));
        at = text->find(' ', at);
        if (at == text->npos) break;
    }
    return fields;
}

double boot_time() {
    auto text = sys::read_file("/proc/stat", size_t{4} << 20);
    size_t at = text.ok() ? text->find("\nbtime ") : std::string::npos;
    return at == std::string::npos ? 0 : std::strtod(text->c_str() + at + 7, nullptr);
}

} // namespace

api::ProcessUsage process_usage() {
    api::ProcessUsage usage;
    // The folder itself is open while it is read.
    if (auto open = sys::list_dir("/proc/self/fd"); open.ok()) usage.descriptors = static_cast<int>(open->size()) - 1;
    if (const std::vector<double> stat = own_stat(); stat.size() > 17) usage.threads = static_cast<int>(stat[17]);
    return usage;
}

std::string process_metrics() {
    std::string out;
    std::vector<double> stat = own_stat();
    if (stat.size() > 21) { // proc(5): utime 14, stime 15, starttime 22, vsize 23, rss 24
        auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
        auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
        add_metric(out, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.",
                   (stat[11] + stat[12]) / ticks);
        add_metric(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", stat[21] * page);
        add_metric(out, "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", stat[20]);
        add_metric(out, "process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.",
                   boot_time() + stat[19] / ticks);
        add_metric(out, "process_threads", "gauge", "Number of OS threads.", stat[17]);
    }
    if (auto open = sys::list_dir("/proc/self/fd"); open.ok())
        add_metric(out, "process_open_fds", "gauge", "Number of open file descriptors.",
                   static_cast<double>(open->size()) - 1);
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
        add_metric(out, "process_max_fds", "gauge", "Maximum number of open file descriptors.",
                   static_cast<double>(limit.rlim_cur));
    return out;
}

} // namespace hull
