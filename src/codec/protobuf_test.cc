#include "codec/protobuf.h"

#include <gtest/gtest.h>

namespace hull::protobuf {

namespace {

TEST(Protobuf, what_is_written_is_read_again) {
    Writer inner;
    inner.text(1, "inside");
    Writer out;
    out.number(1, 300).boolean(2, true).text(3, "word").element(4, "").message(5, inner);
    out.number(6, static_cast<uint64_t>(int64_t{-2})).timestamp(7, WallTime{-1}).entry(8, "key", "value");
    Reader reader(out.bytes());
    Field field;
    ASSERT_TRUE(*reader.next(field));
    EXPECT_TRUE(field.is_number(1));
    EXPECT_EQ(field.value, 300u);
    ASSERT_TRUE(*reader.next(field));
    EXPECT_EQ(field.value, 1u);
    ASSERT_TRUE(*reader.next(field));
    EXPECT_TRUE(field.is_text(3));
    EXPECT_EQ(field.text, "word");
    ASSERT_TRUE(*reader.next(field));
    EXPECT_TRUE(field.is_text(4));
    ASSERT_TRUE(*reader.next(field));
    EXPECT_EQ(field.text, "\x0a\x06inside");
    ASSERT_TRUE(*reader.next(field));
    EXPECT_EQ(field.signed_value(), -2);
    ASSERT_TRUE(*reader.next(field));
    Reader time(field.text);
    ASSERT_TRUE(*time.next(field));
    EXPECT_EQ(field.signed_value(), -1);
    ASSERT_TRUE(*time.next(field));
    EXPECT_EQ(field.value, 999'999'999u);
    ASSERT_TRUE(*reader.next(field));
    EXPECT_EQ(*read_entry(field.text), (std::pair<std::string, std::string>("key", "value")));
    EXPECT_FALSE(*reader.next(field));
}

TEST(Protobuf, zeros_and_empty_texts_are_left_out) {
    Writer out;
    out.number(1, 0).boolean(2, false).text(3, "");
    EXPECT_EQ(out.bytes(), "");
}

TEST(Protobuf, fixed_numbers_are_numbers) {
    std::string bytes = {0x0d, 1, 2, 0, 0, 0x11, 1, 0, 0, 0, 0, 0, 0, 1};
    Reader reader(bytes);
    Field field;
    ASSERT_TRUE(*reader.next(field));
    EXPECT_EQ(field.value, 513u);
    ASSERT_TRUE(*reader.next(field));
    EXPECT_EQ(field.value, (uint64_t{1} << 56) + 1);
}

TEST(Protobuf, malformed_messages_are_errors) {
    for (std::string bytes : {std::string("\x08"),
                              std::string("\x0a\x05"
                                          "abc"),
                              std::string("\x0b"), std::string("\x00\x01", 2),
                              std::string("\x08") + std::string(10, '\xff') + "\x01", std::string("\x0d\x01")}) {
        Reader reader(bytes);
        Field field;
        EXPECT_EQ(reader.next(field).error().kind(), ErrorKind::invalid_argument);
    }
}

} // namespace

} // namespace hull::protobuf
