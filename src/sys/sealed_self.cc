#include "sys/sealed_self.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "sys/file.h"

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

} // namespace

Result<void> run_from_sealed_copy(char* const argv[]) {
    UniqueFd self = TRY(open("/proc/self/exe", O_RDONLY));
    int has = ::fcntl(self.get(), F_GET_SEALS);
    if (has >= 0 && (has & seals) == seals) return {};
    UniqueFd copy = TRY(make_executable_memory());
    struct stat info{};
    if (::fstat(self.get(), &info) != 0) return Error::from_errno("fstat");
    for (off_t left = info.st_size; left > 0;) {
        ssize_t n = ::sendfile(copy.get(), self.get(), nullptr, static_cast<size_t>(left));
        if (n <= 0) return Error::from_errno("sendfile", "/proc/self/exe");
        left -= n;
    }
    if (::fchmod(copy.get(), 0500) != 0) return Error::from_errno("fchmod");
    if (::fcntl(copy.get(), F_ADD_SEALS, seals) != 0) return Error::from_errno("fcntl", "F_ADD_SEALS");
    ::syscall(SYS_execveat, copy.get(), "", argv, environ, AT_EMPTY_PATH);
    return Error::from_errno("execveat");
}

} // namespace hull::sys
