// Mount options as text ("ro", "nosuid", "rslave", "size=64k") -> flags.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace hull::kernel {

struct MountOptions {
    uint64_t set = 0, clear = 0;         // MOUNT_ATTR_*
    uint64_t set_rec = 0, clear_rec = 0; // for all mounts below too ("rro", ...)
    uint64_t propagation = 0;            // MS_PRIVATE, ... with MS_REC; 0: not said
    std::string data;                    // for the file system: "size=64k,mode=755"
    bool bind = false, recursive = false;
    bool copy_up = false; // "tmpcopyup"
    bool remount = false; // with bind: only the mount's own attributes
    bool idmap = false, idmap_recursive = false;
};

// Every name that parse_mount_options() knows, sorted; not those of file systems.
std::vector<std::string> known_mount_options();

// Later options win. What isn't known goes to the file system, except for a
// bind, where it is invalid_argument. Those that are for mount(8) alone
// ("nofail", "_netdev", "x-...") have no effect.
Result<MountOptions> parse_mount_options(std::span<const std::string> options, bool is_bind);

} // namespace hull::kernel
