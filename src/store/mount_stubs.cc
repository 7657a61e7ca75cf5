#include "store/mount_stubs.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "sys/file.h"
#include "sys/resolve.h"
#include "sys/tree.h"

namespace hull::store {

Result<void> remove_mount_stubs(const std::string& upper, const std::vector<std::string>& stubs) {
    if (stubs.empty()) return {};
    UniqueFd root = TRY(sys::open(upper, O_PATH | O_DIRECTORY));
    for (const std::string& stub : stubs) {
        size_t slash = stub.rfind('/');
        std::string parent = slash == stub.npos ? "." : stub.substr(0, slash);
        auto folder = sys::open_beneath(root, parent, O_RDONLY | O_DIRECTORY, sys::Links::refused);
        if (!folder.ok()) continue; // replaced by what the program made
        std::string name = slash == stub.npos ? stub : stub.substr(slash + 1);
        auto stat = sys::stat_at(*folder, name);
        if (!stat.ok()) continue;
        bool empty_folder =
            S_ISDIR(stat->st_mode) &&
            TRY(sys::names_in(TRY(sys::open_beneath(*folder, name, O_RDONLY, sys::Links::refused)))).empty();
        if (empty_folder) TRY(sys::remove_tree_at(*folder, name));
        if (S_ISREG(stat->st_mode) && stat->st_size == 0) TRY(sys::unlink_at(*folder, name));
    }
    return {};
}

} // namespace hull::store
