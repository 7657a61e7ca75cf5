// Asks now and then whether lists of peers have changed: files may be replaced, edited
// in place, or lie on a file system that tells of no changes.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"
#include "event/loop.h"

namespace hull::net {

class PeersWatch {
public:
    // look: called every two seconds, in a thread of its own.
    static Result<std::unique_ptr<PeersWatch>> start(std::function<void()> look);
    ~PeersWatch(); // waits for look
    PeersWatch(const PeersWatch&) = delete;
    PeersWatch& operator=(const PeersWatch&) = delete;

private:
    PeersWatch(std::unique_ptr<event::Loop> loop, std::function<void()> look);
    void arm();

    std::unique_ptr<event::Loop> loop_;
    const std::function<void()> look_;
    std::thread thread_; // last: it uses all of the above
};

} // namespace hull::net
