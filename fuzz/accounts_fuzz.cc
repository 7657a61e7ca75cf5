// links: hull_runtime
// Input: user text, zero byte, passwd, zero byte, group.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/users.h"

using namespace hull;

namespace {

std::string_view take(std::string_view& rest) {
    std::string_view part = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    return part;
}

constexpr uint32_t highest = 0x7fffffff;

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    std::string_view user = take(rest), passwd = take(rest), group = take(rest);
    auto found = runtime::find_user(user, passwd, group);
    if (found.ok()) {
        if (found->uid > highest || found->gid > highest || found->home.empty()) __builtin_trap();
        // Without a passwd nobody is root by accident (CVE-2024-40635).
        bool says_root = user.empty() || user.starts_with(':') || user.starts_with('0') || user.starts_with('+') ||
                         user.starts_with('-');
        if (passwd.empty() && found->uid == 0 && !says_root) __builtin_trap();
    }
    (void)runtime::find_home(static_cast<uint32_t>(size), passwd);
    const std::string names[] = {std::string(user), "wheel"};
    auto groups = runtime::find_groups(names, group);
    if (groups.ok() && std::ranges::any_of(*groups, [](uint32_t gid) { return gid > highest; })) __builtin_trap();
    return 0;
}
