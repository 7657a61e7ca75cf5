#include "kernel/caps.h"

#include <array>

#include "sys/credentials.h"

namespace hull::kernel {

namespace {

// By number: <linux/capability.h>.
constexpr std::array<std::string_view, known_capabilities> names{"CHOWN",
                                                                 "DAC_OVERRIDE",
                                                                 "DAC_READ_SEARCH",
                                                                 "FOWNER",
                                                                 "FSETID",
                                                                 "KILL",
                                                                 "SETGID",
                                                                 "SETUID",
                                                                 "SETPCAP",
                                                                 "LINUX_IMMUTABLE",
                                                                 "NET_BIND_SERVICE",
                                                                 "NET_BROADCAST",
                                                                 "NET_ADMIN",
                                                                 "NET_RAW",
                                                                 "IPC_LOCK",
                                                                 "IPC_OWNER",
                                                                 "SYS_MODULE",
                                                                 "SYS_RAWIO",
                                                                 "SYS_CHROOT",
                                                                 "SYS_PTRACE",
                                                                 "SYS_PACCT",
                                                                 "SYS_ADMIN",
                                                                 "SYS_BOOT",
                                                                 "SYS_NICE",
                                                                 "SYS_RESOURCE",
                                                                 "SYS_TIME",
                                                                 "SYS_TTY_CONFIG",
                                                                 "MKNOD",
                                                                 "LEASE",
                                                                 "AUDIT_WRITE",
                                                                 "AUDIT_CONTROL",
                                                                 "SETFCAP",
                                                                 "MAC_OVERRIDE",
                                                                 "MAC_ADMIN",
                                                                 "SYSLOG",
                                                                 "WAKE_ALARM",
                                                                 "BLOCK_SUSPEND",
                                                                 "AUDIT_READ",
                                                                 "PERFMON",
                                                                 "BPF",
                                                                 "CHECKPOINT_RESTORE"};

} // namespace

std::optional<int> capability_number(std::string_view name) {
    std::string upper;
    for (char c : name) upper.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    std::string_view text = upper;
    if (text.starts_with("CAP_")) text.remove_prefix(4);
    for (size_t i = 0; i < names.size(); ++i)
        if (names[i] == text) return static_cast<int>(i);
    return std::nullopt;
}

std::string capability_name(int number) {
    if (number >= 0 && number < known_capabilities) return "CAP_" + std::string(names[static_cast<size_t>(number)]);
    return "CAP_" + std::to_string(number);
}

std::vector<std::string> capability_names(uint64_t mask) {
    std::vector<std::string> out;
    for (int i = 0; i < 64; ++i)
        if (mask >> i & 1) out.push_back(capability_name(i));
    return out;
}

uint64_t kernel_capabilities() {
    static const uint64_t mask = [] {
        // Beyond the kernel's last one, PR_CAPBSET_READ says EINVAL.
        int count = 0; // all below it are known
        for (int step = 32; step > 0; step /= 2)
            if (sys::has_bounding_capability(count + step - 1).ok()) count += step;
        return (uint64_t{1} << count) - 1;
    }();
    return mask;
}

uint64_t bounding_capabilities() {
    uint64_t mask = 0;
    for (int i = 0; i < 64 && kernel_capabilities() >> i & 1; ++i)
        if (auto has = sys::has_bounding_capability(i); has.ok() && *has) mask |= uint64_t{1} << i;
    return mask;
}

} // namespace hull::kernel
