#include "kernel/number_list.h"

#include <gtest/gtest.h>

namespace hull::kernel {
namespace {

TEST(NumberList, ranges_and_single_numbers_become_bits) {
    auto bits = parse_number_list("0-3,7");
    ASSERT_TRUE(bits.ok());
    EXPECT_EQ(*bits, (std::vector<uint64_t>{0b1000'1111}));
    bits = parse_number_list(" 1 , 64-65\n");
    ASSERT_TRUE(bits.ok());
    EXPECT_EQ(*bits, (std::vector<uint64_t>{2, 3}));
}

TEST(NumberList, an_empty_list_has_no_bits) {
    auto bits = parse_number_list("");
    ASSERT_TRUE(bits.ok());
    EXPECT_TRUE(bits->empty());
}

TEST(NumberList, anything_else_is_refused) {
    for (const char* text : {"a", "1,", ",1", "3-1", "1-", "-1", "0-8192", "99999999999", "1 2", "0x1"})
        EXPECT_EQ(parse_number_list(text).error().kind(), ErrorKind::invalid_argument) << text;
}

} // namespace
} // namespace hull::kernel
