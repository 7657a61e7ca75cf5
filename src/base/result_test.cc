#include "base/result.h"

#include <memory>

#include <gtest/gtest.h>

namespace hull {
namespace {

Result<int> half(int n) {
    if (n % 2) return Error(ErrorKind::invalid_argument, std::to_string(n) + " is odd");
    return n / 2;
}

Result<int> quarter(int n) {
    int once = TRY(half(n).context("first"));
    return TRY(half(once).context([] { return "second"; }));
}

Result<void> check(int n) {
    TRY(quarter(n));
    return {};
}

TEST(Result, TryPassesValuesAndErrorsOn) {
    EXPECT_EQ(*quarter(8), 2);
    EXPECT_EQ(quarter(3).error().message(), "first: 3 is odd");
    EXPECT_EQ(quarter(6).error().message(), "second: 3 is odd");
    EXPECT_TRUE(check(4).ok());
    EXPECT_EQ(check(2).error().kind(), ErrorKind::invalid_argument);
}

TEST(Result, CarriesTypesThatOnlyMove) {
    auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
    auto use = [&]() -> Result<int> {
        std::unique_ptr<int> p = TRY(make());
        return *p;
    };
    EXPECT_EQ(*use(), 7);
}

TEST(Error, OfASystemCallNamesCallObjectAndReason) {
    Error error = Error::from_errno("open", "/x", ENOENT);
    EXPECT_EQ(error.message(), "open /x: No such file or directory");
    EXPECT_EQ(error.code(), ENOENT);
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_EQ(Error::from_errno("write", ENOSPC).kind(), ErrorKind::no_space);
}

TEST(Error, ContextKeepsKindAndCode) {
    Error error = Error::from_errno("mkdir", "/x", EEXIST).context("make the folder");
    EXPECT_EQ(error.message(), "make the folder: mkdir /x: File exists");
    EXPECT_EQ(error.kind(), ErrorKind::conflict);
    EXPECT_EQ(error.code(), EEXIST);
}

TEST(Error, UnknownNumberStillGivesAText) {
    EXPECT_EQ(Error::from_errno("call", 99999).message(), "call: unknown error 99999");
    EXPECT_EQ(Error::from_errno("call", "/x", 99999).message(), "call /x: unknown error 99999");
}

TEST(ResultDeathTest, UsingTheValueOfAnErrorEndsTheProgram) { EXPECT_DEATH((void)half(1).value(), "1 is odd"); }

} // namespace
} // namespace hull
