#include "codec/yaml/yaml.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace hull {
namespace {

std::string json_of(std::string_view yaml) {
    auto value = parse_yaml(yaml);
    return value.ok() ? boost::json::serialize(*value) : "error: " + value.error().message();
}

TEST(Yaml, ScalarsHaveTheirTypes) {
    EXPECT_EQ(json_of("a: 1\nb: -2\nc: 0x10\nd: 0o17\ne: 1.5\nf: true\ng: ~\nh: \"1\"\ni: 1a\nj: 'null'\nk:\n"),
              R"({"a":1,"b":-2,"c":16,"d":15,"e":1.5E0,"f":true,"g":null,"h":"1","i":"1a","j":"null","k":null})");
}

TEST(Yaml, NestsAndTakesJson) {
    EXPECT_EQ(json_of("a:\n  - b: [1, {c: d}]\n  - - x\n"), R"({"a":[{"b":[1,{"c":"d"}]},["x"]]})");
    EXPECT_EQ(json_of(R"({"a": ["b", 1]})"), R"({"a":["b",1]})");
    EXPECT_EQ(json_of(""), "null");
}

TEST(Yaml, WhatMakesASmallTextLargeIsRefused) {
    EXPECT_NE(json_of("a: &x [1]\nb: *x\n").find("anchors are not supported"), std::string::npos);
    EXPECT_NE(json_of("a: !!binary x\n").find("tags are not supported"), std::string::npos);
    EXPECT_NE(json_of(std::string(100, '[')).find("error"), std::string::npos);
    EXPECT_NE(json_of(std::string(100, '[') + std::string(100, ']')).find("nested too deeply"), std::string::npos);
    EXPECT_FALSE(parse_yaml(std::string(100, 'x'), {.max_depth = 9, .max_bytes = 99}).ok());
}

TEST(Yaml, FaultsNameTheirPlace) {
    EXPECT_EQ(json_of("a: 1\na: 2\n"), "error: YAML: line 2, column 1: the key \"a\" is there twice");
    EXPECT_NE(json_of("a: [1\n").find("line "), std::string::npos);
    EXPECT_NE(json_of("a\n---\nb\n").find("more than one document"), std::string::npos);
    EXPECT_NE(json_of("? [a]\n: b\n").find("a key is not a text"), std::string::npos);
}

} // namespace
} // namespace hull
