#include "codec/json_strict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::json {
namespace {

TEST(StrictJson, RefusesAKeyThatStandsTwiceInOneObject) {
    EXPECT_TRUE(parse_strict(R"({"a": 1, "b": {"a": 2}, "c": [{"a": 1}, {"a": 2}]})").ok());
    for (const char* text :
         {R"({"a": 1, "a": 1})", R"({"x": {"a": 1, "b": 2, "a": 3}})", R"([{"\u0061": 1, "a": 2}])"}) {
        auto value = parse_strict(text);
        ASSERT_FALSE(value.ok()) << text;
        EXPECT_THAT(value.error().message(), ::testing::HasSubstr("\"a\" stands there twice"));
    }
}

TEST(StrictJson, RefusesDeepAndLongTexts) {
    EXPECT_FALSE(parse_strict(std::string(100'000, '[')).ok());
    EXPECT_EQ(parse_strict(std::string(5000, ' '), {.max_depth = 8, .max_bytes = 4096}).error().kind(),
              ErrorKind::too_large);
    EXPECT_FALSE(parse_strict("{\"a\": NaN}").ok());
}

} // namespace
} // namespace hull::json
