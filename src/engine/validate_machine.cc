// Checks of what a create request asks for against this machine.
#include <charconv>
#include <set>

#include "engine/validate.h"

namespace hull::engine {
namespace {

// "0-3,7" as numbers; nullopt: not such a list.
std::optional<std::set<int>> number_list(std::string_view text) {
    constexpr int kMost = 1 << 20;
    std::set<int> numbers;
    while (!text.empty()) {
        std::string_view part = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), part.size() + 1));
        int first = 0, last = 0;
        auto read = std::from_chars(part.data(), part.data() + part.size(), first);
        if (read.ec != std::errc()) return std::nullopt;
        last = first;
        if (read.ptr != part.data() + part.size()) {
            if (*read.ptr != '-') return std::nullopt;
            read = std::from_chars(read.ptr + 1, part.data() + part.size(), last);
            if (read.ec != std::errc() || read.ptr != part.data() + part.size()) return std::nullopt;
        }
        if (first < 0 || last < first || last > kMost) return std::nullopt;
        for (int n = first; n <= last; ++n) numbers.insert(n);
    }
    return numbers;
}

Result<void> check_list(const std::string& wanted, HostPort& machine, const char* file, const char* what,
                        const char* field) {
    if (wanted.empty()) return {};
    auto numbers = number_list(wanted);
    if (!numbers) return invalid("Invalid value " + wanted + " for " + field);
    auto text = machine.read_file(file, 4096);
    if (!text.ok()) return {}; // a kernel without: its cgroup will say
    std::string available = text->substr(0, text->find('\n'));
    auto known = number_list(available);
    if (!known) return {};
    for (int number : *numbers)
        if (!known->contains(number))
            return invalid(std::string("Requested ") + what + " are not available - requested " + wanted +
                           ", available: " + available);
    return {};
}

} // namespace

Result<void> validate_machine(const model::HostConfig& host, HostPort& machine) {
    TRY(check_list(host.cpuset_cpus, machine, "/sys/devices/system/cpu/online", "CPUs", "cpuset cpus"));
    TRY(check_list(host.cpuset_mems, machine, "/sys/devices/system/node/online", "memory nodes", "cpuset mems"));
    return {};
}

} // namespace hull::engine
