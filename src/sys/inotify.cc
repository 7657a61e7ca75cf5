#include "sys/inotify.h"

#include <sys/inotify.h>

namespace hull::sys {

Result<UniqueFd> watch_file(const std::string& path) {
    UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!fd) return Error::from_errno("inotify_init1");
    if (::inotify_add_watch(fd.get(), path.c_str(), IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF) < 0)
        return Error::from_errno("inotify_add_watch", path);
    return fd;
}

} // namespace hull::sys
