// Waiting for descriptors: epoll, eventfd, signalfd, timeouts. Thread-safe as
// the kernel is; every descriptor is close-on-exec.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>

#include <sys/epoll.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

Result<UniqueFd> epoll_create();
// events are EPOLLIN, EPOLLOUT, ...; cookie comes back with each event.
Result<void> epoll_add(BorrowedFd epoll, BorrowedFd fd, uint32_t events, uint64_t cookie);
Result<void> epoll_modify(BorrowedFd epoll, BorrowedFd fd, uint32_t events, uint64_t cookie);
// A descriptor that is gone already is fine.
void epoll_remove(BorrowedFd epoll, BorrowedFd fd);
// The number of events filled in; 0 after timeout_ms (-1: none). A signal is a
// time-out too, so that the caller looks at the clock again.
Result<size_t> epoll_wait(BorrowedFd epoll, std::span<epoll_event> events, int timeout_ms);

// A non-blocking counter that one thread raises and another waits for.
Result<UniqueFd> make_eventfd();
void raise_eventfd(BorrowedFd fd);
void clear_eventfd(BorrowedFd fd);

// Blocks these signals in the calling thread and returns a non-blocking
// descriptor that reads them.
Result<UniqueFd> make_signalfd(std::initializer_list<int> signals);
// The next signal number, or 0 when there is none.
int read_signalfd(BorrowedFd fd);

} // namespace hull::sys
