// How overlayfs notes in a layer that a file of a layer below is gone: a
// character device with the number 0 (Documentation/filesystems/overlayfs.rst).
#pragma once

#include <sys/stat.h>

namespace hull::store {

inline bool is_whiteout(const struct stat& st) { return S_ISCHR(st.st_mode) && st.st_rdev == 0; }

} // namespace hull::store
