// User namespaces made by somebody who isn't root on the host: with the own uid
// and gid, or with subordinate ones by newuidmap(1) and newgidmap(1) of the
// package uidmap. Sources: user_namespaces(7), subuid(5).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/namespaces.h"

namespace hull::kernel {

enum class IdKind : uint8_t { user, group };

// A new user namespace with these maps. Who has CAP_SETUID and CAP_SETGID in
// its own user namespace writes them itself; so does anybody for a map of one
// id, its own (which denies setgroups(2) inside, for groups); the rest is up to
// newuidmap and newgidmap, looked up in PATH. Errors name what is missing.
// The calling process must be dumpable (its /proc files its own) and without
// threads that wait for children.
Result<UniqueFd> make_user_namespace_unprivileged(const IdMaps& maps);

// ---- pure parts, for tests --------------------------------------------------

struct SubordinateRange {
    uint32_t first = 0, count = 0;
    bool operator==(const SubordinateRange&) const = default;
};
// The ranges in /etc/subuid or /etc/subgid of a user, found by name or number.
std::vector<SubordinateRange> parse_subordinate(std::string_view file, std::string_view name, uint32_t uid);
// The name of uid in the text of /etc/passwd; empty: none.
std::string name_of_user(std::string_view passwd, uint32_t uid);
// What keeps the user from using the outside ids of map, in words that say
// what to do; empty: nothing that the file tells.
std::string missing_subordinate(IdKind kind, std::span<const IdMapping> map, std::string_view file,
                                std::string_view name, uint32_t uid, uint32_t own_id);
// "newuidmap <pid> 0 1000 1 1 100000 65536" as arguments.
std::vector<std::string> map_program_args(IdKind kind, int pid, std::span<const IdMapping> map);

} // namespace hull::kernel
