// Deletes links in the background, many at once.
//
// Deleting a device makes the kernel wait for all readers of its lists, several
// milliseconds during which nobody else can change the network. So deletions
// are collected for a moment: mostly the namespace at the other end has died by
// then and taken the link along, and the rest goes in one go. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/netlink.h"

namespace hull::net {

class LinkRemover {
public:
    // socket is of the namespace that holds the links; group is a link group
    // that nobody else uses. on_gone is called from the background thread
    // with the names that are gone, whether by us or by themselves.
    LinkRemover(NetlinkSocket socket, uint32_t group, std::function<void(const std::vector<std::string>&)> on_gone);
    // Finishes what is queued.
    ~LinkRemover();
    LinkRemover(const LinkRemover&) = delete;
    LinkRemover& operator=(const LinkRemover&) = delete;

    // Returns at once, unless thousands are waiting.
    void remove(std::string name);
    // Waits until all that was given so far is gone.
    void drain();

private:
    void work();
    void remove_all(const std::vector<std::string>& names);

    NetlinkSocket socket_;
    const uint32_t group_;
    const std::function<void(const std::vector<std::string>&)> on_gone_;
    std::mutex mutex_;
    std::condition_variable work_to_do_, progress_;
    std::vector<std::string> queue_;
    uint64_t accepted_ = 0, done_ = 0;
    bool hurry_ = false, stop_ = false;
    std::thread thread_; // last: it uses all of the above
};

} // namespace hull::net
