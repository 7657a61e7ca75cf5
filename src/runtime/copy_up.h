// Filling a fresh tmpfs with what the image has at its place (tmpcopyup).
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::runtime {

// from: an O_PATH folder; into: a folder (of an empty file system). Files,
// folders, links, with owner and mode; other kinds are left out. What is
// mounted below from is not entered.
Result<void> copy_tree(BorrowedFd from, BorrowedFd into);

} // namespace hull::runtime
