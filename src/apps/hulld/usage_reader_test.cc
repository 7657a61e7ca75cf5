#include "usage_reader.h"

#include <gtest/gtest.h>

namespace hull {
namespace {

TEST(UsageReader, ReadsInterfacesWithoutTheLoopback) {
    auto found =
        parse_net_dev("Inter-|   Receive                                                |  Transmit\n"
                      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
                      "drop fifo colls carrier compressed\n"
                      "    lo:     100       2    0    0    0     0          0         0      100       2    "
                      "0    0    0     0       0          0\n"
                      "  eth0:1234567       8    1    2    0     0          0         0      999       7    3  "
                      "  4    0     0       0          0\n");
    ASSERT_EQ(found.size(), 1u);
    const auto& eth0 = found.at("eth0");
    EXPECT_EQ(eth0.rx_bytes, 1234567u);
    EXPECT_EQ(eth0.rx_packets, 8u);
    EXPECT_EQ(eth0.rx_errors, 1u);
    EXPECT_EQ(eth0.rx_dropped, 2u);
    EXPECT_EQ(eth0.tx_bytes, 999u);
    EXPECT_EQ(eth0.tx_packets, 7u);
    EXPECT_EQ(eth0.tx_errors, 3u);
    EXPECT_EQ(eth0.tx_dropped, 4u);
}

TEST(UsageReader, AddsUpTheMachinesTimeWithoutGuestTime) {
    auto cpu = parse_proc_stat("cpu  1 2 3 4 5 6 7 8 900 900\ncpu0 1 1 1 1 1 1 1 1 1 1\ncpu1 1 1 1 1 1 1 1 1 1 1\n"
                               "intr 5\nctxt 6\n");
    EXPECT_EQ(cpu.total_ns, 36u * 10'000'000u);
    EXPECT_EQ(cpu.online, 2u);
}

TEST(UsageReader, EmptyTextIsNothing) {
    EXPECT_TRUE(parse_net_dev("").empty());
    EXPECT_EQ(parse_proc_stat("").online, 0u);
}

} // namespace
} // namespace hull
