// Namespaces as the kernel names them, and making user namespaces whose id
// maps are written from outside.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::kernel {

struct NamespaceKind {
    std::string_view oci_name;  // "network"
    std::string_view proc_name; // "net": the file in /proc/<pid>/ns
    uint64_t clone_flag;        // CLONE_NEWNET
};
std::span<const NamespaceKind> namespace_kinds();

struct IdMapping {
    uint32_t inside = 0, outside = 0, size = 0;
};
// "0 1879048192 65536\n...", the form of /proc/<pid>/uid_map.
std::string id_map_text(std::span<const IdMapping> map);
// Every id at most 2^32-2, no two ranges that overlap on either side, at least
// one range and at most 340; else invalid_argument.
Result<void> check_id_map(std::span<const IdMapping> map);

struct IdMaps {
    std::vector<IdMapping> uids, gids;
};
// The maps of the user namespace at path (a file like /proc/<pid>/ns/user), as
// seen from the caller's. For single-threaded programs: forks.
Result<IdMaps> read_id_maps(const std::string& path);
// Lines of /proc/<pid>/uid_map. Errors: corrupt.
Result<std::vector<IdMapping>> parse_id_map(std::string_view text);

struct NamespacePair {
    UniqueFd user, net;
};
// A new user namespace with these maps. The caller needs CAP_SETUID and
// CAP_SETGID over the outside ids. Thread-safe.
Result<UniqueFd> make_user_namespace(std::span<const IdMapping> uids, std::span<const IdMapping> gids);
// A user namespace and a network namespace that belongs to it; with empty maps
// only a network namespace, of the caller's user namespace. Thread-safe.
Result<NamespacePair> make_user_and_net_namespace(std::span<const IdMapping> uids, std::span<const IdMapping> gids);

} // namespace hull::kernel
