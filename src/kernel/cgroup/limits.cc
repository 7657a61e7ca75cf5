#include "kernel/cgroup/limits.h"

#include <algorithm>
#include <cmath>

namespace hull::kernel::cgroup {

uint64_t weight_of_shares(uint64_t shares) {
    if (shares <= 2) return 1;
    if (shares >= 262144) return 10000;
    double log = std::log2(static_cast<double>(shares));
    double exponent = (log * log + 125 * log) / 612.0 - 7.0 / 34.0;
    return static_cast<uint64_t>(std::ceil(std::pow(10, exponent)));
}

uint64_t weight_of_blkio(uint64_t weight) { return 1 + ((weight - 10) * 9999) / 990; }

namespace {

Result<void> check_memory(const model::oci::MemoryLimits& m) {
    for (auto value : {m.limit, m.reservation, m.swap, m.kernel, m.kernel_tcp})
        if (value && *value < -1) return invalid("memory limit " + std::to_string(*value) + " is negative");
    if (m.swappiness && *m.swappiness > 100)
        return invalid("memory swappiness " + std::to_string(*m.swappiness) + " is not within 0 to 100");
    bool limit = m.limit.value_or(0) > 0, swap = m.swap.value_or(0) > 0;
    if (limit && swap && *m.swap < *m.limit)
        return invalid("memory+swap limit " + std::to_string(*m.swap) + " is smaller than the memory limit " +
                       std::to_string(*m.limit));
    return {};
}

Result<void> check_cpu(const model::oci::CpuLimits& c) {
    uint64_t shares = c.shares.value_or(0);
    if (shares == 1) return invalid("the minimum allowed cpu-shares is 2");
    if (shares > 262144) return invalid("the maximum allowed cpu-shares is 262144");
    if (c.quota && *c.quota < -1) return invalid("cpu quota " + std::to_string(*c.quota) + " is negative");
    if (c.burst && c.quota.value_or(0) > 0 && *c.burst > static_cast<uint64_t>(*c.quota))
        return invalid("cpu burst " + std::to_string(*c.burst) + " is larger than the quota " +
                       std::to_string(*c.quota));
    if (c.idle && *c.idle != 0 && *c.idle != 1)
        return invalid("cpu idle " + std::to_string(*c.idle) + " is neither 0 nor 1");
    for (const std::string& list : {c.cpus, c.mems})
        if (list.find_first_not_of("0123456789,- ") != list.npos)
            return invalid("\"" + list + "\" is no list of numbers");
    return {};
}

Result<void> check_block_io(const model::oci::BlockIoLimits& b) {
    auto out_of_range = [](uint16_t weight) { return weight != 0 && (weight < 10 || weight > 1000); };
    auto complain = [](uint16_t weight) {
        return invalid("block I/O weight " + std::to_string(weight) + " is not within 10 to 1000");
    };
    if (out_of_range(b.weight.value_or(0))) return complain(*b.weight);
    for (const auto& device : b.weight_device)
        if (out_of_range(device.weight.value_or(0))) return complain(*device.weight);
    return {};
}

// One name inside the cgroup's own folder.
Result<void> check_file(const std::string& name) {
    if (name.find('/') != name.npos || name.find('.') == name.npos || name.starts_with('.') ||
        name.find('\0') != name.npos)
        return invalid("\"" + name + "\" is no cgroup file");
    return {};
}

// Files of the core say which processes are where and what they do; only a few
// of them are limits.
Result<void> check_unified(const std::string& name) {
    TRY(check_file(name));
    if (!name.starts_with("cgroup.") || name.starts_with("cgroup.max.") || name == "cgroup.pressure") return {};
    return invalid("unified: \"" + name + "\" is no limit");
}

// One word in a line that holds more.
bool is_word(const std::string& text) {
    return !text.empty() &&
           std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; });
}

Result<void> check_network(const model::oci::NetworkLimits& n) {
    for (const auto& p : n.priorities)
        if (!is_word(p.name)) return invalid("network priority: \"" + p.name + "\" is no name of an interface");
    return {};
}

Result<void> check_rdma(const std::string& device, const model::oci::RdmaLimit& limit) {
    if (!is_word(device)) return invalid("rdma: \"" + device + "\" is no name of a device");
    if (!limit.hca_handles && !limit.hca_objects)
        return invalid("rdma device " + device + " has neither hcaHandles nor hcaObjects");
    return {};
}

} // namespace

Result<void> check_limits(const model::oci::Resources& r) {
    if (r.memory) TRY(check_memory(*r.memory));
    if (r.cpu) TRY(check_cpu(*r.cpu));
    if (r.block_io) TRY(check_block_io(*r.block_io));
    for (const auto& page : r.hugepage_limits) TRY(check_file("hugetlb." + page.page_size + ".max"));
    if (r.network) TRY(check_network(*r.network));
    for (const auto& [device, limit] : r.rdma) TRY(check_rdma(device, limit));
    for (const auto& [file, value] : r.unified) TRY(check_unified(file));
    return {};
}

std::vector<Write> take_late(std::vector<Write>& writes) {
    std::vector<Write> late;
    std::erase_if(writes, [&](Write& w) {
        bool is_late = w.file == "pids.max" && w.value == "1";
        if (is_late) late.push_back(std::move(w));
        return is_late;
    });
    return late;
}

std::string rdma_line(const std::string& device, const model::oci::RdmaLimit& limit) {
    std::string line = device;
    if (limit.hca_handles) line += " hca_handle=" + std::to_string(*limit.hca_handles);
    if (limit.hca_objects) line += " hca_object=" + std::to_string(*limit.hca_objects);
    return line;
}

} // namespace hull::kernel::cgroup
