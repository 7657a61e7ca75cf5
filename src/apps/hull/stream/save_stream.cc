#include "apps/hull/stream/save_stream.h"

#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include "sys/file.h"

namespace hull::cli {

Result<void> save_stream(Exchange& exchange, const std::string& path) {
    std::string partial = path + ".hull-partial";
    UniqueFd file;
    bool plain = !path.empty();
    if (auto st = sys::stat(path); plain && st.ok()) plain = S_ISREG(st->st_mode);
    if (!path.empty()) file = TRY(sys::open(plain ? partial : path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    auto copy = [&]() -> Result<void> {
        std::vector<char> buffer(size_t{1} << 20);
        while (size_t n = TRY(exchange.read(buffer)))
            TRY(sys::write_all(file ? file.borrow() : BorrowedFd(1), {buffer.data(), n}));
        if (plain) TRY(sys::rename(partial, path));
        return {};
    };
    auto copied = copy();
    if (!copied.ok() && plain) (void)sys::unlink(partial).ok();
    return copied;
}

} // namespace hull::cli
