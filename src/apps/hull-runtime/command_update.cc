// update, events.

#include <unistd.h>

#include "apps/hull-runtime/context.h"
#include "codec/json.h"
#include "sys/file.h"
#include "sys/sleep.h"

namespace hull::oci_runtime {

namespace {

namespace oci = model::oci;

Result<std::string> read_all(BorrowedFd fd, size_t limit) {
    std::string out;
    std::string buffer(65536, '\0');
    for (;;) {
        size_t n = TRY(sys::read(fd, buffer));
        if (n == 0) return out;
        out.append(buffer, 0, n);
        if (out.size() > limit) return Error(ErrorKind::too_large, "the resources are larger than 4 MiB");
    }
}

Result<std::string> read_resources(const std::string& path) {
    constexpr size_t limit = size_t{4} << 20;
    if (path == "-") return read_all(BorrowedFd(STDIN_FILENO), limit);
    return sys::read_file(path, limit);
}

// "64m", "-1", "1073741824".
Result<int64_t> parse_bytes(const std::string& flag, const std::string& text) {
    auto wrong = [&] { return Error(ErrorKind::invalid_argument, "invalid value for " + flag + ": " + text); };
    if (text == "-1") return int64_t{-1};
    size_t digits = text.find_first_not_of("0123456789");
    std::string number = text.substr(0, digits), unit = digits == text.npos ? "" : text.substr(digits);
    if (number.empty() || number.size() > 15 || unit.size() > 2) return wrong();
    int64_t value = std::stoll(number);
    if (unit.size() == 2 && unit[1] != 'b' && unit[1] != 'B') return wrong();
    switch (unit.empty() ? 'b' : unit[0] | 0x20) {
    case 'b': return value;
    case 'k': return value << 10;
    case 'm': return value << 20;
    case 'g':
        if (value < int64_t{1} << 30) return value << 30;
        [[fallthrough]];
    default: return wrong();
    }
}

Result<oci::Resources> from_flags(const Args& args) {
    oci::Resources r;
    r.memory.emplace();
    r.cpu.emplace();
    auto bytes = [&](const char* flag, std::optional<int64_t>& into) -> Result<void> {
        if (auto text = args.value(flag); !text.empty()) into = TRY(parse_bytes(flag, text));
        return {};
    };
    auto number = [&](const char* flag, auto& into) -> Result<void> {
        if (args.has(flag)) into = TRY(args.number(flag, 0));
        return {};
    };
    TRY(bytes("memory", r.memory->limit));
    TRY(bytes("memory-reservation", r.memory->reservation));
    TRY(bytes("memory-swap", r.memory->swap));
    TRY(number("cpu-period", r.cpu->period));
    TRY(number("cpu-share", r.cpu->shares));
    TRY(number("cpu-rt-period", r.cpu->realtime_period));
    TRY(number("cpu-rt-runtime", r.cpu->realtime_runtime));
    if (args.value("cpu-quota") == "-1")
        r.cpu->quota = -1;
    else
        TRY(number("cpu-quota", r.cpu->quota));
    r.cpu->cpus = args.value("cpuset-cpus");
    r.cpu->mems = args.value("cpuset-mems");
    if (args.value("pids-limit") == "-1")
        r.pids_limit = -1;
    else
        TRY(number("pids-limit", r.pids_limit));
    if (args.has("blkio-weight")) {
        int64_t weight = TRY(args.number("blkio-weight", 0));
        if (weight > 1000) return Error(ErrorKind::invalid_argument, "blkio-weight is above 1000");
        r.block_io.emplace();
        r.block_io->weight = static_cast<uint16_t>(weight);
    }
    return r;
}

} // namespace

Result<int> run_update(Context& context, const Args& args) {
    Container container = TRY(context.store.load(args.words()[0]));
    TRY(context.need_cgroups());
    for (const char* flag : {"l3-cache-schema", "mem-bw-schema"})
        if (!args.value(flag).empty())
            return Error(ErrorKind::unsupported, std::string("--") + flag + " is not supported");
    oci::Resources resources;
    if (auto path = args.value("resources"); !path.empty()) {
        resources = TRY(oci::parse_resources(TRY(read_resources(path))));
        if (resources.pids_limit == 0) resources.pids_limit.reset(); // Go's "unchanged"
    } else {
        resources = TRY(from_flags(args));
    }
    resources.devices.clear(); // as runc: the rules of the start stay
    TRY(context.cgroups->update(container.cgroup_path, resources));
    return 0;
}

namespace {

json::Array blkio(const std::vector<kernel::cgroup::IoEntry>& entries) {
    json::Array out;
    for (const auto& e : entries)
        out.push_back(json::Object{{"major", e.major}, {"minor", e.minor}, {"op", e.op}, {"value", e.value}});
    return out;
}

std::string stats_line(const std::string& id, const kernel::cgroup::Usage& u) {
    json::Object cpu{{"usage", json::Object{{"total", u.cpu_total_ns},
                                            {"percpu", json::encode(u.cpu_per_core_ns)},
                                            {"kernel", u.cpu_kernel_ns},
                                            {"user", u.cpu_user_ns}}},
                     {"throttling", json::Object{{"periods", u.periods},
                                                 {"throttledPeriods", u.throttled_periods},
                                                 {"throttledTime", u.throttled_ns}}}};
    json::Object memory{{"usage", json::Object{{"limit", u.memory_limit},
                                               {"usage", u.memory_usage},
                                               {"max", u.memory_max_usage},
                                               {"failcnt", u.memory_failcnt}}},
                        {"raw", json::encode(u.memory_stats)}};
    json::Object data{{"cpu", cpu},
                      {"memory", memory},
                      {"pids", json::Object{{"current", u.pids_current}, {"limit", u.pids_limit}}},
                      {"blkio", json::Object{{"ioServiceBytesRecursive", blkio(u.io_service_bytes)},
                                             {"ioServicedRecursive", blkio(u.io_serviced)}}}};
    return json::print(json::Object{{"type", "stats"}, {"id", id}, {"data", data}}) + "\n";
}

} // namespace

Result<int> run_events(Context& context, const Args& args) {
    Container container = TRY(context.store.load(args.words()[0]));
    TRY(context.need_cgroups());
    std::string interval = args.value("interval");
    if (interval.ends_with('s')) interval.pop_back();
    if (interval.empty()) interval.push_back('5');
    if (interval.find_first_not_of("0123456789") != interval.npos || interval.size() > 6 || interval == "0")
        return Error(ErrorKind::invalid_argument, "--interval takes whole seconds, as in 5s");
    for (;;) {
        if (!is_alive(container)) {
            if (args.has("stats")) return Error(ErrorKind::conflict, "container is not running");
            return 0;
        }
        TRY(print(stats_line(container.id, TRY(context.cgroups->usage(container.cgroup_path)))));
        if (args.has("stats")) return 0;
        sys::sleep_ms(std::stoi(interval) * 1000);
    }
}

} // namespace hull::oci_runtime
