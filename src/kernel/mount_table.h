// The kernel's mount table, /proc/<pid>/mountinfo.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hull::kernel {

struct MountRecord {
    int id = 0, parent = 0;
    unsigned major = 0, minor = 0;
    std::string root;        // within its file system
    std::string mount_point; // with the kernel's \040 escapes undone
    std::string options;     // of the mount: "rw,nosuid"
    std::string propagation; // optional fields: "shared:1 master:2"
    std::string fs_type, source;
    std::string super_options; // of the file system
};

// Lines that don't parse are `corrupt`. Source: proc_pid_mountinfo(5).
Result<std::vector<MountRecord>> parse_mount_table(std::string_view text);
// Of the calling process (/proc/self/mountinfo), at most 64 MiB.
Result<std::vector<MountRecord>> read_mount_table();

// path is prefix or lies below it ("/a" holds "/a/b", not "/ab").
bool is_below(std::string_view path, std::string_view prefix);

} // namespace hull::kernel
