#include "kernel/cgroup/limits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/field_path.h"

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
    const std::array<std::pair<const char*, std::optional<int64_t>>, 5> amounts{{{"limit", m.limit},
                                                                                 {"reservation", m.reservation},
                                                                                 {"swap", m.swap},
                                                                                 {"kernel", m.kernel},
                                                                                 {"kernelTCP", m.kernel_tcp}}};
    for (const auto& [name, value] : amounts)
        if (value && *value < -1) return bad_field(name, *value, "is negative");
    if (m.swappiness && *m.swappiness > 100) return bad_field("swappiness", *m.swappiness, "is not within 0 to 100");
    bool limit = m.limit.value_or(0) > 0, swap = m.swap.value_or(0) > 0;
    if (limit && swap && *m.swap < *m.limit)
        return bad_field("swap", *m.swap,
                         "memory+swap limit is smaller than the memory limit " + std::to_string(*m.limit));
    return {};
}

Result<void> check_list(const char* name, const std::string& list) {
    if (list.find_first_not_of("0123456789,- ") != list.npos) return bad_field(name, list, "is no list of numbers");
    return {};
}

Result<void> check_cpu(const model::oci::CpuLimits& c) {
    uint64_t shares = c.shares.value_or(0);
    if (shares == 1) return bad_field("shares", shares, "the minimum allowed cpu-shares is 2");
    if (shares > 262144) return bad_field("shares", shares, "the maximum allowed cpu-shares is 262144");
    if (c.quota && *c.quota < -1) return bad_field("quota", *c.quota, "is negative");
    if (c.burst && c.quota.value_or(0) > 0 && *c.burst > static_cast<uint64_t>(*c.quota))
        return bad_field("burst", *c.burst, "is larger than the quota " + std::to_string(*c.quota));
    if (c.idle && *c.idle != 0 && *c.idle != 1) return bad_field("idle", *c.idle, "is neither 0 nor 1");
    TRY(check_list("cpus", c.cpus));
    TRY(check_list("mems", c.mems));
    return {};
}

Result<void> check_block_io(const model::oci::BlockIoLimits& b) {
    auto check_weight = [](std::optional<uint16_t> weight) -> Result<void> {
        uint16_t w = weight.value_or(0);
        if (w == 0 || (w >= 10 && w <= 1000)) return {};
        return bad_field("weight", w, "block I/O weight is not within 10 to 1000");
    };
    TRY(check_weight(b.weight));
    for (size_t i = 0; i < b.weight_device.size(); ++i)
        TRY(in_member(in_element(check_weight(b.weight_device[i].weight), i), "weightDevice"));
    return {};
}

// One name inside the cgroup's own folder.
Result<void> check_file(const std::string& name) {
    if (name.find('/') != name.npos || name.find('.') == name.npos || name.starts_with('.') ||
        name.find('\0') != name.npos)
        return bad_field("", name, "is no cgroup file");
    return {};
}

// Files of the core say which processes are where and what they do; only a few
// of them are limits.
Result<void> check_unified(const std::string& name) {
    TRY(check_file(name));
    if (!name.starts_with("cgroup.") || name.starts_with("cgroup.max.") || name == "cgroup.pressure") return {};
    return bad_field("", name, "is no limit");
}

// One word in a line that holds more.
bool is_word(const std::string& text) {
    return !text.empty() &&
           std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; });
}

Result<void> check_network(const model::oci::NetworkLimits& n) {
    for (size_t i = 0; i < n.priorities.size(); ++i) {
        const std::string& name = n.priorities[i].name;
        if (!is_word(name))
            return in_member(in_element(bad_field("name", name, "is no name of an interface"), i), "priorities");
    }
    return {};
}

Result<void> check_rdma(const std::string& device, const model::oci::RdmaLimit& limit) {
    if (!is_word(device)) return bad_field("", device, "is no name of a device");
    if (!limit.hca_handles && !limit.hca_objects) return bad_field("", device, "has neither hcaHandles nor hcaObjects");
    return {};
}

Result<void> check_pages(const model::oci::HugepageLimit& limit) {
    if (!check_file("hugetlb." + limit.page_size + ".max").ok())
        return bad_field("pageSize", limit.page_size, "is no size of pages");
    return {};
}

Result<void> check_all(const model::oci::Resources& r) {
    if (r.memory) TRY(in_member(check_memory(*r.memory), "memory"));
    if (r.cpu) TRY(in_member(check_cpu(*r.cpu), "cpu"));
    if (r.block_io) TRY(in_member(check_block_io(*r.block_io), "blockIO"));
    for (size_t i = 0; i < r.hugepage_limits.size(); ++i)
        TRY(in_member(in_element(check_pages(r.hugepage_limits[i]), i), "hugepageLimits"));
    if (r.network) TRY(in_member(check_network(*r.network), "network"));
    for (const auto& [device, limit] : r.rdma) TRY(in_member(check_rdma(device, limit), "rdma"));
    for (const auto& [file, value] : r.unified) TRY(in_member(check_unified(file), "unified"));
    return {};
}

} // namespace

Result<void> check_limits(const model::oci::Resources& r) {
    return whole_path(in_member(check_all(r), "linux.resources"));
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
