// Paths below a folder that somebody else controls: resolved once, to a
// descriptor, so that no link in it leads out of the folder and nothing can be
// swapped afterwards (openat2).
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

enum class Links : unsigned char {
    in_root, // followed, with root as "/"; links of /proc that lead to open files are not
    refused, // any link in the path is an error (ELOOP)
};

// flags: O_PATH and the like; close-on-exec is added.
Result<UniqueFd> open_beneath(BorrowedFd root, const std::string& path, int flags, Links links, mode_t mode = 0);

// The folder at path, with what is missing of it made (mode). Links are
// followed with root as "/". Returns an O_PATH descriptor.
Result<UniqueFd> make_folders_beneath(BorrowedFd root, const std::string& path, mode_t mode);
// The file at path, made empty (mode) when missing, with its folders. O_PATH.
Result<UniqueFd> make_file_beneath(BorrowedFd root, const std::string& path, mode_t mode);

} // namespace hull::sys
