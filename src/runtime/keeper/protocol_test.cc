#include "runtime/keeper/protocol.h"

#include <fcntl.h>

#include <gtest/gtest.h>

#include "runtime/keeper/channel.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/nonblocking.h"
#include "sys/socket.h"

namespace hull::keeper {
namespace {

Launch sample_launch() {
    Launch launch;
    launch.record.key = {"c1", "e1"};
    launch.record.terminal = true;
    launch.record.stdin_once = true;
    launch.record.log = {true, "/var/log/x", 10 << 20, 5, {{"tag", "a\"b"}, {"", ""}}};
    launch.record.cgroups = {"/sys/fs/cgroup/pids/hull/c1"};
    launch.record.note = std::string("\0\x01 binary", 9);
    launch.rows = 24;
    launch.columns = 80;
    launch.plan = std::string(100'000, 'p');
    launch.plan_fds = 2;
    launch.streams = {{true, false, true, "typed", "\x10\x11", true}, {}};
    return launch;
}

TEST(Protocol, MessagesComeBackAsTheyWere) {
    std::string bytes = to_bytes(sample_launch());
    auto back = from_bytes<Launch>(bytes, "launch");
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(to_bytes(*back), bytes);
    EXPECT_EQ(back->record.key, (TaskKey{"c1", "e1"}));
    EXPECT_EQ(back->streams[0].detach_keys, "\x10\x11");
    EXPECT_EQ(back->record.log.attributes[0].value, "a\"b");
}

TEST(Protocol, EveryShorterOrLongerMessageIsCorrupt) {
    Launch launch = sample_launch();
    launch.plan = "plan";
    std::string bytes = to_bytes(launch);
    for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(from_bytes<Launch>(bytes.substr(0, n), "launch").ok()) << n;
    EXPECT_EQ(from_bytes<Launch>(bytes + "x", "launch").error().kind(), ErrorKind::corrupt);
}

TEST(Protocol, AHugeCountDoesNotAllocate) {
    Writer io;
    io.number(uint32_t{0xffffffff});
    auto list = from_bytes<std::vector<Step>>(io.take(), "steps");
    EXPECT_EQ(list.error().kind(), ErrorKind::corrupt);
}

TEST(Protocol, ErrorsKeepKindCodeAndText) {
    auto failure = from_bytes<Failure>(
        failure_of(Error(ErrorKind::no_such_program, "exec: \"x\": executable file not found in $PATH").with_code(2)),
        "failure");
    ASSERT_TRUE(failure.ok());
    Error error = error_of(*failure);
    EXPECT_EQ(error.kind(), ErrorKind::no_such_program);
    EXPECT_EQ(error.code(), 2);
    EXPECT_EQ(error.message(), "exec: \"x\": executable file not found in $PATH");
}

class Channel : public testing::TestWithParam<size_t> {};

TEST_P(Channel, CarriesContentAndDescriptors) {
    auto [a, b] = MUST(sys::socket_pair(sys::SocketType::seqpacket));
    std::string content(GetParam(), 'c');
    UniqueFd file = MUST(sys::open("/dev/null", O_RDONLY));
    std::vector<BorrowedFd> fds{file, file};
    ASSERT_TRUE(send_packet(a, MessageType::launch, 77, content, fds).ok());
    auto packet = receive_packet(b);
    ASSERT_TRUE(packet.ok() && packet->has_value());
    EXPECT_EQ((*packet)->type, MessageType::launch);
    EXPECT_EQ((*packet)->request, 77u);
    EXPECT_EQ((*packet)->content, content);
    EXPECT_EQ((*packet)->fds.size(), 2u);
    EXPECT_EQ(*sys::inode_of((*packet)->fds[1]), *sys::inode_of(file));
}
INSTANTIATE_TEST_SUITE_P(Sizes, Channel, testing::Values(0, 1, 65536, 65537, 5'000'000));

TEST(ChannelEnd, ClosedPeerIsTold) {
    auto [a, b] = MUST(sys::socket_pair(sys::SocketType::seqpacket));
    a.reset();
    auto packet = receive_packet(b);
    ASSERT_TRUE(packet.ok());
    EXPECT_FALSE(packet->has_value());
}

TEST(ChannelEnd, FullSocketSaysAgainAndLosesNothing) {
    auto [a, b] = MUST(sys::socket_pair(sys::SocketType::seqpacket));
    ASSERT_TRUE(sys::make_nonblocking(a).ok());
    std::string content(50'000, 'c');
    size_t sent = 0;
    for (;; ++sent) {
        auto result = send_packet(a, MessageType::exited, sent, content);
        if (result.ok()) continue;
        EXPECT_EQ(result.error().code(), EAGAIN);
        break;
    }
    ASSERT_GT(sent, 0u);
    for (size_t i = 0; i < sent; ++i) EXPECT_EQ((*MUST(receive_packet(b))).request, i);
}

TEST(ChannelEnd, MissingDescriptorsAreCorrupt) {
    std::vector<UniqueFd> none;
    EXPECT_EQ(take_fds({true, false, false, false}, none).error().kind(), ErrorKind::corrupt);
    std::vector<UniqueFd> one;
    one.push_back(MUST(sys::open("/dev/null", O_RDONLY)));
    EXPECT_EQ(take_fds({}, one).error().kind(), ErrorKind::corrupt);
}

} // namespace
} // namespace hull::keeper
