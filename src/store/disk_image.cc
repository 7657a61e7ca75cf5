#include "store/disk_image.h"

#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "sys/directory.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/mount.h"
#include "sys/run_program.h"

namespace hull::store {
namespace {

constexpr unsigned kLoopMajor = 7;

// good: the largest exit code that isn't a failure.
Result<void> run_tool(const std::string& program, const std::vector<std::string>& args, int good = 0) {
    constexpr size_t longest_output = 4096;
    auto done = sys::run_program(program, args, longest_output);
    if (!done.ok() && done.error().kind() == ErrorKind::not_found)
        return Error(ErrorKind::unsupported, "a size limit needs " + program + " (packages e2fsprogs and mount)");
    if (!done.ok()) return std::move(done).error().context("run " + program);
    if (done->exit_code <= good) return {};
    while (done->output.ends_with('\n')) done->output.pop_back();
    const bool denied = done->output.find("Permission denied") != std::string::npos;
    return Error(denied ? ErrorKind::forbidden : ErrorKind::system, program + " failed: " + done->output);
}

} // namespace

Result<void> make_disk_image(const std::string& image, uint64_t bytes) {
    auto make = [&]() -> Result<void> {
        UniqueFd file = TRY(sys::open(image, O_RDWR | O_CREAT | O_EXCL, 0600));
        TRY(sys::truncate(file, bytes));
        file.reset();
        return run_tool("mkfs.ext4", {"mkfs.ext4", "-q", "-F", "-m", "0", "-E",
                                      "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0", image});
    };
    auto made = make();
    if (!made.ok()) (void)sys::unlink(image);
    return made;
}

// Through mount(8), which finds a free loop device and lets go of it with the mount.
Result<void> mount_disk_image(const std::string& image, const std::string& at) {
    return run_tool("mount", {"mount", "-n", "-t", "ext4", "-o", "loop,discard,noatime", image, at});
}

Result<void> grow_disk_image(const std::string& image, const std::string& mounted_at, uint64_t bytes) {
    struct stat st = TRY(sys::stat(mounted_at));
    if (major(st.st_dev) != kLoopMajor)
        return Error(ErrorKind::conflict, "what is mounted at " + mounted_at + " is not " + image);
    const std::string device = "/dev/loop" + std::to_string(minor(st.st_dev));
    UniqueFd file = TRY(sys::open(image, O_RDWR | O_NOFOLLOW));
    TRY(sys::truncate(file, bytes));
    TRY(run_tool("losetup", {"losetup", "--set-capacity", device}));
    return run_tool("resize2fs", {"resize2fs", device});
}

Result<void> grow_idle_disk_image(const std::string& image, uint64_t bytes) {
    {
        UniqueFd file = TRY(sys::open(image, O_RDWR | O_NOFOLLOW));
        TRY(sys::truncate(file, bytes));
    }
    TRY(run_tool("e2fsck", {"e2fsck", "-f", "-p", image}, 1)); // 1: it mended something
    return run_tool("resize2fs", {"resize2fs", image});
}

Result<bool> is_mount_point(const std::string& folder, const std::string& above) {
    auto inner = sys::open(folder, O_PATH | O_DIRECTORY);
    if (!inner.ok() && inner.error().kind() == ErrorKind::not_found) return false;
    if (!inner.ok()) return std::move(inner).error();
    UniqueFd outer = TRY(sys::open(above, O_PATH | O_DIRECTORY));
    return TRY(sys::mount_id(*inner)) != TRY(sys::mount_id(outer));
}

Result<void> unmount_all(const std::string& folder, const std::string& above) {
    while (TRY(is_mount_point(folder, above))) TRY(sys::unmount_lazily(folder).context("unmount " + folder));
    return {};
}

} // namespace hull::store
