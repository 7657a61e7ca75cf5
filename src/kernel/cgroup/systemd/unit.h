// Where a container lies in systemd's tree of units. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hull::kernel::cgroup::systemd {

enum class Instance : uint8_t { system, user }; // of systemd: process 1, or a user's own

struct Placement {
    std::string unit;  // "docker-a1b2.scope"
    std::string slice; // "system.slice"; "-.slice": the root
    std::string path;  // cgroup, from where the instance's own begins: "/system.slice/docker-a1b2.scope"
};

// cgroups_path: "slice:prefix:name", each may be empty; whole empty is
// ":<default_prefix>:<id>". The unit is prefix-name.scope. Slices as
// systemd.slice(5) has them: "a-b.slice" lies in "a.slice". Errors:
// invalid_argument, saying what is expected.
Result<Placement> place(std::string_view cgroups_path, std::string_view default_prefix, std::string_view id,
                        Instance instance);

// "a-b.slice" -> "/a.slice/a-b.slice"; "-.slice" and "-" -> "".
Result<std::string> expand_slice(std::string_view slice);

} // namespace hull::kernel::cgroup::systemd
