#include "base/decimal.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace hull {
namespace {

TEST(Decimal, ReadsWhatStrtodReads) {
    for (const char* text : {"0", "1", "1.5", "0.1", ".5", "5.", "-2.75", "007", "1e3", "1E+3", "2.5e-7", "123456.789",
                             "9007199254740992", "0.000001", "1e22", "0e400"})
        EXPECT_EQ(decimal_of(text), std::strtod(text, nullptr)) << text;
}

TEST(Decimal, LeavesAllElse) {
    for (const char* text : {"", ".", "-", "+1", " 1", "1 ", "1.2.3", "e3", "1e", "1e+-3", "0x10", "inf", "nan",
                             "1e400", "1e309", "1e99999999999", "--1"})
        EXPECT_EQ(decimal_of(text), std::nullopt) << text;
}

} // namespace
} // namespace hull
