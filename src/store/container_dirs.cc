#include "store/container_dirs.h"

#include <filesystem>

#include "base/failpoint.h"
#include "base/random.h"
#include "sys/file.h"

namespace hull::store {
namespace {

constexpr const char* kTrash = "/.trash";

} // namespace

Result<std::unique_ptr<ContainerDirs>> ContainerDirs::open(const std::string& data_root) {
    std::unique_ptr<ContainerDirs> dirs(new ContainerDirs(data_root + "/containers"));
    TRY(sys::mkdir_parents(dirs->root_ + kTrash, 0700).context("container folders"));
    return dirs;
}

Result<void> ContainerDirs::create(const ContainerId& id, const std::vector<std::string>& volumes) {
    std::string dir = path(id);
    TRY(sys::mkdir(dir, 0700).context("container folder"));
    auto fill = [&]() -> Result<void> {
        // The container's root folder shows upper's own mode.
        TRY(sys::mkdir(dir + "/upper", 0755));
        TRY(failpoint("container.half_made"));
        TRY(sys::mkdir(dir + "/work", 0700));
        if (!volumes.empty()) TRY(sys::mkdir(dir + "/volumes", 0755));
        for (const std::string& name : volumes) TRY(sys::mkdir(dir + "/volumes/" + name, 0755));
        return {};
    };
    auto filled = fill();
    if (!filled.ok()) {
        (void)sys::remove_tree(dir);
        return std::move(filled).error().context("container folder");
    }
    return {};
}

Result<void> ContainerDirs::renew_work(const ContainerId& id) {
    TRY(sys::remove_tree(path(id) + "/work").context("container folder"));
    return sys::mkdir(path(id) + "/work", 0700).context("container folder");
}

Result<void> ContainerDirs::remove(const ContainerId& id) {
    TRY(failpoint("container.removing"));
    auto moved = sys::rename(path(id), root_ + kTrash + "/" + id.str() + "-" + random_hex(8));
    if (!moved.ok() && moved.error().kind() == ErrorKind::not_found) return {};
    return std::move(moved).context("remove container folder");
}

Result<void> ContainerDirs::empty_trash(const std::atomic<bool>* stop) {
    for (const std::string& name : TRY(sys::list_dir(root_ + kTrash)))
        TRY(sys::remove_tree(root_ + kTrash + "/" + name, stop).context("remove container folder"));
    return {};
}

Result<std::vector<ContainerId>> ContainerDirs::list() const {
    std::vector<ContainerId> ids;
    for (std::string& name : TRY(sys::list_dir(root_)))
        if (name.size() == 64) ids.emplace_back(std::move(name));
    return ids;
}

Result<void> ContainerDirs::write_file(const ContainerId& id, const std::string& name, std::string_view text) const {
    return sys::replace_file(path(id) + "/" + name, text, 0644);
}

Result<int64_t> ContainerDirs::writable_size(const ContainerId& id) const {
    namespace fs = std::filesystem;
    std::error_code failed;
    int64_t size = 0;
    auto options = fs::directory_options::skip_permission_denied;
    for (auto it = fs::recursive_directory_iterator(path(id) + "/upper", options, failed);
         !failed && it != fs::recursive_directory_iterator(); it.increment(failed)) {
        std::error_code ignored;
        // Files come and go while the container runs.
        if (it->symlink_status(ignored).type() != fs::file_type::regular) continue;
        uintmax_t bytes = it->file_size(ignored);
        if (!ignored) size += static_cast<int64_t>(bytes);
    }
    if (failed && failed != std::errc::no_such_file_or_directory)
        return Error::from_errno("readdir", path(id) + "/upper", failed.value());
    return size;
}

} // namespace hull::store
