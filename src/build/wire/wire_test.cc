#include <gtest/gtest.h>

#include "build/wire/control.h"
#include "build/wire/file_packets.h"
#include "build/wire/progress.h"
#include "codec/protobuf.h"

namespace hull::build::wire {

namespace {

TEST(FilePackets, stats_are_read_as_they_were_written) {
    FilePacket packet;
    packet.stat.emplace();
    packet.stat->path = "a/b";
    Node& node = packet.stat->node;
    node.type = tar::Type::char_device;
    node.mode = 06755;
    node.uid = 5;
    node.size = uint64_t{1} << 40;
    node.mtime = -2;
    node.mtime_ns = 7;
    node.device_major = 1;
    node.device_minor = 3;
    node.xattrs = {{"user.a", std::string("\0b", 2)}};
    node.version = 0xFEDCBA9876543210;
    auto again = MUST(parse_file_packet(print(packet)));
    ASSERT_TRUE(again.stat);
    EXPECT_EQ(again.stat->path, "a/b");
    EXPECT_EQ(again.stat->node.type, tar::Type::char_device);
    EXPECT_EQ(again.stat->node.mode, 06755u);
    EXPECT_EQ(again.stat->node.uid, 5u);
    EXPECT_EQ(again.stat->node.size, uint64_t{1} << 40);
    EXPECT_EQ(again.stat->node.mtime, -2);
    EXPECT_EQ(again.stat->node.mtime_ns, 7u);
    EXPECT_EQ(again.stat->node.device_minor, 3u);
    EXPECT_EQ(again.stat->node.xattrs, node.xattrs);
    EXPECT_EQ(again.stat->node.version, node.version);
}

TEST(FilePackets, modes_are_gos) {
    Node node;
    node.mode = 01777;
    node.type = tar::Type::directory;
    EXPECT_EQ(go_mode(node), 0x80100000u | 0777);
    EXPECT_FALSE(set_go_mode(node, 1u << 24).ok());   // a socket
    EXPECT_FALSE(parse_file_packet("\x08\x63").ok()); // type 99
}

TEST(Progress, is_read_as_it_was_written) {
    Progress progress;
    progress.vertexes.push_back({"sha256:1", {"sha256:0", "sha256:2"}, "[1/2] RUN", true, WallTime{5}, {}, "why"});
    progress.statuses.push_back({"id", "sha256:1", "name", 3, 9, WallTime{1'000'000'001}, WallTime{2}, WallTime{3}});
    progress.logs.push_back({"sha256:1", WallTime{4}, 2, "text\n"});
    progress.warnings.push_back({"sha256:1", 1, "brief", {"one", "two"}, "url", "Dockerfile", "FROM x", 3, 4});
    auto again = MUST(parse_progress(print(progress)));
    EXPECT_EQ(again.vertexes[0].inputs, progress.vertexes[0].inputs);
    EXPECT_TRUE(again.vertexes[0].cached);
    EXPECT_EQ(again.vertexes[0].started, WallTime{5});
    EXPECT_FALSE(again.vertexes[0].completed);
    EXPECT_EQ(again.vertexes[0].error, "why");
    EXPECT_EQ(again.statuses[0].total, 9);
    EXPECT_EQ(again.statuses[0].timestamp, WallTime{1'000'000'001});
    EXPECT_EQ(again.logs[0].text, "text\n");
    EXPECT_EQ(again.logs[0].stream, 2);
    EXPECT_EQ(again.warnings[0].details, progress.warnings[0].details);
    EXPECT_EQ(again.warnings[0].last_line, 4);
}

// Found by fuzzing: 0 is not written, so what isn't there can't be another number.
TEST(Progress, what_is_not_there_is_zero) {
    Progress progress;
    progress.warnings.emplace_back().level = 0;
    progress.logs.push_back({"v", {}, 0, "text"});
    auto again = parse_progress(print(progress));
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->warnings[0].level, 0);
    EXPECT_EQ(again->logs[0].stream, 0);
}

TEST(Control, a_request_with_the_old_exporter_fields) {
    protobuf::Writer message, inputs;
    message.text(1, "ref").text(3, "moby").entry(4, "name", "x").text(5, "session").entry(7, "target", "t");
    SolveRequest request = MUST(parse_solve_request(message.bytes()));
    EXPECT_EQ(request.ref, "ref");
    ASSERT_EQ(request.exporters.size(), 1U);
    EXPECT_EQ(request.exporters[0].attributes.at("name"), "x");
    EXPECT_EQ(request.frontend.attributes.at("target"), "t");
    EXPECT_FALSE(request.frontend.has_definition);
}

TEST(Control, results_come_back_in_all_their_forms) {
    auto returned = [](unsigned field, const protobuf::Writer& what) {
        protobuf::Writer result, request;
        result.message(field, what);
        request.message(1, result);
        return MUST(parse_return_request(request.bytes()));
    };
    protobuf::Writer ref, map, two;
    ref.text(1, "a");
    map.entry(1, "linux/amd64", "a");
    two.entry(1, "linux/amd64", "a").entry(1, "linux/arm64", "b");
    EXPECT_EQ(returned(3, ref).ref, "a");
    EXPECT_EQ(returned(2, map).ref, "a");
    EXPECT_FALSE(returned(2, map).several);
    EXPECT_TRUE(returned(2, two).several);
    EXPECT_FALSE(parse_return_request("\x0a\x7f").ok());
}

} // namespace

} // namespace hull::build::wire
