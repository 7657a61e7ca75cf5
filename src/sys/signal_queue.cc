#include "sys/signal_queue.h"

#include <cstdlib>

#include <sys/signalfd.h>
#include <unistd.h>

#include "sys/retry.h"

namespace hull::sys {

Result<SignalQueue> SignalQueue::create(const std::vector<int>& signals) {
    sigset_t set;
    sigemptyset(&set);
    for (int signal : signals) sigaddset(&set, signal);
    sigset_t old;
    if (int code = ::pthread_sigmask(SIG_BLOCK, &set, &old)) return Error::from_errno("pthread_sigmask", code);
    UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd) {
        Error error = Error::from_errno("signalfd");
        ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
        return error;
    }
    return SignalQueue(std::move(fd), old);
}

SignalQueue::~SignalQueue() {
    if (active_) ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
}

std::optional<int> SignalQueue::take() {
    signalfd_siginfo info;
    if (retry([&] { return ::read(fd_.get(), &info, sizeof info); }) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
}

void die_of_signal(int signal) {
    ::signal(signal, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    ::raise(signal);
    ::_exit(128 + signal);
}

} // namespace hull::sys
