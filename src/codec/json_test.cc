#include "codec/json.h"

#include <gtest/gtest.h>

namespace hull {

struct Inner {
    std::string name;
    std::optional<int> count;
};
struct Outer {
    bool on = false;
    uint16_t small = 0;
    double ratio = 0;
    std::vector<Inner> inners;
    std::map<std::string, std::string> labels;
    std::vector<std::string> words, nulls;
};

template <>
struct json::Fields<Inner> {
    static constexpr auto list =
        std::tuple{json::field("Name", &Inner::name), json::field("Count", &Inner::count, json::Emit::omit_empty)};
};
template <>
struct json::Fields<Outer> {
    static constexpr auto list = std::tuple{json::field("On", &Outer::on),
                                            json::field("Small", &Outer::small),
                                            json::field("Ratio", &Outer::ratio, json::Emit::omit_empty),
                                            json::field("Inners", &Outer::inners),
                                            json::field("Labels", &Outer::labels),
                                            json::field("Words", &Outer::words, json::Emit::omit_empty),
                                            json::field("Nulls", &Outer::nulls, json::Emit::null_if_empty)};
};

namespace {

TEST(Json, DecodesNestedStructs) {
    auto o = json::decode_text<Outer>(
        R"({"On":true,"Small":65535,"Ratio":2,"Inners":[{"Name":"a","Count":1},{}],"Labels":{"k":"v"},"Other":[1]})");
    ASSERT_TRUE(o.ok()) << o.error().message();
    EXPECT_TRUE(o->on);
    EXPECT_EQ(o->small, 65535);
    EXPECT_EQ(o->ratio, 2.0);
    ASSERT_EQ(o->inners.size(), 2u);
    EXPECT_EQ(o->inners[0].count, 1);
    EXPECT_EQ(o->labels.at("k"), "v");
}

TEST(Json, NamesMatchWithoutCaseAndNullKeepsTheDefault) {
    auto o = json::decode_text<Outer>(R"({"on":true,"LABELS":null,"small":null})");
    ASSERT_TRUE(o.ok());
    EXPECT_TRUE(o->on);
    EXPECT_TRUE(o->labels.empty());
}

TEST(Json, WrongTypesNameTheField) {
    auto message = [](std::string_view text) { return json::decode_text<Outer>(text).error().message(); };
    EXPECT_EQ(message(R"({"Inners":[{"Name":5}]})"), "Inners[0].Name: invalid JSON: got number 5, want string");
    EXPECT_EQ(message(R"({"Small":65536})"), "Small: invalid JSON: got number 65536, want a number in range");
    EXPECT_EQ(message(R"({"Small":-1})"), "Small: invalid JSON: got number -1, want a number in range");
    EXPECT_EQ(message(R"([])"), "invalid JSON: got array, want object");
}

TEST(Json, EmitRules) {
    EXPECT_EQ(json::print(json::encode(Outer{})), R"({"On":false,"Small":0,"Inners":[],"Labels":{},"Nulls":null})");
    Outer o;
    o.inners.push_back({"x", 3});
    o.nulls = {"a"};
    EXPECT_EQ(json::print(json::encode(o)),
              R"({"On":false,"Small":0,"Inners":[{"Name":"x","Count":3}],"Labels":{},"Nulls":["a"]})");
}

TEST(Json, BadTextsAreErrors) {
    for (const char* text : {"", "  ", "{", "{}x", "{\"a\":}", "nul", "[1,]", "{} {}", "\"\xff\"", "NaN"})
        EXPECT_FALSE(json::parse(text).ok()) << text;
    EXPECT_TRUE(json::parse(" {} \n").ok());
    EXPECT_TRUE(json::parse("5").ok());
}

TEST(Json, DepthAndSizeAreBounded) {
    EXPECT_FALSE(json::parse(std::string(100'000, '[')).ok());
    EXPECT_EQ(json::parse("[1,2,3]", {.max_depth = 8, .max_bytes = 4}).error().kind(), ErrorKind::too_large);
}

} // namespace
} // namespace hull
