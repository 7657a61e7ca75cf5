#include "kernel/locked_flags.h"

#include <array>
#include <string>

namespace hull::kernel {

namespace {

struct Lockable {
    uint64_t attribute;
    const char *taken_back_by, *name;
};
constexpr std::array<Lockable, 4> lockable{{
    {MOUNT_ATTR_RDONLY, "rw", "read-only"},
    {MOUNT_ATTR_NOSUID, "suid", "nosuid"},
    {MOUNT_ATTR_NODEV, "dev", "nodev"},
    {MOUNT_ATTR_NOEXEC, "exec", "noexec"},
}};
constexpr uint64_t atime_attributes = MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME;

} // namespace

Result<void> change_mount(BorrowedFd tree, sys::Depth depth, const sys::MountAttributes& attributes) {
    auto changed = sys::set_mount_attributes(tree, "", depth, attributes);
    if (changed.ok() || changed.error().code() != EPERM) return changed;
    uint64_t has = TRY(sys::mount_attributes(tree));
    for (const Lockable& lock : lockable)
        if (attributes.clear & ~attributes.set & has & lock.attribute)
            return Error(ErrorKind::forbidden, std::string("option ") + lock.taken_back_by +
                                                   ": the source is mounted " + lock.name +
                                                   ", which can't be undone without privileges on the host")
                .with_code(EPERM);
    if (!((attributes.set | attributes.clear) & atime_attributes)) return changed;
    sys::MountAttributes rest = attributes;
    rest.set &= ~atime_attributes;
    rest.clear &= ~atime_attributes;
    return sys::set_mount_attributes(tree, "", depth, rest);
}

} // namespace hull::kernel
