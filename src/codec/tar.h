// tar: what one entry of an archive says, whatever dialect says it.
// Sources: POSIX.1-2017 pax "ustar Interchange Format" and "pax Interchange
// Format"; GNU tar manual, "Basic Tar Format" and "Storing Sparse Files".
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hull::tar {

inline constexpr size_t block_bytes = 512;

enum class Type : char {
    file = '0',
    hard_link = '1',
    symlink = '2',
    char_device = '3',
    block_device = '4',
    directory = '5',
    fifo = '6',
};

struct Segment { // bytes of a sparse file that are data
    uint64_t offset = 0, length = 0;
    bool operator==(const Segment&) const = default;
};

struct Entry {
    std::string path;        // as the archive has it: may be absolute, hold "..", end in "/"
    std::string link_target; // of links
    Type type = Type::file;
    uint32_t mode = 0; // 07777
    uint32_t uid = 0, gid = 0;
    int64_t mtime = 0;        // seconds since 1970, may be negative
    uint32_t mtime_ns = 0;    // 0..999999999, added to mtime
    uint64_t size = 0;        // of the file; with its holes when sparse
    uint64_t stored_size = 0; // bytes of data in the archive
    uint32_t device_major = 0, device_minor = 0;
    std::vector<std::pair<std::string, std::string>> xattrs; // by name
    bool sparse = false;
    std::vector<Segment> segments; // of a sparse file, ascending, not touching its end
};

} // namespace hull::tar
