// Paths of a container's tree as users give them.
#pragma once

#include <string>
#include <string_view>

#include <sys/stat.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::store {

// "a//b/../c/" is "/a/c": cleaned as text, ".." never leaves the root.
std::string clean_absolute(std::string_view path);

// Where a path leads, its links followed with root as "/" as far as they lead
// somewhere; what isn't there is taken as text. Errors: system (ELOOP).
Result<std::string> follow_links(BorrowedFd root, const std::string& path);

struct FoundPath {
    UniqueFd dir;     // that holds it (O_PATH); of a folder, the folder itself
    std::string name; // in dir; "." of a folder
    struct stat st{};
    std::string link_target; // of a link: where it leads in the end
};
// The file at path. A final link is followed only when the path ends in "/" or
// "/.", and must then be a folder. Errors: not_found, invalid_argument (no folder).
Result<FoundPath> find_path(BorrowedFd root, const std::string& path);

// At most limit bytes of a file, links followed in the tree. Errors: not_found, too_large.
Result<std::string> read_small_file(BorrowedFd root, const std::string& path, size_t limit);

} // namespace hull::store
