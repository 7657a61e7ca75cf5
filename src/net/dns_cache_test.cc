#include "net/dns_cache.h"

#include <gtest/gtest.h>

#include "net/dns_message.h"

namespace hull::net {
namespace {

using namespace std::string_literals;
using Clock = DnsCache::Clock;
using std::chrono::seconds;

std::string question(const std::string& id, char type = 1) {
    return id + "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\3www\2de\0\0"s + type + "\0\x01"s;
}
// With one record of this TTL.
std::string reply(const std::string& query, char ttl, char code = 0) {
    return query.substr(0, 2) + "\x81"s + static_cast<char>(0x80 | code) + "\0\1\0\1\0\0\0\0"s + query.substr(12) +
           "\xc0\x0c\0\1\0\1\0\0\0"s + ttl + "\0\4\1\2\3\4"s;
}

TEST(DnsCache, KeepsAnswersAsLongAsTheirTtl) {
    DnsCache cache;
    const auto now = Clock::now();
    const std::string first = question("aa"), second = question("bb");
    EXPECT_FALSE(cache.find("host", first, now));
    cache.keep("host", first, reply(first, 10), now);
    // The id of who asks, and what is left of the time.
    EXPECT_EQ(cache.find("host", second, now + seconds(3)), reply(second, 7));
    EXPECT_FALSE(cache.find("host", second, now + seconds(10)));
    EXPECT_FALSE(cache.find("host", second, now + seconds(1))) << "it is gone";
}

TEST(DnsCache, TellsServersAndQuestionsApart) {
    DnsCache cache;
    const auto now = Clock::now();
    const std::string query = question("aa");
    cache.keep("host", query, reply(query, 10), now);
    EXPECT_FALSE(cache.find("other", query, now));
    EXPECT_FALSE(cache.find("host", question("aa", 28), now));
}

TEST(DnsCache, WhatMustNotBeKeptIsNot) {
    DnsCache cache;
    const auto now = Clock::now();
    const std::string query = question("aa");
    std::string cut = reply(query, 10);
    cut[2] = static_cast<char>(cut[2] | 0x02);
    for (const std::string& bad : {reply(query, 0), reply(query, 10, 2), cut, reply(query, 10).substr(0, 30), ""s,
                                   reply(query, 10) + std::string(5000, 'x')}) {
        cache.keep("host", query, bad, now);
        EXPECT_FALSE(cache.find("host", query, now));
    }
    cache.keep("host", query, reply(query, 10, 3), now); // no such name
    EXPECT_TRUE(cache.find("host", query, now));
}

TEST(DnsCache, IsBounded) {
    DnsCache cache(2);
    const auto now = Clock::now();
    for (const char type : {1, 2, 3}) {
        const std::string query = question("aa", type);
        cache.keep("host", query, reply(query, 10), now);
    }
    EXPECT_FALSE(cache.find("host", question("aa", 1), now));
    EXPECT_TRUE(cache.find("host", question("aa", 2), now));
    EXPECT_TRUE(cache.find("host", question("aa", 3), now));
}

} // namespace
} // namespace hull::net
