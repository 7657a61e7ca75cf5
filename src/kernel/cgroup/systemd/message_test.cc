#include "kernel/cgroup/systemd/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/cgroup/systemd/bus.h"

namespace hull::kernel::cgroup::systemd {
namespace {

using testing::ElementsAre;

std::string hex(std::string_view bytes) {
    std::string out;
    for (unsigned char c : bytes) {
        constexpr std::string_view digits = "0123456789abcdef";
        out += {digits[c >> 4], digits[c & 15]};
    }
    return out;
}

TEST(DbusWriter, AlignsAsTheSpecificationSays) {
    Writer w;
    w.byte(1);
    w.number(uint32_t{0x01020304});
    w.text("ab");
    w.number(uint64_t{5});
    EXPECT_EQ(hex(w.take()), "01000000"
                             "04030201"
                             "02000000616200"
                             "00"
                             "0500000000000000");
}

TEST(DbusWriter, CountsNoPaddingIntoAnArray) {
    Writer w;
    w.value(TextPairs{{"a", "b"}, {"c", ""}});
    // Length, padding to 8 that doesn't count, two structures.
    EXPECT_EQ(hex(w.take()), "1d000000"
                             "00000000"
                             "01000000610000000100000062000000"
                             "01000000630000000000000000");
    w.value(TextPairs{});
    EXPECT_EQ(hex(w.take()), "0000000000000000");
}

TEST(DbusWriter, PropertiesCanBePutBehindOthers) {
    Properties first, second;
    first.add("A", true);
    second.add("B", uint64_t{7});
    std::string b = second.take();
    Writer both;
    both.text("x");
    both.array(8, [&] {
        both.append(first.take());
        both.append(b);
    });
    std::string bytes = both.take();
    EXPECT_EQ(bytes.substr(bytes.size() - b.size()), b);
    EXPECT_EQ((bytes.size() - b.size()) % 8, 0u);
}

TEST(DbusWriter, KnowsTheSignatureOfEveryValue) {
    EXPECT_EQ(signature_of(true), "b");
    EXPECT_EQ(signature_of(uint8_t{1}), "y");
    EXPECT_EQ(signature_of(int32_t{1}), "i");
    EXPECT_EQ(signature_of(uint64_t{1}), "t");
    EXPECT_EQ(signature_of(1.5), "d");
    EXPECT_EQ(signature_of(std::string("x")), "s");
    EXPECT_EQ(signature_of(std::vector<std::string>{}), "as");
    EXPECT_EQ(signature_of(std::vector<uint32_t>{}), "au");
    EXPECT_EQ(signature_of(Bytes{}), "ay");
    EXPECT_EQ(signature_of(TextPairs{}), "a(ss)");
    EXPECT_EQ(signature_of(TextNumbers{}), "a(st)");
}

TEST(DbusMessage, ReadsBackACall) {
    Writer body;
    body.text("unit");
    std::string bytes = method_call(9, {"dest.a", "/obj", "iface.b", "Member", "s", body.take()});
    EXPECT_EQ(*message_size(std::string_view(bytes).substr(0, message_head)), bytes.size());
    auto message = parse_message(bytes);
    ASSERT_TRUE(message.ok()) << message.error().message();
    EXPECT_EQ(message->type, MessageType::call);
    EXPECT_EQ(message->serial, 9u);
    EXPECT_EQ(message->path, "/obj");
    EXPECT_EQ(message->interface, "iface.b");
    EXPECT_EQ(message->member, "Member");
    EXPECT_EQ(message->signature, "s");
    EXPECT_EQ(Reader(message->body).text(), "unit");
}

TEST(DbusMessage, RefusesWhatIsCutOrOdd) {
    std::string bytes = method_call(1, {"d", "/o", "i.i", "M", "", {}});
    for (size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(parse_message(std::string_view(bytes).substr(0, size)).ok()) << size;
    std::string other = bytes;
    other[0] = 'B';
    EXPECT_EQ(parse_message(other).error().kind(), ErrorKind::corrupt);
    other = bytes;
    other[1] = 9;
    EXPECT_FALSE(parse_message(other).ok());
    other = bytes;
    other[7] = 0x7f; // body of 2 GiB
    EXPECT_EQ(parse_message(other).error().kind(), ErrorKind::too_large);
}

TEST(DbusReader, EndsAtTheEnd) {
    Reader r(std::string_view("\xff\xff\xff\xff", 4));
    EXPECT_EQ(r.text(), "");
    EXPECT_FALSE(r.ok());
    EXPECT_EQ(r.u32(), 0u);
    Reader no_end(std::string_view("\1\0\0\0ab", 6));
    EXPECT_EQ(no_end.text(), "");
    EXPECT_FALSE(no_end.ok());
    Reader container("x");
    container.skip('v');
    EXPECT_FALSE(container.ok());
}

TEST(DbusAddress, GivesThePathsOfSockets) {
    EXPECT_THAT(socket_paths("unix:path=/run/a%20b,guid=12;tcp:host=x;unix:abstract=y;unix:path=/c"),
                ElementsAre("/run/a b", "/c"));
    EXPECT_THAT(socket_paths("unix:path=/a%2"), ElementsAre("/a%2"));
    EXPECT_TRUE(socket_paths("").empty());
}

} // namespace
} // namespace hull::kernel::cgroup::systemd
