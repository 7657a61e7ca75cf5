#include "sys/directory.h"

#include <memory>

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

} // namespace hull::sys
