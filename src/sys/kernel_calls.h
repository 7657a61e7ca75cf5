// Which of the newer system calls answer here. Too old a kernel says ENOSYS, and
// so does the filter of a sandbox (older profiles: EPERM). Each is asked for once
// per process, with arguments that no kernel accepts, so that nothing happens
// and EPERM can't be anything but a filter's. Whoever has two ways to do a thing
// chooses by this and has each way in a file of its own.
#pragma once

#include <string_view>

namespace hull::sys {

enum class Call : unsigned char {
    clone3,              // Linux 5.3; into a cgroup 5.7
    close_range,         // 5.9
    close_range_cloexec, // 5.11
    detached_mounts,     // 5.2 open_tree, move_mount, fsopen, ...; 5.12 mount_setattr: all of them or none
    openat2,             // 5.6
    statx,               // 4.11; mount ids 5.8
};
constexpr int call_count = 6;

// Thread-safe. A child made by fork knows what its parent knew.
bool kernel_has(Call call);

} // namespace hull::sys
