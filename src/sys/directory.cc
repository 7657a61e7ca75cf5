#include "sys/directory.h"

#include <memory>

#include <sys/statvfs.h>
#include <unistd.h>

namespace hull::sys {

Result<void> rmdir(const std::string& path) {
    if (::rmdir(path.c_str()) != 0) return Error::from_errno("rmdir", path);
    return {};
}

Result<std::vector<std::string>> list_folders(const std::string& path) {
    OpenDir dir(::opendir(path.c_str()));
    if (!dir) return Error::from_errno("opendir", path);
    std::vector<std::string> names;
    errno = 0;
    while (dirent* entry = ::readdir(dir.get())) {
        std::string_view name = entry->d_name;
        if (entry->d_type == DT_DIR && name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return Error::from_errno("readdir", path);
    return names;
}

Result<uint64_t> free_bytes(const std::string& path) {
    struct statvfs info{};
    if (::statvfs(path.c_str(), &info) != 0) return Error::from_errno("statvfs", path);
    return uint64_t{info.f_bavail} * info.f_frsize;
}

} // namespace hull::sys
