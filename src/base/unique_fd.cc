#include "base/unique_fd.h"

#include <cerrno>

#include <unistd.h>

namespace hull {

void UniqueFd::reset(int fd) {
    if (fd_ >= 0 && fd_ != fd) {
        int saved = errno;
        ::close(fd_); // the descriptor is gone whatever close says, so nothing to do about errors
        errno = saved;
    }
    fd_ = fd;
}

} // namespace hull
