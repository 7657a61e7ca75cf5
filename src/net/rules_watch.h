// Says when somebody took rules of ours away (nft flush ruleset, a firewall
// program that starts anew). The kernel tells of every change of nf_tables; our
// own are told, too, so whoever is called has to look what is missing.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"
#include "event/loop.h"
#include "net/netlink.h"

namespace hull::net {

class RulesWatch {
public:
    // on_loss: called in a thread of its own, once for changes that come together,
    // at most a second after the first. Errors: unsupported (no nf_tables).
    static Result<std::unique_ptr<RulesWatch>> start(std::function<void()> on_loss);
    ~RulesWatch(); // waits for on_loss
    RulesWatch(const RulesWatch&) = delete;
    RulesWatch& operator=(const RulesWatch&) = delete;

private:
    RulesWatch(std::unique_ptr<event::Loop> loop, NetlinkSocket socket, std::function<void()> on_loss);
    void read();

    std::unique_ptr<event::Loop> loop_;
    NetlinkSocket socket_;
    const std::function<void()> on_loss_;
    bool waiting_ = false; // in the loop's thread only
    std::thread thread_;   // last: it uses all of the above
};

} // namespace hull::net
