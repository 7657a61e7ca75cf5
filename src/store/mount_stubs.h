// Empty files and folders that a container got only for something to be mounted on.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace hull::store {

// Removes those of them that are still empty. stubs: relative to upper, a
// folder after what is in it. Links are not followed.
Result<void> remove_mount_stubs(const std::string& upper, const std::vector<std::string>& stubs);

} // namespace hull::store
