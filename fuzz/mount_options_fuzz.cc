// links: hull_kernel
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/mount_options.h"
#include "sys/mount.h"

using namespace hull;

namespace {

constexpr uint64_t known_attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
                                      MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW;

// A flag is set, cleared or left alone; only the mode of atime is cleared to be
// set anew.
void check_flags(uint64_t set, uint64_t clear) {
    if ((set | clear) & ~known_attributes) __builtin_trap();
    if (set & clear & ~uint64_t{MOUNT_ATTR__ATIME}) __builtin_trap();
    if (set & MOUNT_ATTR__ATIME && (clear & MOUNT_ATTR__ATIME) != MOUNT_ATTR__ATIME) __builtin_trap();
}

void check_propagation(uint64_t flags) {
    uint64_t kind = flags & ~uint64_t{MS_REC};
    if (kind & (kind - 1)) __builtin_trap();
    if (flags && !(kind & (MS_PRIVATE | MS_SLAVE | MS_SHARED | MS_UNBINDABLE))) __builtin_trap();
}

} // namespace

// The first byte says whether it is a bind, the rest is options by commas.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    std::vector<std::string> options;
    for (std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1); !rest.empty();) {
        size_t comma = rest.find(',');
        options.emplace_back(rest.substr(0, comma));
        rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
    }
    auto parsed = kernel::parse_mount_options(options, data[0] & 1);
    if (!parsed.ok()) return 0;
    check_flags(parsed->set, parsed->clear);
    check_flags(parsed->set_rec, parsed->clear_rec);
    check_propagation(parsed->propagation);
    if (parsed->bind && !parsed->data.empty()) __builtin_trap();
    // Later options win, so the same once more changes nothing.
    std::vector<std::string> twice = options;
    twice.insert(twice.end(), options.begin(), options.end());
    auto again = kernel::parse_mount_options(twice, data[0] & 1);
    if (!again.ok() || again->set != parsed->set || again->clear != parsed->clear ||
        again->set_rec != parsed->set_rec || again->clear_rec != parsed->clear_rec ||
        again->propagation != parsed->propagation || again->recursive != parsed->recursive)
        __builtin_trap();
    return 0;
}
