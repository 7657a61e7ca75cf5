#include "sys/sealed_self.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace hull::sys {

namespace {

constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

// Executable must be asked for since Linux 6.3, where the host may make the
// opposite the rule (vm.memfd_noexec); before, the flag isn't known.
Result<UniqueFd> make_executable_memory() {
    constexpr unsigned mfd_exec = 0x10;
    UniqueFd fd(::memfd_create("hull", MFD_CLOEXEC | MFD_ALLOW_SEALING | mfd_exec));
    if (!fd && errno == EINVAL) fd.reset(::memfd_create("hull", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) return Error::from_errno("memfd_create");
    return fd;
}

Result<UniqueFd> sealed_copy(BorrowedFd program) {
    UniqueFd copy = TRY(make_executable_memory());
    struct stat info{};
    if (::fstat(program.get(), &info) != 0) return Error::from_errno("fstat", "/proc/self/exe");
    for (off_t left = info.st_size; left > 0;) {
        ssize_t n = ::sendfile(copy.get(), program.get(), nullptr, static_cast<size_t>(left));
        if (n <= 0) return Error::from_errno("sendfile", "/proc/self/exe");
        left -= n;
    }
    if (::fchmod(copy.get(), 0500) != 0) return Error::from_errno("fchmod");
    if (::fcntl(copy.get(), F_ADD_SEALS, seals) != 0) return Error::from_errno("fcntl", "F_ADD_SEALS");
    return copy;
}

bool is_sealed(BorrowedFd program) {
    int has = ::fcntl(program.get(), F_GET_SEALS);
    return has >= 0 && (has & seals) == seals;
}

// The descriptor goes with the exec, and with it the last that could change the
// mount's flags.
Result<UniqueFd> read_only_mount(BorrowedFd program) {
    if (mount_way() != MountWay::detached) return Error(ErrorKind::unsupported, "no detached mounts");
    UniqueFd mount = TRY(clone_tree(program, "", Depth::one));
    TRY(set_mount_attributes(mount, "", Depth::one, {.set = MOUNT_ATTR_RDONLY}));
    return mount;
}

// The program is the root of its mount only in one that is attached nowhere: in
// a namespace its path would be longer than "/".
bool is_read_only_mount(BorrowedFd program) {
    auto path = readlink("/proc/self/exe");
    auto attributes = mount_attributes(program);
    return path.ok() && *path == "/" && attributes.ok() && *attributes & MOUNT_ATTR_RDONLY;
}

} // namespace

Result<void> run_unwritable(char* const argv[]) {
    UniqueFd self = TRY(open("/proc/self/exe", O_RDONLY));
    if (is_sealed(self) || is_read_only_mount(self)) return {};
    if (auto mount = read_only_mount(self); mount.ok())
        ::syscall(SYS_execveat, mount->get(), "", argv, environ, AT_EMPTY_PATH);
    UniqueFd copy = TRY(sealed_copy(self));
    ::syscall(SYS_execveat, copy.get(), "", argv, environ, AT_EMPTY_PATH);
    return Error::from_errno("execveat");
}

} // namespace hull::sys
