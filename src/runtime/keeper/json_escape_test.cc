#include "runtime/keeper/json_escape.h"

#include <string>

#include <gtest/gtest.h>

namespace hull::keeper {
namespace {

std::string escaped(std::string_view text) {
    std::string out(text.size() * max_escaped_per_byte, '\0');
    out.resize(static_cast<size_t>(escape_json(text, out.data()) - out.data()));
    return out;
}

TEST(JsonEscape, PlainTextStaysAsItIs) {
    std::string text = "The quick brown fox jumps over the lazy dog; 0123456789 ~!@#$%^*()_+{}[]|:;'?/.,`";
    for (size_t n = 0; n <= text.size(); ++n) EXPECT_EQ(escaped(text.substr(0, n)), text.substr(0, n));
    EXPECT_EQ(escaped("\x7f"), "\x7f");
}

TEST(JsonEscape, EveryControlCharacterIsEscapedAsDockerDoes) {
    EXPECT_EQ(escaped("\n\r\"\\"), "\\n\\r\\\"\\\\");
    EXPECT_EQ(escaped("\t\b\f\x01\x1f"), "\\u0009\\u0008\\u000c\\u0001\\u001f");
    EXPECT_EQ(escaped(std::string_view("\0", 1)), "\\u0000");
    EXPECT_EQ(escaped("<a href='x'>&</a>"), "\\u003ca href='x'\\u003e\\u0026\\u003c/a\\u003e");
}

TEST(JsonEscape, SpecialsAreFoundAtEveryPlaceOfAWord) {
    for (char special : {'"', '\\', '<', '>', '&', '\x01', '\x1f', '\n'}) {
        for (size_t at = 0; at < 24; ++at) {
            std::string text(24, 'x');
            text[at] = special;
            std::string expected = std::string(at, 'x') + escaped(std::string(1, special)) + std::string(23 - at, 'x');
            EXPECT_EQ(escaped(text), expected);
        }
    }
}

TEST(JsonEscape, ValidUtf8StaysAndTheLineSeparatorsAreEscaped) {
    for (std::string_view text : {"\u00e9", "\u20ac", "\U0001f600", "\uffff", "a\u00fcb", "\ud7ff", "\ue000"})
        EXPECT_EQ(escaped(text), text);
    EXPECT_EQ(escaped("\u2028\u2029\u2027"), "\\u2028\\u2029\u2027");
}

TEST(JsonEscape, EachByteOfBrokenUtf8IsReplaced) {
    EXPECT_EQ(escaped("\xff"), "\\ufffd");
    EXPECT_EQ(escaped("a\x80z"), "a\\ufffdz");
    EXPECT_EQ(escaped("\xe2\x82"), "\\ufffd\\ufffd");            // cut off
    EXPECT_EQ(escaped("\xc0\xaf"), "\\ufffd\\ufffd");            // overlong
    EXPECT_EQ(escaped("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd"); // surrogate
    EXPECT_EQ(escaped("\xf4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd");
    EXPECT_EQ(escaped("\xe2\x28\xa1"), "\\ufffd(\\ufffd");
}

} // namespace
} // namespace hull::keeper
