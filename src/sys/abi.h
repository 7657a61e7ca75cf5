// Kernel interface that is newer than the headers we build with (Debian 12:
// Linux 6.1, glibc 2.36), or that glibc has no wrapper for. Numbers are from
// the kernel's include/uapi.
#pragma once

#include <cstdint>

#include <linux/sched.h> // CLONE_*, struct clone_args
#include <sys/syscall.h>

namespace hull::sys::abi {

// <linux/prctl.h> clashes with <sys/prctl.h> on some systems.
constexpr int pr_cap_ambient = 47;
constexpr int pr_cap_ambient_raise = 2;
constexpr int pr_cap_ambient_clear_all = 4;

// <linux/openat2.h>
struct OpenHow {
    uint64_t flags = 0;
    uint64_t mode = 0;
    uint64_t resolve = 0;
};
constexpr uint64_t resolve_no_xdev = 0x01;
constexpr uint64_t resolve_no_magiclinks = 0x02;
constexpr uint64_t resolve_no_symlinks = 0x04;
constexpr uint64_t resolve_beneath = 0x08;
constexpr uint64_t resolve_in_root = 0x10;

// <linux/pidfd.h>, Linux 6.13.
constexpr uint64_t pidfd_info_exit = 1u << 3;

// <linux/sched.h>; only for unshare(2), setns(2) and clone3(2).
constexpr uint64_t clone_newtime = 0x00000080;

// AT_RECURSIVE of <linux/fcntl.h>; glibc hides it behind <fcntl.h>.
constexpr unsigned at_recursive = 0x8000;

} // namespace hull::sys::abi
