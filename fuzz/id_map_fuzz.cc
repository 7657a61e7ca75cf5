// links: hull_kernel
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "kernel/namespaces.h"

using namespace hull;

namespace {

constexpr size_t range_bytes = 12;
constexpr uint64_t end_of_ids = UINT32_MAX;

// What the kernel takes: every id once on either side, none of them the last.
bool is_taken(const std::vector<kernel::IdMapping>& map) {
    if (map.empty() || map.size() > 340) return false;
    for (size_t i = 0; i < map.size(); ++i) {
        const auto& a = map[i];
        if (a.size == 0 || uint64_t{a.inside} + a.size > end_of_ids || uint64_t{a.outside} + a.size > end_of_ids)
            return false;
        for (size_t j = i + 1; j < map.size(); ++j) {
            const auto& b = map[j];
            auto apart = [&](uint64_t x, uint64_t y) { return x + a.size <= y || y + b.size <= x; };
            if (!apart(a.inside, b.inside) || !apart(a.outside, b.outside)) return false;
        }
    }
    return true;
}

std::vector<kernel::IdMapping> read_back(const std::string& text) {
    std::vector<kernel::IdMapping> map;
    const char* at = text.c_str();
    kernel::IdMapping range;
    int used = 0;
    while (std::sscanf(at, "%u %u %u\n%n", &range.inside, &range.outside, &range.size, &used) == 3) {
        map.push_back(range);
        at += used;
    }
    return map;
}

} // namespace

// Ranges of three numbers each.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::vector<kernel::IdMapping> map(size / range_bytes);
    for (size_t i = 0; i < map.size(); ++i) {
        uint32_t numbers[3];
        std::memcpy(numbers, data + i * range_bytes, range_bytes);
        map[i] = {numbers[0], numbers[1], numbers[2]};
    }
    if (kernel::check_id_map(map).ok() != is_taken(map)) __builtin_trap();
    auto again = read_back(kernel::id_map_text(map));
    if (again.size() != map.size()) __builtin_trap();
    for (size_t i = 0; i < map.size(); ++i)
        if (again[i].inside != map[i].inside || again[i].outside != map[i].outside || again[i].size != map[i].size)
            __builtin_trap();
    return 0;
}
