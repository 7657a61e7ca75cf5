#include "sys/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "sys/mount.h"
#include "sys/resolve.h"

namespace hull::sys {

namespace {

constexpr uint64_t devpts_magic = 0x1cd1;

} // namespace

Result<Terminal> open_terminal(BorrowedFd devpts) {
    if (TRY(filesystem_magic(devpts)) != devpts_magic)
        return Error(ErrorKind::invalid_argument, "/dev/pts is not a devpts file system");
    Terminal terminal;
    terminal.master = TRY(open_beneath(devpts, "ptmx", O_RDWR | O_NOCTTY, Links::refused));
    struct stat info{};
    if (::fstat(terminal.master.get(), &info) != 0) return Error::from_errno("fstat", "ptmx");
    if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(5, 2))
        return Error(ErrorKind::invalid_argument, "/dev/pts/ptmx is not the terminal multiplexer");
    int unlock = 0;
    if (::ioctl(terminal.master.get(), TIOCSPTLCK, &unlock) != 0) return Error::from_errno("ioctl", "TIOCSPTLCK");
    if (::ioctl(terminal.master.get(), TIOCGPTN, &terminal.number) != 0) return Error::from_errno("ioctl", "TIOCGPTN");
    terminal.slave.reset(::ioctl(terminal.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!terminal.slave) return Error::from_errno("ioctl", "TIOCGPTPEER");
    return terminal;
}

Result<void> set_window_size(BorrowedFd terminal, uint16_t rows, uint16_t columns) {
    struct winsize size{};
    size.ws_row = rows;
    size.ws_col = columns;
    if (::ioctl(terminal.get(), TIOCSWINSZ, &size) != 0) return Error::from_errno("ioctl", "TIOCSWINSZ");
    return {};
}

Result<void> make_controlling(BorrowedFd slave) {
    if (::ioctl(slave.get(), TIOCSCTTY, 0) != 0) return Error::from_errno("ioctl", "TIOCSCTTY");
    return {};
}

} // namespace hull::sys
