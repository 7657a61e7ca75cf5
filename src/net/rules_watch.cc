#include "net/rules_watch.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "net/firewall.h"

namespace hull::net {
namespace {

constexpr int64_t k_together_ns = 300'000'000;

// Of one of our tables, and something of it is gone.
bool is_loss(const nlmsghdr* message) {
    if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES) return false;
    const int type = message->nlmsg_type & 0xff;
    if (type != NFT_MSG_DELTABLE && type != NFT_MSG_DELCHAIN && type != NFT_MSG_DELRULE && type != NFT_MSG_DELSETELEM)
        return false;
    // The first attribute of all four is the table's name.
    const auto table = Attributes::of_message(message, sizeof(nfgenmsg), NFTA_TABLE_MAX).text(NFTA_TABLE_NAME);
    return table && is_our_table(*table);
}

} // namespace

RulesWatch::RulesWatch(std::unique_ptr<event::Loop> loop, NetlinkSocket socket, std::function<void()> on_loss)
    : loop_(std::move(loop)), socket_(std::move(socket)), on_loss_(std::move(on_loss)) {}

Result<std::unique_ptr<RulesWatch>> RulesWatch::start(std::function<void()> on_loss) {
    NetlinkSocket socket = TRY(open_netfilter_socket());
    TRY(socket.subscribe(NFNLGRP_NFTABLES));
    auto loop = TRY(event::Loop::create());
    std::unique_ptr<RulesWatch> watch(new RulesWatch(std::move(loop), std::move(socket), std::move(on_loss)));
    TRY(watch->loop_->add(watch->socket_.descriptor(), EPOLLIN, [raw = watch.get()](uint32_t) { raw->read(); }));
    watch->thread_ = std::thread([raw = watch.get()] {
        if (auto done = raw->loop_->run(); !done.ok()) log::error("watch firewall rules", done.error());
    });
    return watch;
}

RulesWatch::~RulesWatch() {
    loop_->stop();
    if (thread_.joinable()) thread_.join();
}

void RulesWatch::read() {
    bool lost = false;
    auto done = socket_.receive([&](const nlmsghdr* message) { lost = lost || is_loss(message); });
    // More changes than fit: anything may be among them.
    if (!done.ok()) lost = true;
    if (!lost || waiting_) return;
    waiting_ = true;
    loop_->after(k_together_ns, [this] {
        waiting_ = false;
        on_loss_();
    });
}

} // namespace hull::net
