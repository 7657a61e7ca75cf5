// Pseudo terminals.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

struct Terminal {
    UniqueFd master, slave;
    unsigned number = 0; // /dev/pts/<number>
};

// From the devpts whose ptmx this is an O_PATH or open descriptor's folder of:
// devpts is the folder (its file system is checked). No path is looked up
// again, so nothing can be put in between.
Result<Terminal> open_terminal(BorrowedFd devpts);
Result<void> set_window_size(BorrowedFd terminal, uint16_t rows, uint16_t columns);
// The calling session leader's controlling terminal from now on.
Result<void> make_controlling(BorrowedFd slave);

} // namespace hull::sys
