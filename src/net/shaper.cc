#include "net/shaper.h"

#include <algorithm>

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "net/guest_namespace.h"
#include "net/link.h"

namespace hull::net {
namespace {

constexpr uint64_t k_burst_ms = 10;          // what may be sent at once: this long
constexpr uint64_t k_least_burst = 64 << 10; // a large segment passes whole
constexpr uint64_t k_queue_ms = 50;          // what waits longer is dropped
constexpr uint8_t k_ethernet = 1;            // TC_LINKLAYER_ETHERNET

uint32_t capped(uint64_t value) { return static_cast<uint32_t>(std::min<uint64_t>(value, UINT32_MAX)); }

} // namespace

Result<void> limit_rate(NetlinkSocket& socket, const std::string& device, uint64_t bits) {
    const auto link = TRY(find_link(socket, device));
    if (!link) return Error(ErrorKind::not_found, "no network device " + device);
    Batch batch;
    batch.add(bits ? RTM_NEWQDISC : RTM_DELQDISC, bits ? NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE : NLM_F_ACK,
              "limit the rate of");
    auto& header = batch.header<tcmsg>();
    header.tcm_family = AF_UNSPEC;
    header.tcm_ifindex = static_cast<int>(link->index);
    header.tcm_parent = TC_H_ROOT;
    if (bits) {
        const uint64_t bytes = bits / 8;
        const uint64_t burst = std::max(k_least_burst, bytes * k_burst_ms / 1000);
        tc_tbf_qopt options{};
        options.rate.rate = capped(bytes);
        options.rate.linklayer = k_ethernet;
        options.limit = capped(burst + bytes * k_queue_ms / 1000 + k_least_burst);
        batch.put_text(TCA_KIND, "tbf");
        batch.nest(TCA_OPTIONS, [&] {
            batch.put(TCA_TBF_PARMS, {reinterpret_cast<const uint8_t*>(&options), sizeof options});
            batch.put_u32(TCA_TBF_BURST, capped(burst));
            if (bytes > UINT32_MAX) batch.put(TCA_TBF_RATE64, {reinterpret_cast<const uint8_t*>(&bytes), sizeof bytes});
        });
    }
    auto done = socket.run(batch, device);
    // The kernel's own queue was there.
    if (!bits && !done.ok() && (done.error().code() == ENOENT || done.error().code() == EINVAL)) return {};
    if (!done.ok() && done.error().code() == ENOENT)
        return Error(ErrorKind::unsupported, "this kernel has no tbf queues: load the module sch_tbf");
    return done;
}

Result<void> limit_guest_rates(BorrowedFd net_ns, const std::string& interface, const std::string& host_interface,
                               uint64_t in, uint64_t out) {
    NetlinkSocket guest = TRY(open_guest_socket(net_ns));
    TRY(limit_rate(guest, interface, out));
    if (host_interface.empty()) return {};
    NetlinkSocket host = TRY(open_route_socket());
    return limit_rate(host, host_interface, in);
}

} // namespace hull::net
