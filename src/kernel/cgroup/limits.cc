#include "kernel/cgroup/limits.h"

namespace hull::kernel::cgroup {

uint64_t weight_of_shares(uint64_t shares) { return 1 + ((shares - 2) * 9999) / 262142; }

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

} // namespace

Result<void> check_limits(const model::oci::Resources& r) {
    if (r.memory) TRY(check_memory(*r.memory));
    if (r.cpu) TRY(check_cpu(*r.cpu));
    if (r.block_io) TRY(check_block_io(*r.block_io));
    for (const auto& page : r.hugepage_limits) TRY(check_file("hugetlb." + page.page_size + ".max"));
    for (const auto& [file, value] : r.unified) TRY(check_file(file));
    return {};
}

} // namespace hull::kernel::cgroup
