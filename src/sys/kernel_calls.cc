#include "sys/kernel_calls.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hull::sys {

namespace {

constexpr unsigned bad_flags = ~0U;

// Looks at its arguments before it looks at who calls.
bool answers(long result) { return result >= 0 || (errno != ENOSYS && errno != EPERM); }

// Says EPERM to whoever may not mount, whatever the arguments.
bool answers_or_denies(long result) { return result >= 0 || errno != ENOSYS; }

bool has_detached_mounts() {
    return answers(::syscall(SYS_mount_setattr, -1, "", bad_flags, nullptr, 0)) &&
           answers(::syscall(SYS_open_tree, -1, "", bad_flags)) &&
           answers(::syscall(SYS_fsconfig, -1, bad_flags, nullptr, nullptr, 0)) &&
           answers_or_denies(::syscall(SYS_move_mount, -1, "", -1, "", bad_flags)) &&
           answers_or_denies(::syscall(SYS_fsopen, nullptr, bad_flags)) &&
           answers_or_denies(::syscall(SYS_fsmount, -1, bad_flags, bad_flags));
}

bool probe(Call call) {
    switch (call) {
    case Call::clone3: return answers(::syscall(SYS_clone3, nullptr, 0));
    case Call::close_range: return answers(::syscall(SYS_close_range, UINT_MAX, UINT_MAX, bad_flags));
    // No descriptor has this number; EINVAL: the flag isn't known.
    case Call::close_range_cloexec: return ::syscall(SYS_close_range, UINT_MAX, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0;
    case Call::detached_mounts: return has_detached_mounts();
    case Call::openat2: return answers(::syscall(SYS_openat2, -1, "", nullptr, 0));
    case Call::statx: return answers(::syscall(SYS_statx, -1, "", 0, STATX__RESERVED, nullptr));
    }
    return false;
}

enum class Answer : unsigned char { unasked, there, missing };
std::array<std::atomic<Answer>, call_count> known{};

} // namespace

bool kernel_has(Call call) {
    auto& answer = known[static_cast<size_t>(call)];
    Answer now = answer.load(std::memory_order_relaxed);
    if (now == Answer::unasked) {
        int before = errno;
        now = probe(call) ? Answer::there : Answer::missing;
        errno = before;
        answer.store(now, std::memory_order_relaxed);
    }
    return now == Answer::there;
}

} // namespace hull::sys
