#include "kernel/cgroup/systemd/properties.h"

#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace hull::kernel::cgroup::systemd {

namespace {

constexpr uint64_t infinity = std::numeric_limits<uint64_t>::max();
constexpr uint64_t default_period_us = 100'000;
constexpr uint64_t second_us = 1'000'000;

std::string_view next_word(std::string_view& rest) {
    std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    return word;
}

// "max" and -1: infinity.
std::optional<uint64_t> amount(std::string_view text) {
    if (text == "max" || text == "-1") return infinity;
    uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

struct PlainProperty {
    std::string_view file, property;
};
// One number in the file, the same number in the property.
constexpr std::array<PlainProperty, 11> plain{{
    {"blkio.bfq.weight", "BlockIOWeight"},
    {"blkio.weight", "BlockIOWeight"},
    {"cpu.shares", "CPUShares"},
    {"cpu.weight", "CPUWeight"},
    {"memory.high", "MemoryHigh"},
    {"memory.limit_in_bytes", "MemoryLimit"},
    {"memory.low", "MemoryLow"},
    {"memory.max", "MemoryMax"},
    {"memory.min", "MemoryMin"},
    {"memory.swap.max", "MemorySwapMax"},
    {"pids.max", "TasksMax"},
}};

constexpr std::array<PlainProperty, 4> bandwidths{{
    {"rbps", "IOReadBandwidthMax"},
    {"riops", "IOReadIOPSMax"},
    {"wbps", "IOWriteBandwidthMax"},
    {"wiops", "IOWriteIOPSMax"},
}};

class LimitProperties {
public:
    void take(const Write& write);
    NamedValues finish();

private:
    NamedValues out_;
    std::optional<uint64_t> quota_, period_;

    void append(std::string_view name, std::string_view device, uint64_t number) {
        auto [entry, added] = out_.try_emplace(std::string(name), TextNumbers());
        std::get<TextNumbers>(entry->second).emplace_back("/dev/block/" + std::string(device), number);
    }
    void take_quota(std::string_view text) {
        quota_ = amount(next_word(text));
        if (auto period = amount(text)) period_ = period;
    }
    void take_io_weight(std::string_view text) {
        std::string_view device = next_word(text);
        auto weight = amount(text.empty() ? device : text);
        if (!weight) return;
        if (text.empty() || device == "default")
            out_["IOWeight"] = *weight;
        else
            append("IODeviceWeight", device, *weight);
    }
    void take_io_max(std::string_view text) {
        std::string_view device = next_word(text);
        while (!text.empty()) {
            std::string_view pair = next_word(text);
            size_t equals = pair.find('=');
            auto limit = equals == pair.npos ? std::nullopt : amount(pair.substr(equals + 1));
            if (!limit) continue;
            for (const auto& known : bandwidths)
                if (known.file == pair.substr(0, equals)) append(known.property, device, *limit);
        }
    }
    void take_list(const char* name, std::string_view list) {
        if (std::string bits = bits_of_list(list); !bits.empty()) out_[name] = Bytes{std::move(bits)};
    }
};

void LimitProperties::take(const Write& write) {
    if (write.inherit) return;
    std::string_view file = write.file, value = write.value;
    for (const auto& known : plain)
        if (known.file == file)
            if (auto number = amount(value)) out_[std::string(known.property)] = *number;
    if (file == "cpu.max") take_quota(value);
    if (file == "cpu.cfs_quota_us") quota_ = amount(value);
    if (file == "cpu.cfs_period_us") period_ = amount(value);
    if (file == "cpuset.cpus") take_list("AllowedCPUs", value);
    if (file == "cpuset.mems") take_list("AllowedMemoryNodes", value);
    if (file == "io.weight") take_io_weight(value);
    if (file == "io.max") take_io_max(value);
}

NamedValues LimitProperties::finish() {
    if (period_) out_["CPUQuotaPeriodUSec"] = *period_;
    if (!quota_ && !period_) return std::move(out_);
    uint64_t per_second = infinity;
    uint64_t period = period_.value_or(default_period_us);
    if (quota_ && *quota_ != infinity && period != 0 && *quota_ < infinity / second_us) {
        constexpr uint64_t step = 10'000;
        per_second = (*quota_ * second_us / period + step - 1) / step * step;
    }
    out_["CPUQuotaPerSecUSec"] = per_second;
    return std::move(out_);
}

} // namespace

std::string bits_of_list(std::string_view list) {
    constexpr uint64_t most = 8192; // CPUs that a kernel can have
    std::string bits;
    while (!list.empty()) {
        std::string_view range = list.substr(0, list.find(','));
        list.remove_prefix(std::min(list.size(), range.size() + 1));
        while (range.starts_with(' ')) range.remove_prefix(1);
        while (range.ends_with(' ')) range.remove_suffix(1);
        if (range.empty()) continue;
        size_t dash = range.find('-');
        auto first = amount(range.substr(0, dash));
        auto last = dash == range.npos ? first : amount(range.substr(dash + 1));
        if (!first || !last || *first > *last || *last >= most) return {};
        if (bits.size() <= *last / 8) bits.resize(*last / 8 + 1, '\0');
        for (uint64_t bit = *first; bit <= *last; ++bit)
            bits[bit / 8] = static_cast<char>(bits[bit / 8] | 1 << bit % 8);
    }
    return bits;
}

NamedValues limit_properties(std::span<const Write> writes) {
    LimitProperties properties;
    for (const Write& write : writes) properties.take(write);
    return properties.finish();
}

NamedValues device_properties(const std::vector<DeviceMatch>& rules) {
    NamedValues out;
    auto effective = allowed_only(rules);
    if (!effective) return out;
    TextPairs list;
    for (const DeviceMatch& m : *effective) {
        if (m.major == -1 && m.minor != -1) return out;
        std::string kind = m.type == 'b' ? "block" : "char";
        std::string access;
        for (auto [bit, letter] : {std::pair{access_read, 'r'}, {access_write, 'w'}, {access_mknod, 'm'}})
            if (m.access & bit) access += letter;
        if (m.major == -1)
            list.emplace_back(kind + "-*", access);
        else if (m.minor == -1)
            list.emplace_back(kind + "-" + std::to_string(m.major), access);
        else
            list.emplace_back("/dev/" + kind + "/" + std::to_string(m.major) + ":" + std::to_string(m.minor), access);
    }
    out["DevicePolicy"] = std::string("strict");
    out["DeviceAllow"] = std::move(list);
    return out;
}

std::string to_elements(const NamedValues& properties) {
    Properties out;
    for (const auto& [name, value] : properties) {
        // A list is added to what the unit has; the empty one first clears it.
        if (std::holds_alternative<TextPairs>(value)) out.add(name, TextPairs());
        if (std::holds_alternative<TextNumbers>(value)) out.add(name, TextNumbers());
        out.add(name, value);
    }
    return out.take();
}

std::string scope_properties(Version version, std::string_view slice, std::string_view description,
                             const NamedValues& limits, const NamedValues& annotations) {
    NamedValues all = annotations;
    all.insert(limits.begin(), limits.end());
    NamedValues rest{
        {"Description", std::string(description)},
        {"Slice", std::string(slice)},
        {"Delegate", true},
        {"DefaultDependencies", false},
        {"CPUAccounting", true},
        {"MemoryAccounting", true},
        {"TasksAccounting", true},
        {version == Version::v2 ? "IOAccounting" : "BlockIOAccounting", true},
    };
    all.insert(rest.begin(), rest.end());
    return to_elements(all);
}

} // namespace hull::kernel::cgroup::systemd
