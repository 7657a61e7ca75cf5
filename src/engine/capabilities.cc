#include "engine/capabilities.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace hull::engine {
namespace {

// linux/capability.h, by number.
constexpr std::array<std::string_view, 41> kAll = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

constexpr std::array<std::string_view, 14> kDefault = {
    "CAP_CHOWN",      "CAP_DAC_OVERRIDE", "CAP_FOWNER",      "CAP_FSETID",           "CAP_KILL",
    "CAP_SETGID",     "CAP_SETUID",       "CAP_SETPCAP",     "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",
    "CAP_SYS_CHROOT", "CAP_MKNOD",        "CAP_AUDIT_WRITE", "CAP_SETFCAP",
};

template <class Range>
bool holds(const Range& range, std::string_view name) {
    return std::ranges::find(range, name) != std::ranges::end(range);
}

Result<std::vector<std::string>> checked(const model::StringList& given, const char* field) {
    std::vector<std::string> names;
    for (const std::string& one : given) {
        std::string name = normalised_capability(one);
        if (name != "ALL" && !holds(kAll, name))
            return Error(ErrorKind::invalid_argument,
                         std::string("invalid ") + field + ": unknown capability: \"" + name + "\"");
        names.push_back(std::move(name));
    }
    return names;
}

} // namespace

std::string normalised_capability(const std::string& given) {
    std::string name = given;
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (name == "ALL" || name.starts_with("CAP_")) return name;
    return "CAP_" + name;
}

std::vector<std::string> all_capabilities(const std::vector<std::string>& own) {
    std::vector<std::string> all(kAll.begin(), kAll.end());
    if (!own.empty()) std::erase_if(all, [&](const std::string& name) { return !holds(own, name); });
    return all;
}

Result<std::vector<std::string>> container_capabilities(const model::HostConfig& host,
                                                        const std::vector<std::string>& own) {
    std::vector<std::string> add = TRY(checked(host.cap_add, "CapAdd"));
    std::vector<std::string> drop = TRY(checked(host.cap_drop, "CapDrop"));
    std::vector<std::string> result;
    for (std::string_view name : kAll) {
        bool has = false;
        bool available = own.empty() || holds(own, name);
        if (host.privileged)
            has = available;
        else if (holds(add, "ALL"))
            has = (available || holds(add, name)) && !holds(drop, name);
        else if (holds(drop, "ALL"))
            has = holds(add, name);
        else
            has = holds(add, name) || (holds(kDefault, name) && !holds(drop, name));
        if (has) result.emplace_back(name);
    }
    return result;
}

} // namespace hull::engine
