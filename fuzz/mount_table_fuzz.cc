// links: hull_kernel
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "kernel/mount_table.h"

using namespace hull::kernel;

namespace {

std::string escaped(const std::string& text) {
    std::string out;
    for (char c : text) {
        if (c == ' ')
            out += "\\040";
        else if (c == '\t')
            out += "\\011";
        else if (c == '\n')
            out += "\\012";
        else if (c == '\\')
            out += "\\134";
        else
            out += c;
    }
    return out;
}

// As the kernel writes a line of /proc/self/mountinfo.
std::string printed(const MountRecord& r) {
    std::string line = std::to_string(r.id) + " " + std::to_string(r.parent) + " " + std::to_string(r.major) + ":" +
                       std::to_string(r.minor) + " " + escaped(r.root) + " " + escaped(r.mount_point) + " " + r.options;
    if (!r.propagation.empty()) line += " " + r.propagation;
    return line + " - " + escaped(r.fs_type) + " " + escaped(r.source) + " " + r.super_options + "\n";
}

bool same(const MountRecord& a, const MountRecord& b) {
    return a.id == b.id && a.parent == b.parent && a.major == b.major && a.minor == b.minor && a.root == b.root &&
           a.mount_point == b.mount_point && a.options == b.options && a.propagation == b.propagation &&
           a.fs_type == b.fs_type && a.source == b.source && a.super_options == b.super_options;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto table = parse_mount_table({reinterpret_cast<const char*>(data), size});
    if (!table.ok()) return 0;
    std::string text;
    for (const auto& record : *table) text += printed(record);
    auto again = parse_mount_table(text);
    if (!again.ok() || again->size() != table->size()) __builtin_trap();
    for (size_t i = 0; i < table->size(); ++i)
        if (!same((*table)[i], (*again)[i])) __builtin_trap();
    return 0;
}
