// Made by tools/make_syscall_table from the table of Linux v7.1.0-rc4 2026-05-19. Don't edit.
#pragma once

#include <cstdint>

namespace hull::kernel::seccomp::table {

inline constexpr unsigned name_count = 508, column_count = 18;

// Sorted by bytes, each ended by a zero byte.
// clang-format off
inline constexpr char names[] =
    "_llseek\0"
    "_newselect\0"
    "_sysctl\0"
    "accept\0"
    "accept4\0"
    "access\0"
    "acct\0"
    "add_key\0"
    "adjtimex\0"
    "afs_syscall\0"
    "alarm\0"
    "arch_prctl\0"
    "arm_fadvise64_64\0"
    "arm_sync_file_range\0"
    "atomic_barrier\0"
    "atomic_cmpxchg_32\0"
    "bdflush\0"
    "bind\0"
    "bpf\0"
    "break\0"
    "breakpoint\0"
    "brk\0"
    "cachectl\0"
    "cacheflush\0"
    "cachestat\0"
    "capget\0"
    "capset\0"
    "chdir\0"
    "chmod\0"
    "chown\0"
    "chown32\0"
    "chroot\0"
    "clock_adjtime\0"
    "clock_adjtime64\0"
    "clock_getres\0"
    "clock_getres_time64\0"
    "clock_gettime\0"
    "clock_gettime64\0"
    "clock_nanosleep\0"
    "clock_nanosleep_time64\0"
    "clock_settime\0"
    "clock_settime64\0"
    "clone\0"
    "clone3\0"
    "close\0"
    "close_range\0"
    "connect\0"
    "copy_file_range\0"
    "creat\0"
    "create_module\0"
    "delete_module\0"
    "dup\0"
    "dup2\0"
    "dup3\0"
    "epoll_create\0"
    "epoll_create1\0"
    "epoll_ctl\0"
    "epoll_ctl_old\0"
    "epoll_pwait\0"
    "epoll_pwait2\0"
    "epoll_wait\0"
    "epoll_wait_old\0"
    "eventfd\0"
    "eventfd2\0"
    "execve\0"
    "execveat\0"
    "exit\0"
    "exit_group\0"
    "faccessat\0"
    "faccessat2\0"
    "fadvise64\0"
    "fadvise64_64\0"
    "fallocate\0"
    "fanotify_init\0"
    "fanotify_mark\0"
    "fchdir\0"
    "fchmod\0"
    "fchmodat\0"
    "fchmodat2\0"
    "fchown\0"
    "fchown32\0"
    "fchownat\0"
    "fcntl\0"
    "fcntl64\0"
    "fdatasync\0"
    "fgetxattr\0"
    "file_getattr\0"
    "file_setattr\0"
    "finit_module\0"
    "flistxattr\0"
    "flock\0"
    "fork\0"
    "fremovexattr\0"
    "fsconfig\0"
    "fsetxattr\0"
    "fsmount\0"
    "fsopen\0"
    "fspick\0"
    "fstat\0"
    "fstat64\0"
    "fstatat64\0"
    "fstatfs\0"
    "fstatfs64\0"
    "fsync\0"
    "ftime\0"
    "ftruncate\0"
    "ftruncate64\0"
    "futex\0"
    "futex_requeue\0"
    "futex_time64\0"
    "futex_wait\0"
    "futex_waitv\0"
    "futex_wake\0"
    "futimesat\0"
    "get_kernel_syms\0"
    "get_mempolicy\0"
    "get_robust_list\0"
    "get_thread_area\0"
    "get_tls\0"
    "getcpu\0"
    "getcwd\0"
    "getdents\0"
    "getdents64\0"
    "getegid\0"
    "getegid32\0"
    "geteuid\0"
    "geteuid32\0"
    "getgid\0"
    "getgid32\0"
    "getgroups\0"
    "getgroups32\0"
    "getitimer\0"
    "getpagesize\0"
    "getpeername\0"
    "getpgid\0"
    "getpgrp\0"
    "getpid\0"
    "getpmsg\0"
    "getppid\0"
    "getpriority\0"
    "getrandom\0"
    "getresgid\0"
    "getresgid32\0"
    "getresuid\0"
    "getresuid32\0"
    "getrlimit\0"
    "getrusage\0"
    "getsid\0"
    "getsockname\0"
    "getsockopt\0"
    "gettid\0"
    "gettimeofday\0"
    "getuid\0"
    "getuid32\0"
    "getxattr\0"
    "getxattrat\0"
    "gtty\0"
    "idle\0"
    "init_module\0"
    "inotify_add_watch\0"
    "inotify_init\0"
    "inotify_init1\0"
    "inotify_rm_watch\0"
    "io_cancel\0"
    "io_destroy\0"
    "io_getevents\0"
    "io_pgetevents\0"
    "io_pgetevents_time64\0"
    "io_setup\0"
    "io_submit\0"
    "io_uring_enter\0"
    "io_uring_register\0"
    "io_uring_setup\0"
    "ioctl\0"
    "ioperm\0"
    "iopl\0"
    "ioprio_get\0"
    "ioprio_set\0"
    "ipc\0"
    "kcmp\0"
    "kexec_file_load\0"
    "kexec_load\0"
    "keyctl\0"
    "kill\0"
    "landlock_add_rule\0"
    "landlock_create_ruleset\0"
    "landlock_restrict_self\0"
    "lchown\0"
    "lchown32\0"
    "lgetxattr\0"
    "link\0"
    "linkat\0"
    "listen\0"
    "listmount\0"
    "listns\0"
    "listxattr\0"
    "listxattrat\0"
    "llistxattr\0"
    "lock\0"
    "lookup_dcookie\0"
    "lremovexattr\0"
    "lseek\0"
    "lsetxattr\0"
    "lsm_get_self_attr\0"
    "lsm_list_modules\0"
    "lsm_set_self_attr\0"
    "lstat\0"
    "lstat64\0"
    "madvise\0"
    "map_shadow_stack\0"
    "mbind\0"
    "membarrier\0"
    "memfd_create\0"
    "memfd_secret\0"
    "migrate_pages\0"
    "mincore\0"
    "mkdir\0"
    "mkdirat\0"
    "mknod\0"
    "mknodat\0"
    "mlock\0"
    "mlock2\0"
    "mlockall\0"
    "mmap\0"
    "mmap2\0"
    "modify_ldt\0"
    "mount\0"
    "mount_setattr\0"
    "move_mount\0"
    "move_pages\0"
    "mprotect\0"
    "mpx\0"
    "mq_getsetattr\0"
    "mq_notify\0"
    "mq_open\0"
    "mq_timedreceive\0"
    "mq_timedreceive_time64\0"
    "mq_timedsend\0"
    "mq_timedsend_time64\0"
    "mq_unlink\0"
    "mremap\0"
    "mseal\0"
    "msgctl\0"
    "msgget\0"
    "msgrcv\0"
    "msgsnd\0"
    "msync\0"
    "multiplexer\0"
    "munlock\0"
    "munlockall\0"
    "munmap\0"
    "name_to_handle_at\0"
    "nanosleep\0"
    "newfstatat\0"
    "nfsservctl\0"
    "nice\0"
    "oldfstat\0"
    "oldlstat\0"
    "oldolduname\0"
    "oldstat\0"
    "olduname\0"
    "open\0"
    "open_by_handle_at\0"
    "open_tree\0"
    "open_tree_attr\0"
    "openat\0"
    "openat2\0"
    "pause\0"
    "pciconfig_iobase\0"
    "pciconfig_read\0"
    "pciconfig_write\0"
    "perf_event_open\0"
    "personality\0"
    "pidfd_getfd\0"
    "pidfd_open\0"
    "pidfd_send_signal\0"
    "pipe\0"
    "pipe2\0"
    "pivot_root\0"
    "pkey_alloc\0"
    "pkey_free\0"
    "pkey_mprotect\0"
    "poll\0"
    "ppoll\0"
    "ppoll_time64\0"
    "prctl\0"
    "pread64\0"
    "preadv\0"
    "preadv2\0"
    "prlimit64\0"
    "process_madvise\0"
    "process_mrelease\0"
    "process_vm_readv\0"
    "process_vm_writev\0"
    "prof\0"
    "profil\0"
    "pselect6\0"
    "pselect6_time64\0"
    "ptrace\0"
    "putpmsg\0"
    "pwrite64\0"
    "pwritev\0"
    "pwritev2\0"
    "query_module\0"
    "quotactl\0"
    "quotactl_fd\0"
    "read\0"
    "readahead\0"
    "readdir\0"
    "readlink\0"
    "readlinkat\0"
    "readv\0"
    "reboot\0"
    "recv\0"
    "recvfrom\0"
    "recvmmsg\0"
    "recvmmsg_time64\0"
    "recvmsg\0"
    "remap_file_pages\0"
    "removexattr\0"
    "removexattrat\0"
    "rename\0"
    "renameat\0"
    "renameat2\0"
    "request_key\0"
    "restart_syscall\0"
    "riscv_flush_icache\0"
    "riscv_hwprobe\0"
    "rmdir\0"
    "rseq\0"
    "rseq_slice_yield\0"
    "rt_sigaction\0"
    "rt_sigpending\0"
    "rt_sigprocmask\0"
    "rt_sigqueueinfo\0"
    "rt_sigreturn\0"
    "rt_sigsuspend\0"
    "rt_sigtimedwait\0"
    "rt_sigtimedwait_time64\0"
    "rt_tgsigqueueinfo\0"
    "rtas\0"
    "s390_guarded_storage\0"
    "s390_pci_mmio_read\0"
    "s390_pci_mmio_write\0"
    "s390_runtime_instr\0"
    "s390_sthyi\0"
    "sched_get_priority_max\0"
    "sched_get_priority_min\0"
    "sched_getaffinity\0"
    "sched_getattr\0"
    "sched_getparam\0"
    "sched_getscheduler\0"
    "sched_rr_get_interval\0"
    "sched_rr_get_interval_time64\0"
    "sched_setaffinity\0"
    "sched_setattr\0"
    "sched_setparam\0"
    "sched_setscheduler\0"
    "sched_yield\0"
    "seccomp\0"
    "security\0"
    "select\0"
    "semctl\0"
    "semget\0"
    "semop\0"
    "semtimedop\0"
    "semtimedop_time64\0"
    "send\0"
    "sendfile\0"
    "sendfile64\0"
    "sendmmsg\0"
    "sendmsg\0"
    "sendto\0"
    "set_mempolicy\0"
    "set_mempolicy_home_node\0"
    "set_robust_list\0"
    "set_thread_area\0"
    "set_tid_address\0"
    "set_tls\0"
    "setdomainname\0"
    "setfsgid\0"
    "setfsgid32\0"
    "setfsuid\0"
    "setfsuid32\0"
    "setgid\0"
    "setgid32\0"
    "setgroups\0"
    "setgroups32\0"
    "sethostname\0"
    "setitimer\0"
    "setns\0"
    "setpgid\0"
    "setpriority\0"
    "setregid\0"
    "setregid32\0"
    "setresgid\0"
    "setresgid32\0"
    "setresuid\0"
    "setresuid32\0"
    "setreuid\0"
    "setreuid32\0"
    "setrlimit\0"
    "setsid\0"
    "setsockopt\0"
    "settimeofday\0"
    "setuid\0"
    "setuid32\0"
    "setxattr\0"
    "setxattrat\0"
    "sgetmask\0"
    "shmat\0"
    "shmctl\0"
    "shmdt\0"
    "shmget\0"
    "shutdown\0"
    "sigaction\0"
    "sigaltstack\0"
    "signal\0"
    "signalfd\0"
    "signalfd4\0"
    "sigpending\0"
    "sigprocmask\0"
    "sigreturn\0"
    "sigsuspend\0"
    "socket\0"
    "socketcall\0"
    "socketpair\0"
    "splice\0"
    "spu_create\0"
    "spu_run\0"
    "ssetmask\0"
    "stat\0"
    "stat64\0"
    "statfs\0"
    "statfs64\0"
    "statmount\0"
    "statx\0"
    "stime\0"
    "stty\0"
    "subpage_prot\0"
    "swapcontext\0"
    "swapoff\0"
    "swapon\0"
    "switch_endian\0"
    "symlink\0"
    "symlinkat\0"
    "sync\0"
    "sync_file_range\0"
    "sync_file_range2\0"
    "syncfs\0"
    "sys_debug_setcontext\0"
    "syscall\0"
    "sysfs\0"
    "sysinfo\0"
    "syslog\0"
    "sysmips\0"
    "tee\0"
    "tgkill\0"
    "time\0"
    "timer_create\0"
    "timer_delete\0"
    "timer_getoverrun\0"
    "timer_gettime\0"
    "timer_gettime64\0"
    "timer_settime\0"
    "timer_settime64\0"
    "timerfd\0"
    "timerfd_create\0"
    "timerfd_gettime\0"
    "timerfd_gettime64\0"
    "timerfd_settime\0"
    "timerfd_settime64\0"
    "times\0"
    "tkill\0"
    "truncate\0"
    "truncate64\0"
    "tuxcall\0"
    "ugetrlimit\0"
    "ulimit\0"
    "umask\0"
    "umount\0"
    "umount2\0"
    "uname\0"
    "unlink\0"
    "unlinkat\0"
    "unshare\0"
    "uprobe\0"
    "uretprobe\0"
    "uselib\0"
    "userfaultfd\0"
    "usr26\0"
    "usr32\0"
    "ustat\0"
    "utime\0"
    "utimensat\0"
    "utimensat_time64\0"
    "utimes\0"
    "vfork\0"
    "vhangup\0"
    "vm86\0"
    "vm86old\0"
    "vmsplice\0"
    "vserver\0"
    "wait4\0"
    "waitid\0"
    "waitpid\0"
    "write\0"
    "writev\0"
    ;

inline constexpr uint16_t numbers[name_count][column_count] = {
    // x86_64 x86 x32 aarch64 arm loongarch64 m68k mips mips64 mips64n32 parisc parisc64 ppc ppc64 riscv64 s390 s390x sh
    {0xffff, 140, 0xffff, 0xffff, 140, 0xffff, 140, 140, 0xffff, 0xffff, 140, 0xffff, 140, 140, 0xffff, 140, 0xffff, 140},
    {0xffff, 142, 0xffff, 0xffff, 142, 0xffff, 142, 142, 22, 22, 142, 142, 142, 142, 0xffff, 142, 0xffff, 142},
    {156, 149, 0xffff, 0xffff, 149, 0xffff, 149, 153, 152, 152, 149, 149, 149, 149, 0xffff, 149, 149, 149},
    {43, 0xffff, 43, 202, 285, 202, 0xffff, 168, 42, 42, 35, 35, 330, 330, 202, 0xffff, 0xffff, 344},
    {288, 364, 288, 242, 366, 242, 361, 334, 293, 297, 320, 320, 344, 344, 242, 364, 364, 358},
    {21, 33, 21, 0xffff, 33, 0xffff, 33, 33, 20, 20, 33, 33, 33, 33, 0xffff, 33, 33, 33},
    {163, 51, 163, 89, 51, 89, 51, 51, 158, 158, 51, 51, 51, 51, 89, 51, 51, 51},
    {248, 286, 248, 217, 309, 217, 279, 280, 239, 243, 264, 264, 269, 269, 217, 278, 278, 285},
    {159, 124, 159, 171, 124, 171, 124, 124, 154, 154, 124, 124, 124, 124, 171, 124, 124, 124},
    {183, 137, 183, 0xffff, 0xffff, 0xffff, 0xffff, 137, 176, 176, 0xffff, 0xffff, 137, 137, 0xffff, 137, 137, 0xffff},
    {37, 27, 37, 0xffff, 0xffff, 0xffff, 27, 27, 37, 37, 27, 27, 27, 27, 0xffff, 27, 27, 27},
    {158, 384, 158, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 270, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 341, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 336, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 335, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 134, 0xffff, 0xffff, 134, 0xffff, 134, 134, 0xffff, 0xffff, 134, 134, 134, 134, 0xffff, 134, 134, 134},
    {49, 361, 49, 200, 282, 200, 358, 169, 48, 48, 22, 22, 327, 327, 200, 361, 361, 341},
    {321, 357, 321, 280, 386, 280, 354, 355, 315, 319, 341, 341, 361, 361, 280, 351, 351, 375},
    {0xffff, 17, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 17, 0xffff, 0xffff, 0xffff, 0xffff, 17, 17, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 61441, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {12, 45, 12, 214, 45, 214, 45, 45, 12, 12, 45, 45, 45, 45, 214, 45, 45, 45},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 148, 198, 198, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 61442, 0xffff, 123, 147, 197, 197, 356, 356, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 123},
    {451, 451, 451, 451, 451, 451, 451, 451, 451, 451, 451, 451, 451, 451, 451, 451, 451, 451},
    {125, 184, 125, 90, 184, 90, 184, 204, 123, 123, 106, 106, 183, 183, 90, 184, 184, 184},
    {126, 185, 126, 91, 185, 91, 185, 205, 124, 124, 107, 107, 184, 184, 91, 185, 185, 185},
    {80, 12, 80, 49, 12, 49, 12, 12, 78, 78, 12, 12, 12, 12, 49, 12, 12, 12},
    {90, 15, 90, 0xffff, 15, 0xffff, 15, 15, 88, 88, 15, 15, 15, 15, 0xffff, 15, 15, 15},
    {92, 182, 92, 0xffff, 182, 0xffff, 16, 202, 90, 90, 180, 180, 181, 181, 0xffff, 182, 212, 182},
    {0xffff, 212, 0xffff, 0xffff, 212, 0xffff, 198, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 212, 0xffff, 212},
    {161, 61, 161, 51, 61, 51, 61, 61, 156, 156, 61, 61, 61, 61, 51, 61, 61, 61},
    {305, 343, 305, 266, 372, 266, 342, 341, 300, 305, 324, 324, 347, 347, 266, 337, 337, 361},
    {0xffff, 405, 0xffff, 0xffff, 405, 0xffff, 405, 405, 0xffff, 405, 405, 0xffff, 405, 0xffff, 0xffff, 405, 0xffff, 405},
    {229, 266, 229, 114, 264, 114, 261, 264, 223, 227, 257, 257, 247, 247, 114, 261, 261, 266},
    {0xffff, 406, 0xffff, 0xffff, 406, 0xffff, 406, 406, 0xffff, 406, 406, 0xffff, 406, 0xffff, 0xffff, 406, 0xffff, 406},
    {228, 265, 228, 113, 263, 113, 260, 263, 222, 226, 256, 256, 246, 246, 113, 260, 260, 265},
    {0xffff, 403, 0xffff, 0xffff, 403, 0xffff, 403, 403, 0xffff, 403, 403, 0xffff, 403, 0xffff, 0xffff, 403, 0xffff, 403},
    {230, 267, 230, 115, 265, 115, 262, 265, 224, 228, 258, 258, 248, 248, 115, 262, 262, 267},
    {0xffff, 407, 0xffff, 0xffff, 407, 0xffff, 407, 407, 0xffff, 407, 407, 0xffff, 407, 0xffff, 0xffff, 407, 0xffff, 407},
    {227, 264, 227, 112, 262, 112, 259, 262, 221, 225, 255, 255, 245, 245, 112, 259, 259, 264},
    {0xffff, 404, 0xffff, 0xffff, 404, 0xffff, 404, 404, 0xffff, 404, 404, 0xffff, 404, 0xffff, 0xffff, 404, 0xffff, 404},
    {56, 120, 56, 220, 120, 220, 120, 120, 55, 55, 120, 120, 120, 120, 220, 120, 120, 120},
    {435, 435, 435, 435, 435, 435, 435, 435, 435, 435, 435, 435, 435, 435, 435, 435, 435, 0xffff},
    {3, 6, 3, 57, 6, 57, 6, 6, 3, 3, 6, 6, 6, 6, 57, 6, 6, 6},
    {436, 436, 436, 436, 436, 436, 436, 436, 436, 436, 436, 436, 436, 436, 436, 436, 436, 436},
    {42, 362, 42, 203, 283, 203, 359, 170, 41, 41, 31, 31, 328, 328, 203, 362, 362, 342},
    {326, 377, 326, 285, 391, 285, 376, 360, 320, 324, 346, 346, 379, 379, 285, 375, 375, 380},
    {85, 8, 85, 0xffff, 8, 0xffff, 8, 8, 83, 83, 8, 8, 8, 8, 0xffff, 8, 8, 8},
    {174, 127, 0xffff, 0xffff, 0xffff, 0xffff, 127, 127, 167, 167, 0xffff, 0xffff, 127, 127, 0xffff, 127, 127, 0xffff},
    {176, 129, 176, 106, 129, 106, 129, 129, 169, 169, 129, 129, 129, 129, 106, 129, 129, 129},
    {32, 41, 32, 23, 41, 23, 41, 41, 31, 31, 41, 41, 41, 41, 23, 41, 41, 41},
    {33, 63, 33, 0xffff, 63, 0xffff, 63, 63, 32, 32, 63, 63, 63, 63, 0xffff, 63, 63, 63},
    {292, 330, 292, 24, 358, 24, 326, 327, 286, 290, 312, 312, 316, 316, 24, 326, 326, 330},
    {213, 254, 213, 0xffff, 250, 0xffff, 249, 248, 207, 207, 224, 224, 236, 236, 0xffff, 249, 249, 254},
    {291, 329, 291, 20, 357, 20, 325, 326, 285, 289, 311, 311, 315, 315, 20, 327, 327, 329},
    {233, 255, 233, 21, 251, 21, 250, 249, 208, 208, 225, 225, 237, 237, 21, 250, 250, 255},
    {214, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {281, 319, 281, 22, 346, 22, 315, 313, 272, 276, 297, 297, 303, 303, 22, 312, 312, 319},
    {441, 441, 441, 441, 441, 441, 441, 441, 441, 441, 441, 441, 441, 441, 441, 441, 441, 441},
    {232, 256, 232, 0xffff, 252, 0xffff, 251, 250, 209, 209, 226, 226, 238, 238, 0xffff, 251, 251, 256},
    {215, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {284, 323, 284, 0xffff, 351, 0xffff, 319, 319, 278, 282, 304, 304, 307, 307, 0xffff, 318, 318, 323},
    {290, 328, 290, 19, 356, 19, 324, 325, 284, 288, 310, 310, 314, 314, 19, 323, 323, 328},
    {59, 11, 520, 221, 11, 221, 11, 11, 57, 57, 11, 11, 11, 11, 221, 11, 11, 11},
    {322, 358, 545, 281, 387, 281, 355, 356, 316, 320, 342, 342, 362, 362, 281, 354, 354, 376},
    {60, 1, 60, 93, 1, 93, 1, 1, 58, 58, 1, 1, 1, 1, 93, 1, 1, 1},
    {231, 252, 231, 94, 248, 94, 247, 246, 205, 205, 222, 222, 234, 234, 94, 248, 248, 252},
    {269, 307, 269, 48, 334, 48, 300, 300, 259, 263, 287, 287, 298, 298, 48, 300, 300, 307},
    {439, 439, 439, 439, 439, 439, 439, 439, 439, 439, 439, 439, 439, 439, 439, 439, 439, 439},
    {221, 250, 221, 223, 0xffff, 223, 246, 254, 215, 216, 0xffff, 0xffff, 233, 233, 223, 253, 253, 250},
    {0xffff, 272, 0xffff, 0xffff, 0xffff, 0xffff, 267, 0xffff, 0xffff, 0xffff, 236, 236, 254, 0xffff, 0xffff, 264, 0xffff, 272},
    {285, 324, 285, 47, 352, 47, 320, 320, 279, 283, 305, 305, 309, 309, 47, 314, 314, 324},
    {300, 338, 300, 262, 367, 262, 337, 336, 295, 300, 322, 322, 323, 323, 262, 332, 332, 337},
    {301, 339, 301, 263, 368, 263, 338, 337, 296, 301, 323, 323, 324, 324, 263, 333, 333, 338},
    {81, 133, 81, 50, 133, 50, 133, 133, 79, 79, 133, 133, 133, 133, 50, 133, 133, 133},
    {91, 94, 91, 52, 94, 52, 94, 94, 89, 89, 94, 94, 94, 94, 52, 94, 94, 94},
    {268, 306, 268, 53, 333, 53, 299, 299, 258, 262, 286, 286, 297, 297, 53, 299, 299, 306},
    {452, 452, 452, 452, 452, 452, 452, 452, 452, 452, 452, 452, 452, 452, 452, 452, 452, 452},
    {93, 95, 93, 55, 95, 55, 95, 95, 91, 91, 95, 95, 95, 95, 55, 95, 207, 95},
    {0xffff, 207, 0xffff, 0xffff, 207, 0xffff, 207, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 207, 0xffff, 207},
    {260, 298, 260, 54, 325, 54, 291, 291, 250, 254, 278, 278, 289, 289, 54, 291, 291, 298},
    {72, 55, 72, 25, 55, 25, 55, 55, 70, 70, 55, 55, 55, 55, 25, 55, 55, 55},
    {0xffff, 221, 0xffff, 0xffff, 221, 0xffff, 239, 220, 0xffff, 212, 202, 202, 204, 0xffff, 0xffff, 221, 0xffff, 221},
    {75, 148, 75, 83, 148, 83, 148, 152, 73, 73, 148, 148, 148, 148, 83, 148, 148, 148},
    {193, 231, 193, 10, 231, 10, 228, 229, 185, 185, 243, 243, 214, 214, 10, 229, 229, 231},
    {468, 468, 468, 468, 468, 468, 468, 468, 468, 468, 468, 468, 468, 468, 468, 468, 468, 468},
    {469, 469, 469, 469, 469, 469, 469, 469, 469, 469, 469, 469, 469, 469, 469, 469, 469, 469},
    {313, 350, 313, 273, 379, 273, 348, 348, 307, 312, 333, 333, 353, 353, 273, 344, 344, 368},
    {196, 234, 196, 13, 234, 13, 231, 232, 188, 188, 246, 246, 217, 217, 13, 232, 232, 234},
    {73, 143, 73, 32, 143, 32, 143, 143, 71, 71, 143, 143, 143, 143, 32, 143, 143, 143},
    {57, 2, 57, 0xffff, 2, 0xffff, 2, 2, 56, 56, 2, 2, 2, 2, 0xffff, 2, 2, 2},
    {199, 237, 199, 16, 237, 16, 234, 235, 191, 191, 249, 249, 220, 220, 16, 235, 235, 237},
    {431, 431, 431, 431, 431, 431, 431, 431, 431, 431, 431, 431, 431, 431, 431, 431, 431, 431},
    {190, 228, 190, 7, 228, 7, 225, 226, 182, 182, 240, 240, 211, 211, 7, 226, 226, 228},
    {432, 432, 432, 432, 432, 432, 432, 432, 432, 432, 432, 432, 432, 432, 432, 432, 432, 432},
    {430, 430, 430, 430, 430, 430, 430, 430, 430, 430, 430, 430, 430, 430, 430, 430, 430, 430},
    {433, 433, 433, 433, 433, 433, 433, 433, 433, 433, 433, 433, 433, 433, 433, 433, 433, 433},
    {5, 108, 5, 80, 108, 80, 108, 108, 5, 5, 28, 28, 108, 108, 80, 108, 108, 108},
    {0xffff, 197, 0xffff, 0xffff, 197, 0xffff, 197, 215, 0xffff, 0xffff, 112, 112, 197, 0xffff, 0xffff, 197, 0xffff, 197},
    {0xffff, 300, 0xffff, 0xffff, 327, 0xffff, 293, 293, 0xffff, 0xffff, 280, 280, 291, 0xffff, 0xffff, 293, 0xffff, 300},
    {138, 100, 138, 44, 100, 44, 100, 100, 135, 135, 100, 100, 100, 100, 44, 100, 100, 100},
    {0xffff, 269, 0xffff, 0xffff, 267, 0xffff, 264, 256, 0xffff, 218, 299, 299, 253, 253, 0xffff, 266, 266, 269},
    {74, 118, 74, 82, 118, 82, 118, 118, 72, 72, 118, 118, 118, 118, 82, 118, 118, 118},
    {0xffff, 35, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 35, 0xffff, 0xffff, 0xffff, 0xffff, 35, 35, 0xffff, 0xffff, 0xffff, 0xffff},
    {77, 93, 77, 46, 93, 46, 93, 93, 75, 75, 93, 93, 93, 93, 46, 93, 93, 93},
    {0xffff, 194, 0xffff, 0xffff, 194, 0xffff, 194, 212, 0xffff, 0xffff, 200, 200, 194, 0xffff, 0xffff, 194, 0xffff, 194},
    {202, 240, 202, 98, 240, 98, 235, 238, 194, 194, 210, 210, 221, 221, 98, 238, 238, 240},
    {456, 456, 456, 456, 456, 456, 456, 456, 456, 456, 456, 456, 456, 456, 456, 456, 456, 456},
    {0xffff, 422, 0xffff, 0xffff, 422, 0xffff, 422, 422, 0xffff, 422, 422, 0xffff, 422, 0xffff, 0xffff, 422, 0xffff, 422},
    {455, 455, 455, 455, 455, 455, 455, 455, 455, 455, 455, 455, 455, 455, 455, 455, 455, 455},
    {449, 449, 449, 449, 449, 449, 449, 449, 449, 449, 449, 449, 449, 449, 449, 449, 449, 449},
    {454, 454, 454, 454, 454, 454, 454, 454, 454, 454, 454, 454, 454, 454, 454, 454, 454, 454},
    {261, 299, 261, 0xffff, 326, 0xffff, 292, 292, 251, 255, 279, 279, 290, 290, 0xffff, 292, 292, 299},
    {177, 130, 0xffff, 0xffff, 0xffff, 0xffff, 130, 130, 170, 170, 0xffff, 0xffff, 130, 130, 0xffff, 130, 130, 0xffff},
    {239, 275, 239, 236, 320, 236, 269, 269, 228, 232, 261, 261, 260, 260, 236, 269, 269, 275},
    {274, 312, 531, 100, 339, 100, 305, 310, 269, 273, 290, 290, 299, 299, 100, 305, 305, 312},
    {211, 244, 0xffff, 0xffff, 0xffff, 0xffff, 333, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 61446, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {309, 318, 309, 168, 345, 168, 314, 312, 271, 275, 296, 296, 302, 302, 168, 311, 311, 318},
    {79, 183, 79, 17, 183, 17, 183, 203, 77, 77, 110, 110, 182, 182, 17, 183, 183, 183},
    {78, 141, 78, 0xffff, 141, 0xffff, 141, 141, 76, 76, 141, 141, 141, 141, 0xffff, 141, 141, 141},
    {217, 220, 217, 61, 217, 61, 220, 219, 308, 299, 201, 201, 202, 202, 61, 220, 220, 220},
    {108, 50, 108, 177, 50, 177, 50, 50, 106, 106, 50, 50, 50, 50, 177, 50, 202, 50},
    {0xffff, 202, 0xffff, 0xffff, 202, 0xffff, 202, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 202, 0xffff, 202},
    {107, 49, 107, 175, 49, 175, 49, 49, 105, 105, 49, 49, 49, 49, 175, 49, 201, 49},
    {0xffff, 201, 0xffff, 0xffff, 201, 0xffff, 201, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 201, 0xffff, 201},
    {104, 47, 104, 176, 47, 176, 47, 47, 102, 102, 47, 47, 47, 47, 176, 47, 200, 47},
    {0xffff, 200, 0xffff, 0xffff, 200, 0xffff, 200, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 200, 0xffff, 200},
    {115, 80, 115, 158, 80, 158, 80, 80, 113, 113, 80, 80, 80, 80, 158, 80, 205, 80},
    {0xffff, 205, 0xffff, 0xffff, 205, 0xffff, 205, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 205, 0xffff, 205},
    {36, 105, 36, 102, 105, 102, 105, 105, 35, 35, 105, 105, 105, 105, 102, 105, 105, 105},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 166, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {52, 368, 52, 205, 287, 205, 365, 171, 51, 51, 53, 53, 332, 332, 205, 368, 368, 346},
    {121, 132, 121, 155, 132, 155, 132, 132, 119, 119, 132, 132, 132, 132, 155, 132, 132, 132},
    {111, 65, 111, 0xffff, 65, 0xffff, 65, 65, 109, 109, 65, 65, 65, 65, 0xffff, 65, 65, 65},
    {39, 20, 39, 172, 20, 172, 20, 20, 38, 38, 20, 20, 20, 20, 172, 20, 20, 20},
    {181, 188, 181, 0xffff, 0xffff, 0xffff, 188, 208, 174, 174, 0xffff, 0xffff, 187, 187, 0xffff, 188, 188, 0xffff},
    {110, 64, 110, 173, 64, 173, 64, 64, 108, 108, 64, 64, 64, 64, 173, 64, 64, 64},
    {140, 96, 140, 141, 96, 141, 96, 96, 137, 137, 96, 96, 96, 96, 141, 96, 96, 96},
    {318, 355, 318, 278, 384, 278, 352, 353, 313, 317, 339, 339, 359, 359, 278, 349, 349, 373},
    {120, 171, 120, 150, 171, 150, 171, 191, 118, 118, 171, 171, 170, 170, 150, 171, 211, 171},
    {0xffff, 211, 0xffff, 0xffff, 211, 0xffff, 211, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 211, 0xffff, 211},
    {118, 165, 118, 148, 165, 148, 165, 186, 116, 116, 165, 165, 165, 165, 148, 165, 209, 165},
    {0xffff, 209, 0xffff, 0xffff, 209, 0xffff, 209, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 209, 0xffff, 209},
    {97, 76, 97, 163, 0xffff, 0xffff, 76, 76, 95, 95, 76, 76, 76, 76, 163, 76, 191, 76},
    {98, 77, 98, 165, 77, 165, 77, 77, 96, 96, 77, 77, 77, 77, 165, 77, 77, 77},
    {124, 147, 124, 156, 147, 156, 147, 151, 122, 122, 147, 147, 147, 147, 156, 147, 147, 147},
    {51, 367, 51, 204, 286, 204, 364, 172, 50, 50, 44, 44, 331, 331, 204, 367, 367, 345},
    {55, 365, 542, 209, 295, 209, 362, 173, 54, 54, 182, 182, 340, 340, 209, 365, 365, 354},
    {186, 224, 186, 178, 224, 178, 221, 222, 178, 178, 206, 206, 207, 207, 178, 236, 236, 224},
    {96, 78, 96, 169, 78, 169, 78, 78, 94, 94, 78, 78, 78, 78, 169, 78, 78, 78},
    {102, 24, 102, 174, 24, 174, 24, 24, 100, 100, 24, 24, 24, 24, 174, 24, 199, 24},
    {0xffff, 199, 0xffff, 0xffff, 199, 0xffff, 199, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 199, 0xffff, 199},
    {191, 229, 191, 8, 229, 8, 226, 227, 183, 183, 241, 241, 212, 212, 8, 227, 227, 229},
    {464, 464, 464, 464, 464, 464, 464, 464, 464, 464, 464, 464, 464, 464, 464, 464, 464, 464},
    {0xffff, 32, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 32, 0xffff, 0xffff, 0xffff, 0xffff, 32, 32, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 112, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 112, 0xffff, 0xffff, 0xffff, 0xffff, 112, 112, 0xffff, 112, 112, 0xffff},
    {175, 128, 175, 105, 128, 105, 128, 128, 168, 168, 128, 128, 128, 128, 105, 128, 128, 128},
    {254, 292, 254, 27, 317, 27, 285, 285, 244, 248, 270, 270, 276, 276, 27, 285, 285, 291},
    {253, 291, 253, 0xffff, 316, 0xffff, 284, 284, 243, 247, 269, 269, 275, 275, 0xffff, 284, 284, 290},
    {294, 332, 294, 26, 360, 26, 328, 329, 288, 292, 314, 314, 318, 318, 26, 324, 324, 332},
    {255, 293, 255, 28, 318, 28, 286, 286, 245, 249, 271, 271, 277, 277, 28, 286, 286, 292},
    {210, 249, 210, 3, 247, 3, 245, 245, 204, 204, 219, 219, 231, 231, 3, 247, 247, 249},
    {207, 246, 207, 1, 244, 1, 242, 242, 201, 201, 216, 216, 228, 228, 1, 244, 244, 246},
    {208, 247, 208, 4, 245, 4, 243, 243, 202, 202, 217, 217, 229, 229, 4, 245, 245, 247},
    {333, 385, 333, 292, 399, 292, 0xffff, 368, 328, 332, 350, 350, 388, 388, 292, 382, 382, 0xffff},
    {0xffff, 416, 0xffff, 0xffff, 416, 0xffff, 416, 416, 0xffff, 416, 416, 0xffff, 416, 0xffff, 0xffff, 416, 0xffff, 416},
    {206, 245, 543, 0, 243, 0, 241, 241, 200, 200, 215, 215, 227, 227, 0, 243, 243, 245},
    {209, 248, 544, 2, 246, 2, 244, 244, 203, 203, 218, 218, 230, 230, 2, 246, 246, 248},
    {426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426},
    {427, 427, 427, 427, 427, 427, 427, 427, 427, 427, 427, 427, 427, 427, 427, 427, 427, 427},
    {425, 425, 425, 425, 425, 425, 425, 425, 425, 425, 425, 425, 425, 425, 425, 425, 425, 425},
    {16, 54, 514, 29, 54, 29, 54, 54, 15, 15, 54, 54, 54, 54, 29, 54, 54, 54},
    {173, 101, 173, 0xffff, 0xffff, 0xffff, 0xffff, 101, 0xffff, 0xffff, 0xffff, 0xffff, 101, 101, 0xffff, 101, 0xffff, 0xffff},
    {172, 110, 172, 0xffff, 0xffff, 0xffff, 0xffff, 110, 0xffff, 0xffff, 0xffff, 0xffff, 110, 110, 0xffff, 0xffff, 0xffff, 0xffff},
    {252, 290, 252, 31, 315, 31, 283, 315, 274, 278, 268, 268, 274, 274, 31, 283, 283, 289},
    {251, 289, 251, 30, 314, 30, 282, 314, 273, 277, 267, 267, 273, 273, 30, 282, 282, 288},
    {0xffff, 117, 0xffff, 0xffff, 0xffff, 0xffff, 117, 117, 0xffff, 0xffff, 0xffff, 0xffff, 117, 117, 0xffff, 117, 117, 117},
    {312, 349, 312, 272, 378, 272, 347, 347, 306, 311, 332, 332, 354, 354, 272, 343, 343, 367},
    {320, 0xffff, 320, 294, 401, 294, 0xffff, 0xffff, 0xffff, 0xffff, 355, 355, 382, 382, 294, 381, 381, 0xffff},
    {246, 283, 528, 104, 347, 104, 313, 311, 270, 274, 300, 300, 268, 268, 104, 277, 277, 283},
    {250, 288, 250, 219, 311, 219, 281, 282, 241, 245, 266, 266, 271, 271, 219, 280, 280, 287},
    {62, 37, 62, 129, 37, 129, 37, 37, 60, 60, 37, 37, 37, 37, 129, 37, 37, 37},
    {445, 445, 445, 445, 445, 445, 445, 445, 445, 445, 445, 445, 445, 445, 445, 445, 445, 445},
    {444, 444, 444, 444, 444, 444, 444, 444, 444, 444, 444, 444, 444, 444, 444, 444, 444, 444},
    {446, 446, 446, 446, 446, 446, 446, 446, 446, 446, 446, 446, 446, 446, 446, 446, 446, 446},
    {94, 16, 94, 0xffff, 16, 0xffff, 182, 16, 92, 92, 16, 16, 16, 16, 0xffff, 16, 198, 16},
    {0xffff, 198, 0xffff, 0xffff, 198, 0xffff, 212, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 198, 0xffff, 198},
    {192, 230, 192, 9, 230, 9, 227, 228, 184, 184, 242, 242, 213, 213, 9, 228, 228, 230},
    {86, 9, 86, 0xffff, 9, 0xffff, 9, 9, 84, 84, 9, 9, 9, 9, 0xffff, 9, 9, 9},
    {265, 303, 265, 37, 330, 37, 296, 296, 255, 259, 283, 283, 294, 294, 37, 296, 296, 303},
    {50, 363, 50, 201, 284, 201, 360, 174, 49, 49, 32, 32, 329, 329, 201, 363, 363, 343},
    {458, 458, 458, 458, 458, 458, 458, 458, 458, 458, 458, 458, 458, 458, 458, 458, 458, 458},
    {470, 470, 470, 470, 470, 470, 470, 470, 470, 470, 470, 470, 470, 470, 470, 0xffff, 470, 470},
    {194, 232, 194, 11, 232, 11, 229, 230, 186, 186, 244, 244, 215, 215, 11, 230, 230, 232},
    {465, 465, 465, 465, 465, 465, 465, 465, 465, 465, 465, 465, 465, 465, 465, 465, 465, 465},
    {195, 233, 195, 12, 233, 12, 230, 231, 187, 187, 245, 245, 216, 216, 12, 231, 231, 233},
    {0xffff, 53, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 53, 0xffff, 0xffff, 0xffff, 0xffff, 53, 53, 0xffff, 0xffff, 0xffff, 0xffff},
    {212, 253, 212, 18, 249, 18, 248, 247, 206, 206, 223, 223, 235, 235, 18, 110, 110, 253},
    {198, 236, 198, 15, 236, 15, 233, 234, 190, 190, 248, 248, 219, 219, 15, 234, 234, 236},
    {8, 19, 8, 62, 19, 62, 19, 19, 8, 8, 19, 19, 19, 19, 62, 19, 19, 19},
    {189, 227, 189, 6, 227, 6, 224, 225, 181, 181, 239, 239, 210, 210, 6, 225, 225, 227},
    {459, 459, 459, 459, 459, 459, 459, 459, 459, 459, 459, 459, 459, 459, 459, 459, 459, 459},
    {461, 461, 461, 461, 461, 461, 461, 461, 461, 461, 461, 461, 461, 461, 461, 461, 461, 461},
    {460, 460, 460, 460, 460, 460, 460, 460, 460, 460, 460, 460, 460, 460, 460, 460, 460, 460},
    {6, 107, 6, 0xffff, 107, 0xffff, 107, 107, 6, 6, 84, 84, 107, 107, 0xffff, 107, 107, 107},
    {0xffff, 196, 0xffff, 0xffff, 196, 0xffff, 196, 214, 0xffff, 0xffff, 198, 198, 196, 0xffff, 0xffff, 196, 0xffff, 196},
    {28, 219, 28, 233, 220, 233, 238, 218, 27, 27, 119, 119, 205, 205, 233, 219, 219, 219},
    {453, 453, 453, 453, 453, 453, 453, 453, 453, 453, 453, 453, 453, 453, 453, 453, 453, 453},
    {237, 274, 237, 235, 319, 235, 268, 268, 227, 231, 260, 260, 259, 259, 235, 268, 268, 274},
    {324, 375, 324, 283, 389, 283, 374, 358, 318, 322, 343, 343, 365, 365, 283, 356, 356, 378},
    {319, 356, 319, 279, 385, 279, 353, 354, 314, 318, 340, 340, 360, 360, 279, 350, 350, 374},
    {447, 447, 447, 447, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 447, 447, 447, 0xffff},
    {256, 294, 256, 238, 400, 238, 287, 287, 246, 250, 272, 272, 258, 258, 238, 287, 287, 294},
    {27, 218, 27, 232, 219, 232, 237, 217, 26, 26, 72, 72, 206, 206, 232, 218, 218, 218},
    {83, 39, 83, 0xffff, 39, 0xffff, 39, 39, 81, 81, 39, 39, 39, 39, 0xffff, 39, 39, 39},
    {258, 296, 258, 34, 323, 34, 289, 289, 248, 252, 276, 276, 287, 287, 34, 289, 289, 296},
    {133, 14, 133, 0xffff, 14, 0xffff, 14, 14, 131, 131, 14, 14, 14, 14, 0xffff, 14, 14, 14},
    {259, 297, 259, 33, 324, 33, 290, 290, 249, 253, 277, 277, 288, 288, 33, 290, 290, 297},
    {149, 150, 149, 228, 150, 228, 150, 154, 146, 146, 150, 150, 150, 150, 228, 150, 150, 150},
    {325, 376, 325, 284, 390, 284, 375, 359, 319, 323, 345, 345, 378, 378, 284, 374, 374, 379},
    {151, 152, 151, 230, 152, 230, 152, 156, 148, 148, 152, 152, 152, 152, 230, 152, 152, 152},
    {9, 90, 9, 222, 0xffff, 222, 90, 90, 9, 9, 90, 90, 90, 90, 222, 90, 90, 90},
    {0xffff, 192, 0xffff, 0xffff, 192, 0xffff, 192, 210, 0xffff, 0xffff, 89, 89, 192, 0xffff, 0xffff, 192, 0xffff, 192},
    {154, 123, 154, 0xffff, 0xffff, 0xffff, 0xffff, 123, 0xffff, 0xffff, 0xffff, 0xffff, 123, 123, 0xffff, 0xffff, 0xffff, 0xffff},
    {165, 21, 165, 40, 21, 40, 21, 21, 160, 160, 21, 21, 21, 21, 40, 21, 21, 21},
    {442, 442, 442, 442, 442, 442, 442, 442, 442, 442, 442, 442, 442, 442, 442, 442, 442, 442},
    {429, 429, 429, 429, 429, 429, 429, 429, 429, 429, 429, 429, 429, 429, 429, 429, 429, 429},
    {279, 317, 533, 239, 344, 239, 310, 308, 267, 271, 295, 295, 301, 301, 239, 310, 310, 317},
    {10, 125, 10, 226, 125, 226, 125, 125, 10, 10, 125, 125, 125, 125, 226, 125, 125, 125},
    {0xffff, 56, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 56, 0xffff, 0xffff, 0xffff, 0xffff, 56, 56, 0xffff, 0xffff, 0xffff, 0xffff},
    {245, 282, 245, 185, 279, 185, 276, 276, 235, 239, 234, 234, 267, 267, 185, 276, 276, 282},
    {244, 281, 527, 184, 278, 184, 275, 275, 234, 238, 233, 233, 266, 266, 184, 275, 275, 281},
    {240, 277, 240, 180, 274, 180, 271, 271, 230, 234, 229, 229, 262, 262, 180, 271, 271, 277},
    {243, 280, 243, 183, 277, 183, 274, 274, 233, 237, 232, 232, 265, 265, 183, 274, 274, 280},
    {0xffff, 419, 0xffff, 0xffff, 419, 0xffff, 419, 419, 0xffff, 419, 419, 0xffff, 419, 0xffff, 0xffff, 419, 0xffff, 419},
    {242, 279, 242, 182, 276, 182, 273, 273, 232, 236, 231, 231, 264, 264, 182, 273, 273, 279},
    {0xffff, 418, 0xffff, 0xffff, 418, 0xffff, 418, 418, 0xffff, 418, 418, 0xffff, 418, 0xffff, 0xffff, 418, 0xffff, 418},
    {241, 278, 241, 181, 275, 181, 272, 272, 231, 235, 230, 230, 263, 263, 181, 272, 272, 278},
    {25, 163, 25, 216, 163, 216, 163, 167, 24, 24, 163, 163, 163, 163, 216, 163, 163, 163},
    {462, 462, 462, 462, 462, 462, 462, 462, 462, 462, 462, 462, 462, 462, 462, 462, 462, 462},
    {71, 402, 71, 187, 304, 187, 402, 402, 69, 69, 191, 191, 402, 402, 187, 402, 402, 402},
    {68, 399, 68, 186, 303, 186, 399, 399, 66, 66, 190, 190, 399, 399, 186, 399, 399, 399},
    {70, 401, 70, 188, 302, 188, 401, 401, 68, 68, 189, 189, 401, 401, 188, 401, 401, 401},
    {69, 400, 69, 189, 301, 189, 400, 400, 67, 67, 188, 188, 400, 400, 189, 400, 400, 400},
    {26, 144, 26, 227, 144, 227, 144, 144, 25, 25, 144, 144, 144, 144, 227, 144, 144, 144},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 201, 201, 0xffff, 0xffff, 0xffff, 0xffff},
    {150, 151, 150, 229, 151, 229, 151, 155, 147, 147, 151, 151, 151, 151, 229, 151, 151, 151},
    {152, 153, 152, 231, 153, 231, 153, 157, 149, 149, 153, 153, 153, 153, 231, 153, 153, 153},
    {11, 91, 11, 215, 91, 215, 91, 91, 11, 11, 91, 91, 91, 91, 215, 91, 91, 91},
    {303, 341, 303, 264, 370, 264, 340, 339, 298, 303, 325, 325, 345, 345, 264, 335, 335, 359},
    {35, 162, 35, 101, 162, 101, 162, 166, 34, 34, 162, 162, 162, 162, 101, 162, 162, 162},
    {262, 0xffff, 262, 79, 0xffff, 79, 0xffff, 0xffff, 252, 256, 0xffff, 0xffff, 0xffff, 291, 79, 0xffff, 293, 0xffff},
    {180, 169, 0xffff, 42, 169, 42, 169, 189, 173, 173, 0xffff, 0xffff, 168, 168, 42, 169, 169, 169},
    {0xffff, 34, 0xffff, 0xffff, 34, 0xffff, 34, 34, 0xffff, 0xffff, 34, 34, 34, 34, 0xffff, 34, 34, 34},
    {0xffff, 28, 0xffff, 0xffff, 0xffff, 0xffff, 28, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 28, 28, 0xffff, 0xffff, 0xffff, 28},
    {0xffff, 84, 0xffff, 0xffff, 0xffff, 0xffff, 84, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 84, 84, 0xffff, 0xffff, 0xffff, 84},
    {0xffff, 59, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 59, 59, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 18, 0xffff, 0xffff, 0xffff, 0xffff, 18, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 18, 18, 0xffff, 0xffff, 0xffff, 18},
    {0xffff, 109, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 109, 109, 0xffff, 0xffff, 0xffff, 109},
    {2, 5, 2, 0xffff, 5, 0xffff, 5, 5, 2, 2, 5, 5, 5, 5, 0xffff, 5, 5, 5},
    {304, 342, 304, 265, 371, 265, 341, 340, 299, 304, 326, 326, 346, 346, 265, 336, 336, 360},
    {428, 428, 428, 428, 428, 428, 428, 428, 428, 428, 428, 428, 428, 428, 428, 428, 428, 428},
    {467, 467, 467, 467, 467, 467, 467, 467, 467, 467, 467, 467, 467, 467, 467, 467, 467, 467},
    {257, 295, 257, 56, 322, 56, 288, 288, 247, 251, 275, 275, 286, 286, 56, 288, 288, 295},
    {437, 437, 437, 437, 437, 437, 437, 437, 437, 437, 437, 437, 437, 437, 437, 437, 437, 437},
    {34, 29, 34, 0xffff, 29, 0xffff, 29, 29, 33, 33, 29, 29, 29, 29, 0xffff, 29, 29, 29},
    {0xffff, 0xffff, 0xffff, 0xffff, 271, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 200, 200, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 272, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 198, 198, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 273, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 199, 199, 0xffff, 0xffff, 0xffff, 0xffff},
    {298, 336, 298, 241, 364, 241, 332, 333, 292, 296, 318, 318, 319, 319, 241, 331, 331, 336},
    {135, 136, 135, 92, 136, 92, 136, 136, 132, 132, 136, 136, 136, 136, 92, 136, 136, 136},
    {438, 438, 438, 438, 438, 438, 438, 438, 438, 438, 438, 438, 438, 438, 438, 438, 438, 438},
    {434, 434, 434, 434, 434, 434, 434, 434, 434, 434, 434, 434, 434, 434, 434, 434, 434, 434},
    {424, 424, 424, 424, 424, 424, 424, 424, 424, 424, 424, 424, 424, 424, 424, 424, 424, 424},
    {22, 42, 22, 0xffff, 42, 0xffff, 42, 42, 21, 21, 42, 42, 42, 42, 0xffff, 42, 42, 42},
    {293, 331, 293, 59, 359, 59, 327, 328, 287, 291, 313, 313, 317, 317, 59, 325, 325, 331},
    {155, 217, 155, 41, 218, 41, 217, 216, 151, 151, 67, 67, 203, 203, 41, 217, 217, 217},
    {330, 381, 330, 289, 395, 289, 382, 364, 324, 328, 352, 352, 384, 384, 289, 385, 385, 385},
    {331, 382, 331, 290, 396, 290, 383, 365, 325, 329, 353, 353, 385, 385, 290, 386, 386, 386},
    {329, 380, 329, 288, 394, 288, 381, 363, 323, 327, 351, 351, 386, 386, 288, 384, 384, 384},
    {7, 168, 7, 0xffff, 168, 0xffff, 168, 188, 7, 7, 168, 168, 167, 167, 0xffff, 168, 168, 168},
    {271, 309, 271, 73, 336, 73, 302, 302, 261, 265, 274, 274, 281, 281, 73, 302, 302, 309},
    {0xffff, 414, 0xffff, 0xffff, 414, 0xffff, 414, 414, 0xffff, 414, 414, 0xffff, 414, 0xffff, 0xffff, 414, 0xffff, 414},
    {157, 172, 157, 167, 172, 167, 172, 192, 153, 153, 172, 172, 171, 171, 167, 172, 172, 172},
    {17, 180, 17, 67, 180, 67, 180, 200, 16, 16, 108, 108, 179, 179, 67, 180, 180, 180},
    {295, 333, 534, 69, 361, 69, 329, 330, 289, 293, 315, 315, 320, 320, 69, 328, 328, 333},
    {327, 378, 546, 286, 392, 286, 377, 361, 321, 325, 347, 347, 380, 380, 286, 376, 376, 381},
    {302, 340, 302, 261, 369, 261, 339, 338, 297, 302, 321, 321, 325, 325, 261, 334, 334, 339},
    {440, 440, 440, 440, 440, 440, 440, 440, 440, 440, 440, 440, 440, 440, 440, 440, 440, 440},
    {448, 448, 448, 448, 448, 448, 448, 448, 448, 448, 448, 448, 448, 448, 448, 448, 448, 448},
    {310, 347, 539, 270, 376, 270, 345, 345, 304, 309, 330, 330, 351, 351, 270, 340, 340, 365},
    {311, 348, 540, 271, 377, 271, 346, 346, 305, 310, 331, 331, 352, 352, 271, 341, 341, 366},
    {0xffff, 44, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 44, 0xffff, 0xffff, 0xffff, 0xffff, 44, 44, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 98, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 98, 0xffff, 0xffff, 0xffff, 0xffff, 98, 98, 0xffff, 0xffff, 0xffff, 0xffff},
    {270, 308, 270, 72, 335, 72, 301, 301, 260, 264, 273, 273, 280, 280, 72, 301, 301, 308},
    {0xffff, 413, 0xffff, 0xffff, 413, 0xffff, 413, 413, 0xffff, 413, 413, 0xffff, 413, 0xffff, 0xffff, 413, 0xffff, 413},
    {101, 26, 521, 117, 26, 117, 26, 26, 99, 99, 26, 26, 26, 26, 117, 26, 26, 26},
    {182, 189, 182, 0xffff, 0xffff, 0xffff, 189, 209, 175, 175, 0xffff, 0xffff, 188, 188, 0xffff, 189, 189, 0xffff},
    {18, 181, 18, 68, 181, 68, 181, 201, 17, 17, 109, 109, 180, 180, 68, 181, 181, 181},
    {296, 334, 535, 70, 362, 70, 330, 331, 290, 294, 316, 316, 321, 321, 70, 329, 329, 334},
    {328, 379, 547, 287, 393, 287, 378, 362, 322, 326, 348, 348, 381, 381, 287, 377, 377, 382},
    {178, 167, 0xffff, 0xffff, 0xffff, 0xffff, 167, 187, 171, 171, 0xffff, 0xffff, 166, 166, 0xffff, 167, 167, 0xffff},
    {179, 131, 179, 60, 131, 60, 131, 131, 172, 172, 131, 131, 131, 131, 60, 131, 131, 131},
    {443, 443, 443, 443, 443, 443, 443, 443, 443, 443, 443, 443, 443, 443, 443, 443, 443, 443},
    {0, 3, 0, 63, 3, 63, 3, 3, 0, 0, 3, 3, 3, 3, 63, 3, 3, 3},
    {187, 225, 187, 213, 225, 213, 240, 223, 179, 179, 207, 207, 191, 191, 213, 222, 222, 225},
    {0xffff, 89, 0xffff, 0xffff, 0xffff, 0xffff, 89, 89, 0xffff, 0xffff, 0xffff, 0xffff, 89, 89, 0xffff, 89, 89, 89},
    {89, 85, 89, 0xffff, 85, 0xffff, 85, 85, 87, 87, 85, 85, 85, 85, 0xffff, 85, 85, 85},
    {267, 305, 267, 78, 332, 78, 298, 298, 257, 261, 285, 285, 296, 296, 78, 298, 298, 305},
    {19, 145, 515, 65, 145, 65, 145, 145, 18, 18, 145, 145, 145, 145, 65, 145, 145, 145},
    {169, 88, 169, 142, 88, 142, 88, 88, 164, 164, 88, 88, 88, 88, 142, 88, 88, 88},
    {0xffff, 0xffff, 0xffff, 0xffff, 291, 0xffff, 0xffff, 175, 0xffff, 0xffff, 98, 98, 336, 336, 0xffff, 0xffff, 0xffff, 350},
    {45, 371, 517, 207, 292, 207, 368, 176, 44, 44, 123, 123, 337, 337, 207, 371, 371, 351},
    {299, 337, 537, 243, 365, 243, 371, 335, 294, 298, 319, 319, 343, 343, 243, 357, 357, 357},
    {0xffff, 417, 0xffff, 0xffff, 417, 0xffff, 417, 417, 0xffff, 417, 417, 0xffff, 417, 0xffff, 0xffff, 417, 0xffff, 417},
    {47, 372, 519, 212, 297, 212, 369, 177, 46, 46, 184, 184, 342, 342, 212, 372, 372, 356},
    {216, 257, 216, 234, 253, 234, 252, 251, 210, 210, 227, 227, 239, 239, 234, 267, 267, 257},
    {197, 235, 197, 14, 235, 14, 232, 233, 189, 189, 247, 247, 218, 218, 14, 233, 233, 235},
    {466, 466, 466, 466, 466, 466, 466, 466, 466, 466, 466, 466, 466, 466, 466, 466, 466, 466},
    {82, 38, 82, 0xffff, 38, 0xffff, 38, 38, 80, 80, 38, 38, 38, 38, 0xffff, 38, 38, 38},
    {264, 302, 264, 38, 329, 0xffff, 295, 295, 254, 258, 282, 282, 293, 293, 0xffff, 295, 295, 302},
    {316, 353, 316, 276, 382, 276, 351, 351, 311, 315, 337, 337, 357, 357, 276, 347, 347, 371},
    {249, 287, 249, 218, 310, 218, 280, 281, 240, 244, 265, 265, 270, 270, 218, 279, 279, 286},
    {219, 0, 219, 128, 0, 128, 0, 253, 213, 214, 0, 0, 0, 0, 128, 7, 7, 0},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 259, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 258, 0xffff, 0xffff, 0xffff},
    {84, 40, 84, 0xffff, 40, 0xffff, 40, 40, 82, 82, 40, 40, 40, 40, 0xffff, 40, 40, 40},
    {334, 386, 334, 293, 398, 293, 384, 367, 327, 331, 354, 354, 387, 387, 293, 383, 383, 387},
    {471, 471, 471, 471, 471, 471, 471, 471, 471, 471, 471, 471, 471, 471, 471, 0xffff, 471, 471},
    {13, 174, 512, 134, 174, 134, 174, 194, 13, 13, 174, 174, 173, 173, 134, 174, 174, 174},
    {127, 176, 522, 136, 176, 136, 176, 196, 125, 125, 176, 176, 175, 175, 136, 176, 176, 176},
    {14, 175, 14, 135, 175, 135, 175, 195, 14, 14, 175, 175, 174, 174, 135, 175, 175, 175},
    {129, 178, 524, 138, 178, 138, 178, 198, 127, 127, 178, 178, 177, 177, 138, 178, 178, 178},
    {15, 173, 513, 139, 173, 139, 173, 193, 211, 211, 173, 173, 172, 172, 139, 173, 173, 173},
    {130, 179, 130, 133, 179, 133, 179, 199, 128, 128, 179, 179, 178, 178, 133, 179, 179, 179},
    {128, 177, 523, 137, 177, 137, 177, 197, 126, 126, 177, 177, 176, 176, 137, 177, 177, 177},
    {0xffff, 421, 0xffff, 0xffff, 421, 0xffff, 421, 421, 0xffff, 421, 421, 0xffff, 421, 0xffff, 0xffff, 421, 0xffff, 421},
    {297, 335, 536, 240, 363, 240, 331, 332, 291, 295, 317, 317, 322, 322, 240, 330, 330, 335},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 255, 255, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 378, 378, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 353, 353, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 352, 352, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 342, 342, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 380, 380, 0xffff},
    {146, 159, 146, 125, 159, 125, 159, 163, 143, 143, 159, 159, 159, 159, 125, 159, 159, 159},
    {147, 160, 147, 126, 160, 126, 160, 164, 144, 144, 160, 160, 160, 160, 126, 160, 160, 160},
    {204, 242, 204, 123, 242, 123, 312, 240, 196, 196, 212, 212, 223, 223, 123, 240, 240, 242},
    {315, 352, 315, 275, 381, 275, 350, 350, 310, 314, 335, 335, 356, 356, 275, 346, 346, 369},
    {143, 155, 143, 121, 155, 121, 155, 159, 140, 140, 155, 155, 155, 155, 121, 155, 155, 155},
    {145, 157, 145, 120, 157, 120, 157, 161, 142, 142, 157, 157, 157, 157, 120, 157, 157, 157},
    {148, 161, 148, 127, 161, 127, 161, 165, 145, 145, 161, 161, 161, 161, 127, 161, 161, 161},
    {0xffff, 423, 0xffff, 0xffff, 423, 0xffff, 423, 423, 0xffff, 423, 423, 0xffff, 423, 0xffff, 0xffff, 423, 0xffff, 423},
    {203, 241, 203, 122, 241, 122, 311, 239, 195, 195, 211, 211, 222, 222, 122, 239, 239, 241},
    {314, 351, 314, 274, 380, 274, 349, 349, 309, 313, 334, 334, 355, 355, 274, 345, 345, 370},
    {142, 154, 142, 118, 154, 118, 154, 158, 139, 139, 154, 154, 154, 154, 118, 154, 154, 154},
    {144, 156, 144, 119, 156, 119, 156, 160, 141, 141, 156, 156, 156, 156, 119, 156, 156, 156},
    {24, 158, 24, 124, 158, 124, 158, 162, 23, 23, 158, 158, 158, 158, 124, 158, 158, 158},
    {317, 354, 317, 277, 383, 277, 380, 352, 312, 316, 338, 338, 358, 358, 277, 348, 348, 372},
    {185, 0xffff, 185, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {23, 82, 23, 0xffff, 0xffff, 0xffff, 82, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 82, 82, 0xffff, 0xffff, 142, 0xffff},
    {66, 394, 66, 191, 300, 191, 394, 394, 64, 64, 187, 187, 394, 394, 191, 394, 394, 394},
    {64, 393, 64, 190, 299, 190, 393, 393, 62, 62, 186, 186, 393, 393, 190, 393, 393, 393},
    {65, 0xffff, 65, 193, 298, 193, 0xffff, 0xffff, 63, 63, 185, 185, 0xffff, 0xffff, 193, 0xffff, 0xffff, 0xffff},
    {220, 0xffff, 220, 192, 312, 192, 0xffff, 0xffff, 214, 215, 228, 228, 0xffff, 392, 192, 0xffff, 392, 0xffff},
    {0xffff, 420, 0xffff, 0xffff, 420, 0xffff, 420, 420, 0xffff, 420, 420, 0xffff, 420, 0xffff, 0xffff, 420, 0xffff, 420},
    {0xffff, 0xffff, 0xffff, 0xffff, 289, 0xffff, 0xffff, 178, 0xffff, 0xffff, 58, 58, 334, 334, 0xffff, 0xffff, 0xffff, 348},
    {40, 187, 40, 71, 187, 71, 187, 207, 39, 39, 122, 122, 186, 186, 71, 187, 187, 187},
    {0xffff, 239, 0xffff, 0xffff, 239, 0xffff, 236, 237, 0xffff, 219, 209, 209, 226, 0xffff, 0xffff, 223, 0xffff, 239},
    {307, 345, 538, 269, 374, 269, 372, 343, 302, 307, 329, 329, 349, 349, 269, 358, 358, 363},
    {46, 370, 518, 211, 296, 211, 367, 179, 45, 45, 183, 183, 341, 341, 211, 370, 370, 355},
    {44, 369, 44, 206, 290, 206, 366, 180, 43, 43, 82, 82, 335, 335, 206, 369, 369, 349},
    {238, 276, 238, 237, 321, 237, 270, 270, 229, 233, 262, 262, 261, 261, 237, 270, 270, 276},
    {450, 450, 450, 450, 450, 450, 450, 450, 450, 450, 450, 450, 450, 450, 450, 450, 450, 450},
    {273, 311, 530, 99, 338, 99, 304, 309, 268, 272, 289, 289, 300, 300, 99, 304, 304, 311},
    {205, 243, 0xffff, 0xffff, 0xffff, 0xffff, 334, 283, 242, 246, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {218, 258, 218, 96, 256, 96, 253, 252, 212, 213, 237, 237, 232, 232, 96, 252, 252, 258},
    {0xffff, 0xffff, 0xffff, 0xffff, 61445, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {171, 121, 171, 162, 121, 162, 121, 121, 166, 166, 121, 121, 121, 121, 162, 121, 121, 121},
    {123, 139, 123, 152, 139, 152, 139, 139, 121, 121, 139, 139, 139, 139, 152, 139, 216, 139},
    {0xffff, 216, 0xffff, 0xffff, 216, 0xffff, 216, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 216, 0xffff, 216},
    {122, 138, 122, 151, 138, 151, 138, 138, 120, 120, 138, 138, 138, 138, 151, 138, 215, 138},
    {0xffff, 215, 0xffff, 0xffff, 215, 0xffff, 215, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 215, 0xffff, 215},
    {106, 46, 106, 144, 46, 144, 46, 46, 104, 104, 46, 46, 46, 46, 144, 46, 214, 46},
    {0xffff, 214, 0xffff, 0xffff, 214, 0xffff, 214, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 214, 0xffff, 214},
    {116, 81, 116, 159, 81, 159, 81, 81, 114, 114, 81, 81, 81, 81, 159, 81, 206, 81},
    {0xffff, 206, 0xffff, 0xffff, 206, 0xffff, 206, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 206, 0xffff, 206},
    {170, 74, 170, 161, 74, 161, 74, 74, 165, 165, 74, 74, 74, 74, 161, 74, 74, 74},
    {38, 104, 38, 103, 104, 103, 104, 104, 36, 36, 104, 104, 104, 104, 103, 104, 104, 104},
    {308, 346, 308, 268, 375, 268, 344, 344, 303, 308, 328, 328, 350, 350, 268, 339, 339, 364},
    {109, 57, 109, 154, 57, 154, 57, 57, 107, 107, 57, 57, 57, 57, 154, 57, 57, 57},
    {141, 97, 141, 140, 97, 140, 97, 97, 138, 138, 97, 97, 97, 97, 140, 97, 97, 97},
    {114, 71, 114, 143, 71, 143, 71, 71, 112, 112, 71, 71, 71, 71, 143, 71, 204, 71},
    {0xffff, 204, 0xffff, 0xffff, 204, 0xffff, 204, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 204, 0xffff, 204},
    {119, 170, 119, 149, 170, 149, 170, 190, 117, 117, 170, 170, 169, 169, 149, 170, 210, 170},
    {0xffff, 210, 0xffff, 0xffff, 210, 0xffff, 210, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 210, 0xffff, 210},
    {117, 164, 117, 147, 164, 147, 164, 185, 115, 115, 164, 164, 164, 164, 147, 164, 208, 164},
    {0xffff, 208, 0xffff, 0xffff, 208, 0xffff, 208, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 208, 0xffff, 208},
    {113, 70, 113, 145, 70, 145, 70, 70, 111, 111, 70, 70, 70, 70, 145, 70, 203, 70},
    {0xffff, 203, 0xffff, 0xffff, 203, 0xffff, 203, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 203, 0xffff, 203},
    {160, 75, 160, 164, 75, 0xffff, 75, 75, 155, 155, 75, 75, 75, 75, 164, 75, 75, 75},
    {112, 66, 112, 157, 66, 157, 66, 66, 110, 110, 66, 66, 66, 66, 157, 66, 66, 66},
    {54, 366, 541, 208, 294, 208, 363, 181, 53, 53, 181, 181, 339, 339, 208, 366, 366, 353},
    {164, 79, 164, 170, 79, 170, 79, 79, 159, 159, 79, 79, 79, 79, 170, 79, 79, 79},
    {105, 23, 105, 146, 23, 146, 23, 23, 103, 103, 23, 23, 23, 23, 146, 23, 213, 23},
    {0xffff, 213, 0xffff, 0xffff, 213, 0xffff, 213, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 213, 0xffff, 213},
    {188, 226, 188, 5, 226, 5, 223, 224, 180, 180, 238, 238, 209, 209, 5, 224, 224, 226},
    {463, 463, 463, 463, 463, 463, 463, 463, 463, 463, 463, 463, 463, 463, 463, 463, 463, 463},
    {0xffff, 68, 0xffff, 0xffff, 0xffff, 0xffff, 68, 68, 0xffff, 0xffff, 68, 68, 68, 68, 0xffff, 0xffff, 0xffff, 68},
    {30, 397, 30, 196, 305, 196, 397, 397, 29, 29, 192, 192, 397, 397, 196, 397, 397, 397},
    {31, 396, 31, 195, 308, 195, 396, 396, 30, 30, 195, 195, 396, 396, 195, 396, 396, 396},
    {67, 398, 67, 197, 306, 197, 398, 398, 65, 65, 193, 193, 398, 398, 197, 398, 398, 398},
    {29, 395, 29, 194, 307, 194, 395, 395, 28, 28, 194, 194, 395, 395, 194, 395, 395, 395},
    {48, 373, 48, 210, 293, 210, 370, 182, 47, 47, 117, 117, 338, 338, 210, 373, 373, 352},
    {0xffff, 67, 0xffff, 0xffff, 67, 0xffff, 67, 67, 0xffff, 0xffff, 0xffff, 0xffff, 67, 67, 0xffff, 67, 67, 67},
    {131, 186, 525, 132, 186, 132, 186, 206, 129, 129, 166, 166, 185, 185, 132, 186, 186, 186},
    {0xffff, 48, 0xffff, 0xffff, 0xffff, 0xffff, 48, 48, 0xffff, 0xffff, 48, 48, 48, 48, 0xffff, 48, 48, 48},
    {282, 321, 282, 0xffff, 349, 0xffff, 317, 317, 276, 280, 302, 302, 305, 305, 0xffff, 316, 316, 321},
    {289, 327, 289, 74, 355, 74, 323, 324, 283, 287, 309, 309, 313, 313, 74, 322, 322, 327},
    {0xffff, 73, 0xffff, 0xffff, 73, 0xffff, 73, 73, 0xffff, 0xffff, 73, 73, 73, 73, 0xffff, 73, 73, 73},
    {0xffff, 126, 0xffff, 0xffff, 126, 0xffff, 126, 126, 0xffff, 0xffff, 126, 126, 126, 126, 0xffff, 126, 126, 126},
    {0xffff, 119, 0xffff, 0xffff, 119, 0xffff, 119, 119, 0xffff, 0xffff, 0xffff, 0xffff, 119, 119, 0xffff, 119, 119, 119},
    {0xffff, 72, 0xffff, 0xffff, 72, 0xffff, 72, 72, 0xffff, 0xffff, 0xffff, 0xffff, 72, 72, 0xffff, 72, 72, 72},
    {41, 359, 41, 198, 281, 198, 356, 183, 40, 40, 17, 17, 326, 326, 198, 359, 359, 340},
    {0xffff, 102, 0xffff, 0xffff, 0xffff, 0xffff, 102, 102, 0xffff, 0xffff, 0xffff, 0xffff, 102, 102, 0xffff, 102, 102, 102},
    {53, 360, 53, 199, 288, 199, 357, 184, 52, 52, 56, 56, 333, 333, 199, 360, 360, 347},
    {275, 313, 275, 76, 340, 76, 306, 304, 263, 267, 291, 291, 283, 283, 76, 306, 306, 313},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 279, 279, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 278, 278, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 69, 0xffff, 0xffff, 0xffff, 0xffff, 69, 69, 0xffff, 0xffff, 69, 69, 69, 69, 0xffff, 0xffff, 0xffff, 69},
    {4, 106, 4, 0xffff, 106, 0xffff, 106, 106, 4, 4, 18, 18, 106, 106, 0xffff, 106, 106, 106},
    {0xffff, 195, 0xffff, 0xffff, 195, 0xffff, 195, 213, 0xffff, 0xffff, 101, 101, 195, 0xffff, 0xffff, 195, 0xffff, 195},
    {137, 99, 137, 43, 99, 43, 99, 99, 134, 134, 99, 99, 99, 99, 43, 99, 99, 99},
    {0xffff, 268, 0xffff, 0xffff, 266, 0xffff, 263, 255, 0xffff, 217, 298, 298, 252, 252, 0xffff, 265, 265, 268},
    {457, 457, 457, 457, 457, 457, 457, 457, 457, 457, 457, 457, 457, 457, 457, 457, 457, 457},
    {332, 383, 332, 291, 397, 291, 379, 366, 326, 330, 349, 349, 383, 383, 291, 379, 379, 383},
    {0xffff, 25, 0xffff, 0xffff, 0xffff, 0xffff, 25, 25, 0xffff, 0xffff, 25, 25, 25, 25, 0xffff, 25, 0xffff, 25},
    {0xffff, 31, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 31, 0xffff, 0xffff, 0xffff, 0xffff, 31, 31, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 310, 310, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 249, 249, 0xffff, 0xffff, 0xffff, 0xffff},
    {168, 115, 168, 225, 115, 225, 115, 115, 163, 163, 115, 115, 115, 115, 225, 115, 115, 115},
    {167, 87, 167, 224, 87, 224, 87, 87, 162, 162, 87, 87, 87, 87, 224, 87, 87, 87},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 363, 363, 0xffff, 0xffff, 0xffff, 0xffff},
    {88, 83, 88, 0xffff, 83, 0xffff, 83, 83, 86, 86, 83, 83, 83, 83, 0xffff, 83, 83, 83},
    {266, 304, 266, 36, 331, 36, 297, 297, 256, 260, 284, 284, 295, 295, 36, 297, 297, 304},
    {162, 36, 162, 81, 36, 81, 36, 36, 157, 157, 36, 36, 36, 36, 81, 36, 36, 36},
    {277, 314, 277, 84, 0xffff, 84, 307, 305, 264, 268, 292, 292, 0xffff, 0xffff, 84, 307, 307, 314},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 308, 308, 0xffff, 0xffff, 0xffff, 388},
    {306, 344, 306, 267, 373, 267, 343, 342, 301, 306, 327, 327, 348, 348, 267, 338, 338, 362},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 256, 256, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {139, 135, 139, 0xffff, 135, 0xffff, 135, 135, 136, 136, 135, 135, 135, 135, 0xffff, 135, 135, 135},
    {99, 116, 99, 179, 116, 179, 116, 116, 97, 97, 116, 116, 116, 116, 179, 116, 116, 116},
    {103, 103, 103, 116, 103, 116, 103, 103, 101, 101, 103, 103, 103, 103, 116, 103, 103, 103},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 149, 199, 199, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {276, 315, 276, 77, 342, 77, 308, 306, 265, 269, 293, 293, 284, 284, 77, 308, 308, 315},
    {234, 270, 234, 131, 268, 131, 265, 266, 225, 229, 259, 259, 250, 250, 131, 241, 241, 270},
    {201, 13, 201, 0xffff, 0xffff, 0xffff, 13, 13, 0xffff, 0xffff, 13, 13, 13, 13, 0xffff, 13, 0xffff, 13},
    {222, 259, 526, 107, 257, 107, 254, 257, 216, 220, 250, 250, 240, 240, 107, 254, 254, 259},
    {226, 263, 226, 111, 261, 111, 258, 261, 220, 224, 254, 254, 244, 244, 111, 258, 258, 263},
    {225, 262, 225, 109, 260, 109, 257, 260, 219, 223, 253, 253, 243, 243, 109, 257, 257, 262},
    {224, 261, 224, 108, 259, 108, 256, 259, 218, 222, 252, 252, 242, 242, 108, 256, 256, 261},
    {0xffff, 408, 0xffff, 0xffff, 408, 0xffff, 408, 408, 0xffff, 408, 408, 0xffff, 408, 0xffff, 0xffff, 408, 0xffff, 408},
    {223, 260, 223, 110, 258, 110, 255, 258, 217, 221, 251, 251, 241, 241, 110, 255, 255, 260},
    {0xffff, 409, 0xffff, 0xffff, 409, 0xffff, 409, 409, 0xffff, 409, 409, 0xffff, 409, 0xffff, 0xffff, 409, 0xffff, 409},
    {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 318, 277, 281, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 317, 317, 0xffff},
    {283, 322, 283, 85, 350, 85, 318, 321, 280, 284, 306, 306, 306, 306, 85, 319, 319, 322},
    {287, 326, 287, 87, 354, 87, 322, 322, 281, 285, 308, 308, 312, 312, 87, 321, 321, 326},
    {0xffff, 410, 0xffff, 0xffff, 410, 0xffff, 410, 410, 0xffff, 410, 410, 0xffff, 410, 0xffff, 0xffff, 410, 0xffff, 410},
    {286, 325, 286, 86, 353, 86, 321, 323, 282, 286, 307, 307, 311, 311, 86, 320, 320, 325},
    {0xffff, 411, 0xffff, 0xffff, 411, 0xffff, 411, 411, 0xffff, 411, 411, 0xffff, 411, 0xffff, 0xffff, 411, 0xffff, 411},
    {100, 43, 100, 153, 43, 153, 43, 43, 98, 98, 43, 43, 43, 43, 153, 43, 43, 43},
    {200, 238, 200, 130, 238, 130, 222, 236, 192, 192, 208, 208, 208, 208, 130, 237, 237, 238},
    {76, 92, 76, 45, 92, 45, 92, 92, 74, 74, 92, 92, 92, 92, 45, 92, 92, 92},
    {0xffff, 193, 0xffff, 0xffff, 193, 0xffff, 193, 211, 0xffff, 0xffff, 199, 199, 193, 0xffff, 0xffff, 193, 0xffff, 193},
    {184, 0xffff, 184, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 225, 225, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 191, 0xffff, 0xffff, 191, 0xffff, 191, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 190, 190, 0xffff, 191, 0xffff, 191},
    {0xffff, 58, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 58, 0xffff, 0xffff, 0xffff, 0xffff, 58, 58, 0xffff, 0xffff, 0xffff, 0xffff},
    {95, 60, 95, 166, 60, 166, 60, 60, 93, 93, 60, 60, 60, 60, 166, 60, 60, 60},
    {0xffff, 22, 0xffff, 0xffff, 0xffff, 0xffff, 22, 22, 0xffff, 0xffff, 0xffff, 0xffff, 22, 22, 0xffff, 22, 22, 22},
    {166, 52, 166, 39, 52, 39, 52, 52, 161, 161, 52, 52, 52, 52, 39, 52, 52, 52},
    {63, 122, 63, 160, 122, 160, 122, 122, 61, 61, 59, 59, 122, 122, 160, 122, 122, 122},
    {87, 10, 87, 0xffff, 10, 0xffff, 10, 10, 85, 85, 10, 10, 10, 10, 0xffff, 10, 10, 10},
    {263, 301, 263, 35, 328, 35, 294, 294, 253, 257, 281, 281, 292, 292, 35, 294, 294, 301},
    {272, 310, 272, 97, 337, 97, 303, 303, 262, 266, 288, 288, 282, 282, 97, 303, 303, 310},
    {336, 0xffff, 336, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {335, 0xffff, 335, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {134, 86, 0xffff, 0xffff, 86, 0xffff, 86, 86, 0xffff, 0xffff, 86, 86, 86, 86, 0xffff, 86, 86, 86},
    {323, 374, 323, 282, 388, 282, 373, 357, 317, 321, 344, 344, 364, 364, 282, 355, 355, 377},
    {0xffff, 0xffff, 0xffff, 0xffff, 61443, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 0xffff, 0xffff, 0xffff, 61444, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {136, 62, 136, 0xffff, 62, 0xffff, 62, 62, 133, 133, 62, 62, 62, 62, 0xffff, 62, 62, 62},
    {132, 30, 132, 0xffff, 0xffff, 0xffff, 30, 30, 130, 130, 30, 30, 30, 30, 0xffff, 30, 30, 30},
    {280, 320, 280, 88, 348, 88, 316, 316, 275, 279, 301, 301, 304, 304, 88, 315, 315, 320},
    {0xffff, 412, 0xffff, 0xffff, 412, 0xffff, 412, 412, 0xffff, 412, 412, 0xffff, 412, 0xffff, 0xffff, 412, 0xffff, 412},
    {235, 271, 235, 0xffff, 269, 0xffff, 266, 267, 226, 230, 336, 336, 251, 251, 0xffff, 313, 313, 271},
    {58, 190, 58, 0xffff, 190, 0xffff, 190, 0xffff, 0xffff, 0xffff, 113, 113, 189, 189, 0xffff, 190, 190, 190},
    {153, 111, 153, 58, 111, 58, 111, 111, 150, 150, 111, 111, 111, 111, 58, 111, 111, 111},
    {0xffff, 166, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 113, 0xffff, 0xffff, 0xffff, 0xffff, 113, 113, 0xffff, 0xffff, 0xffff, 0xffff},
    {0xffff, 113, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {278, 316, 532, 75, 343, 75, 309, 307, 266, 270, 294, 294, 285, 285, 75, 309, 309, 316},
    {236, 273, 0xffff, 0xffff, 313, 0xffff, 0xffff, 277, 236, 240, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff},
    {61, 114, 61, 260, 114, 260, 114, 114, 59, 59, 114, 114, 114, 114, 260, 114, 114, 114},
    {247, 284, 529, 95, 280, 95, 277, 278, 237, 241, 235, 235, 272, 272, 95, 281, 281, 284},
    {0xffff, 7, 0xffff, 0xffff, 0xffff, 0xffff, 7, 7, 0xffff, 0xffff, 7, 7, 7, 7, 0xffff, 0xffff, 0xffff, 7},
    {1, 4, 1, 64, 4, 64, 4, 4, 1, 1, 4, 4, 4, 4, 64, 4, 4, 4},
    {20, 146, 516, 66, 146, 66, 146, 146, 19, 19, 146, 146, 146, 146, 66, 146, 146, 146},
};
// clang-format on

} // namespace hull::kernel::seccomp::table
