#include "http/uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::http {
namespace {

using ::testing::ElementsAre;

TEST(Uri, SplitsPathAndQuery) {
    auto target = MUST(parse_target("/v1.43/containers/json?all=1&filters=%7B%22a%22%3A1%7D"));
    EXPECT_EQ(target.path, "/v1.43/containers/json");
    EXPECT_EQ(target.query.get("all"), "1");
    EXPECT_EQ(target.query.get("filters"), "{\"a\":1}");
    EXPECT_FALSE(target.query.has("size"));
}

TEST(Uri, TakesTheAbsoluteForm) { EXPECT_EQ(MUST(parse_target("http://docker/_ping")).path, "/_ping"); }

TEST(Uri, PlusIsASpaceInQueriesOnly) {
    auto target = MUST(parse_target("/a+b?c=d+e"));
    EXPECT_EQ(target.path, "/a+b");
    EXPECT_EQ(target.query.get("c"), "d e");
}

TEST(Uri, KeepsRepeatedNames) {
    auto query = MUST(Query::parse("names=a&names=b&flag"));
    EXPECT_THAT(query.all("names"), ElementsAre("a", "b"));
    EXPECT_TRUE(query.has("flag"));
    EXPECT_EQ(query.get("flag"), "");
}

TEST(Uri, RefusesBrokenEscapes) {
    EXPECT_FALSE(parse_target("/%4").ok());
    EXPECT_FALSE(parse_target("/%zz").ok());
    EXPECT_FALSE(parse_target("/%00").ok());
    EXPECT_FALSE(parse_target("nowhere").ok());
}

TEST(Uri, DecodeUndoesEncode) {
    std::string all;
    for (int c = 1; c < 256; ++c) all.push_back(static_cast<char>(c));
    EXPECT_EQ(MUST(percent_decode(percent_encode(all))), all);
}

} // namespace
} // namespace hull::http
