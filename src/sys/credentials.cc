#include "sys/credentials.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/abi.h"

namespace hull::sys {

Result<void> set_uid(uid_t uid) {
    if (::syscall(SYS_setresuid, uid, uid, uid) != 0) return Error::from_errno("setresuid", std::to_string(uid));
    return {};
}

Result<void> set_gid(gid_t gid) {
    if (::syscall(SYS_setresgid, gid, gid, gid) != 0) return Error::from_errno("setresgid", std::to_string(gid));
    return {};
}

Result<void> set_groups(std::span<const gid_t> groups) {
    if (::syscall(SYS_setgroups, groups.size(), groups.data()) != 0) return Error::from_errno("setgroups");
    return {};
}

Result<size_t> group_count() {
    int n = ::getgroups(0, nullptr);
    if (n < 0) return Error::from_errno("getgroups");
    return static_cast<size_t>(n);
}

Identity identity() { return {::getuid(), ::geteuid(), ::getgid(), ::getegid()}; }

Result<void> set_filesystem_ids(uid_t uid, gid_t gid) {
    ::setfsgid(gid);
    ::setfsuid(uid);
    // These report no errors; asking for an impossible id reads the current one.
    if (static_cast<gid_t>(::setfsgid(static_cast<gid_t>(-1))) != gid) return Error::from_errno("setfsgid", EPERM);
    if (static_cast<uid_t>(::setfsuid(static_cast<uid_t>(-1))) != uid) return Error::from_errno("setfsuid", EPERM);
    return {};
}

Result<void> set_keep_capabilities(bool keep) {
    if (::prctl(PR_SET_KEEPCAPS, keep ? 1 : 0, 0, 0, 0) != 0) return Error::from_errno("prctl keepcaps");
    return {};
}

Result<Capabilities> get_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    if (::syscall(SYS_capget, &header, data) != 0) return Error::from_errno("capget");
    auto join = [](uint32_t low, uint32_t high) { return uint64_t{high} << 32 | low; };
    return Capabilities{join(data[0].effective, data[1].effective), join(data[0].permitted, data[1].permitted),
                        join(data[0].inheritable, data[1].inheritable)};
}

Result<void> set_capabilities(const Capabilities& sets) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    for (int half = 0; half < 2; ++half) {
        data[half].effective = static_cast<uint32_t>(sets.effective >> (32 * half));
        data[half].permitted = static_cast<uint32_t>(sets.permitted >> (32 * half));
        data[half].inheritable = static_cast<uint32_t>(sets.inheritable >> (32 * half));
    }
    if (::syscall(SYS_capset, &header, data) != 0) return Error::from_errno("capset");
    return {};
}

Result<void> drop_bounding_capability(int capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return Error::from_errno("prctl capbset_drop");
    return {};
}

Result<bool> has_bounding_capability(int capability) {
    int has = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (has < 0) return Error::from_errno("prctl capbset_read");
    return has == 1;
}

Result<void> clear_ambient_capabilities() {
    if (::prctl(abi::pr_cap_ambient, abi::pr_cap_ambient_clear_all, 0, 0, 0) != 0)
        return Error::from_errno("prctl cap_ambient");
    return {};
}

Result<void> raise_ambient_capability(int capability) {
    if (::prctl(abi::pr_cap_ambient, abi::pr_cap_ambient_raise, capability, 0, 0) != 0)
        return Error::from_errno("prctl cap_ambient");
    return {};
}

Result<Limit> get_limit(unsigned resource) {
    struct rlimit limit{};
    if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) return Error::from_errno("getrlimit");
    return Limit{limit.rlim_cur, limit.rlim_max};
}

Result<void> set_limit(unsigned resource, Limit limit) {
    struct rlimit value{limit.soft, limit.hard};
    if (::setrlimit(static_cast<__rlimit_resource>(resource), &value) != 0) return Error::from_errno("setrlimit");
    return {};
}

namespace {

Result<int> set_filter(std::span<const char> filter, unsigned flags) {
    if (filter.empty() || filter.size() % sizeof(sock_filter) != 0 ||
        filter.size() / sizeof(sock_filter) > BPF_MAXINSNS)
        return Error(ErrorKind::invalid_argument,
                     "seccomp filter of " + std::to_string(filter.size()) + " bytes is not a program");
    sock_fprog program{static_cast<unsigned short>(filter.size() / sizeof(sock_filter)),
                       const_cast<sock_filter*>(reinterpret_cast<const sock_filter*>(filter.data()))};
    long fd = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (fd < 0) return Error::from_errno("seccomp");
    return static_cast<int>(fd);
}

} // namespace

Result<void> load_seccomp(std::span<const char> filter, unsigned flags) {
    TRY(set_filter(filter, flags));
    return {};
}

Result<BorrowedFd> load_notifying_seccomp(std::span<const char> filter, unsigned flags) {
    return BorrowedFd(TRY(set_filter(filter, flags)));
}

} // namespace hull::sys
