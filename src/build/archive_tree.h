// An archive in a tree as a tree itself: what ADD unpacks.
#pragma once

#include <memory>
#include <string>

#include "build/files/tree.h"

namespace hull::build {

// Empty when the file at path is no archive (tar, plain or compressed): then ADD
// copies it. Errors: invalid_argument for an archive that is damaged.
Result<std::shared_ptr<const Tree>> archive_tree(const Tree& tree, const std::string& path, const std::string& folder);

// Whether the bytes that a stream begins with (512 or more) are a tar's.
bool looks_like_tar(std::string_view first_bytes);

} // namespace hull::build
