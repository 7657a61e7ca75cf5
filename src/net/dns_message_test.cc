#include "net/dns_message.h"

#include <gtest/gtest.h>

#include "net/test_address.h"

namespace hull::net {
namespace {

using namespace std::string_literals;

std::string query(const std::string& labels, char type = 1) {
    return "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"s + labels + "\0\0"s + type + "\0\x01"s;
}

TEST(DnsMessage, QuestionsAreReadInLowerCase) {
    const auto question = parse_dns_query(query("\3WWW\7example"));
    ASSERT_TRUE(question);
    EXPECT_EQ(question->name, "www.example");
    EXPECT_EQ(question->type, 1);
    EXPECT_EQ(question->payload, 512);
    const auto big =
        parse_dns_query("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\1a\0\0\1\0\1\0\0\x29\x10\x00\0\0\0\0\0\0"s);
    ASSERT_TRUE(big);
    EXPECT_EQ(big->payload, 4096);
}

TEST(DnsMessage, WhatIsNoQuestionIsRefused) {
    EXPECT_FALSE(parse_dns_query(""));
    EXPECT_FALSE(parse_dns_query(query("\3WWW\7exa").substr(0, 18)));
    EXPECT_FALSE(parse_dns_query(query("\xc0\x0c"))) << "compression";
    EXPECT_FALSE(parse_dns_query(query("\3a.b"))) << "a dot inside a label";
    std::string answer = query("\1a");
    answer[2] = '\x81';
    EXPECT_FALSE(parse_dns_query(answer));
    EXPECT_FALSE(parse_dns_query(query(std::string(5, '\x3f') + std::string(300, 'x'))));
}

TEST(DnsMessage, AnswersThatDoNotFitAreCut) {
    const std::string asked = query("\1a");
    const auto question = parse_dns_query(asked);
    ASSERT_TRUE(question);
    const std::vector<IpAddress> two = {ip("10.0.0.1"), ip("10.0.0.2")};
    const std::string whole = dns_addresses(asked, *question, two, 512);
    EXPECT_EQ(whole.substr(0, 2), "\x12\x34");
    EXPECT_EQ(whole[7], 2);
    EXPECT_EQ(whole.substr(whole.size() - 4), "\x0a\0\0\2"s);
    EXPECT_FALSE(whole[2] & 2);
    const std::string cut = dns_addresses(asked, *question, two, whole.size() - 1);
    EXPECT_EQ(cut[7], 1);
    EXPECT_TRUE(cut[2] & 2);
}

TEST(DnsMessage, ReverseNames) {
    EXPECT_EQ(reverse_address("4.3.2.1.in-addr.arpa"), ip("1.2.3.4"));
    EXPECT_EQ(reverse_address("256.3.2.1.in-addr.arpa"), std::nullopt);
    EXPECT_EQ(reverse_address("3.2.1.in-addr.arpa"), std::nullopt);
    EXPECT_EQ(reverse_address("5.4.3.2.1.in-addr.arpa"), std::nullopt);
    EXPECT_EQ(reverse_address("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa"),
              ip("fd00::1"));
    EXPECT_EQ(reverse_address("example.org"), std::nullopt);
}

TEST(DnsMessage, AddressesOfAnAnswer) {
    // a.b IN A: an alias, two addresses (TTLs 300 and 20), and one besides that isn't an answer.
    const std::string question("\1a\1b\0\0\1\0\1", 9);
    const std::string head("\1\2\x81\x80\0\1\0\3\0\0\0\1", 12);
    const std::string alias("\xc0\x0c\0\5\0\1\0\0\0\5\0\3\1c\0", 15);
    const std::string first("\1c\0\0\1\0\1\0\0\1\x2c\0\4\1\2\3\4", 17);
    const std::string second("\1c\0\0\1\0\1\0\0\0\x14\0\4\1\2\3\5", 17);
    const std::string besides("\1d\0\0\1\0\1\0\0\0\1\0\4\7\7\7\7", 17);
    const std::string whole = head + question + alias + first + second + besides;
    const DnsAddresses found = dns_addresses_in(whole);
    ASSERT_EQ(found.list.size(), 2u);
    EXPECT_EQ(found.list[0].str(), "1.2.3.4");
    EXPECT_EQ(found.list[1].str(), "1.2.3.5");
    EXPECT_EQ(found.ttl, 20u);
    for (size_t size = 0; size < whole.size(); ++size)
        EXPECT_TRUE(dns_addresses_in(std::string_view(whole).substr(0, size)).list.empty()) << size;
}

} // namespace
} // namespace hull::net
