// An epoll loop: descriptors, timers, signals and processes, each with a
// handler. Handlers run in the thread that runs the loop, one at a time, and
// may add and remove anything, themselves too. Only post() and stop() may be
// called from other threads.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "event/watch.h"
#include "sys/poll.h"

namespace hull::event {

class Loop {
public:
    static Result<std::unique_ptr<Loop>> create();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Level-triggered; events of EPOLLIN, EPOLLOUT, EPOLLRDHUP (0: only errors
    // and hang-up, which always come). The caller keeps fd open until remove().
    using Handler = std::function<void(uint32_t events)>;
    Result<Watch> add(BorrowedFd fd, uint32_t events, Handler handler);
    // Cheap when nothing changes.
    Result<void> change(Watch watch, uint32_t events);
    // Before the descriptor is closed. The handler is not called again; events
    // fetched already are dropped. Removing an invalid watch is fine.
    void remove(Watch watch);

    // Called once when the process ended (a zombie, or reaped).
    Result<Watch> add_process(BorrowedFd pidfd, std::function<void()> ended);

    // Blocks the signals in the calling thread; the handler gets the number.
    Result<void> add_signals(std::initializer_list<int> signals, std::function<void(int signal)> handler);

    // Called once, delay nanoseconds from now.
    Timer after(int64_t delay_ns, std::function<void()> handler);
    void cancel(Timer timer); // one that ran already is fine

    // From any thread: runs task in the loop's thread.
    void post(std::function<void()> task);

    // Handles events until stop(). An error of epoll itself ends it.
    Result<void> run();
    // Waits at most timeout_ms (-1: no limit) and handles what is ready.
    Result<void> run_once(int timeout_ms);
    void stop();

private:
    struct Slot {
        Handler handler;
        int fd = -1;
        uint32_t events = 0;
        uint32_t generation = 0;
    };
    Loop(UniqueFd epoll, UniqueFd wakeup);
    Slot* slot_of(Watch watch);
    void dispatch(const epoll_event& event);
    void run_posted();
    void run_timers();
    int wait_ms(int limit_ms) const;

    UniqueFd epoll_, wakeup_, signals_;
    std::vector<std::unique_ptr<Slot>> slots_;
    std::vector<uint32_t> free_;
    std::map<std::pair<int64_t, uint64_t>, std::function<void()>> timers_; // by deadline, number
    uint64_t next_timer_ = 1;
    std::mutex mutex_; // posted_, stopping_
    std::vector<std::function<void()>> posted_;
    bool stopping_ = false;
};

} // namespace hull::event
