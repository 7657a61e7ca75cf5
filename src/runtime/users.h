// Users and groups by the container's own passwd and group files, with
// Docker's meaning of "user", "uid", "user:group", ... Pure functions over the
// files' text; lines that make no sense are skipped, never read as id 0.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hull::runtime {

struct ResolvedUser {
    uint32_t uid = 0, gid = 0;
    std::vector<uint32_t> groups; // supplementary, in the file's order
    std::string home = "/";
};

// spec: "", "name", "uid", "name:group", "uid:gid", and every mix. Errors
// (invalid_argument) have Docker's texts: "unable to find user x: no matching
// entries in passwd file", "uids and gids must be in range 0-2147483647".
Result<ResolvedUser> find_user(std::string_view spec, std::string_view passwd, std::string_view group);

// The home folder of a uid; "/" without an entry.
std::string find_home(uint32_t uid, std::string_view passwd);

// Names or numbers -> gids, in order, each once.
Result<std::vector<uint32_t>> find_groups(std::span<const std::string> names, std::string_view group);

} // namespace hull::runtime
