// Which of the kernel's features that containers need are here: tried, each in a
// process with mount and network namespaces of its own, not read from lists.
// For programs with one thread (it forks).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace hull::kernel {

struct Probed {
    std::string feature, used_for;
    bool works = false;
    std::string detail;  // more about it, or why it doesn't work
    std::string remedy;  // what to do where it doesn't work
    bool needed = false; // by every engine
};

// folder: on the file system where images and containers are. What the caller
// may not do counts as not working: "Operation not permitted".
std::vector<Probed> probe_kernel(const std::string& folder);

} // namespace hull::kernel
