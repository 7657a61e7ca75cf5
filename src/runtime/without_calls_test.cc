// The same containers where newer system calls are missing (an old kernel, a
// sandbox): the suites beside this file, run again under a filter.
#include <gtest/gtest.h>

#include "sys/denied_calls.h"

namespace hull::runtime {
namespace {

constexpr const char* every_container = "LaunchTest.*:BindTest.*:ExecTest.*";
constexpr const char* some_containers =
    "LaunchTest.R*:LaunchTest.has*:LaunchTest.hooks*:LaunchTest.signals*:LaunchTest.masked*:BindTest.files*:"
    "BindTest.mounts*:ExecTest.joins*:ExecTest.has*:ExecTest.gets*:ExecTest.first*";

class WithoutOneCall : public testing::TestWithParam<const char*> {};

TEST_P(WithoutOneCall, containers_are_made_the_same) {
    auto passed = sys::passes_without(GetParam(), some_containers);
    EXPECT_TRUE(passed.ok()) << passed.error().message();
}

INSTANTIATE_TEST_SUITE_P(, WithoutOneCall,
                         testing::Values("clone3", "clone3=EPERM", "openat2", "openat2=EPERM", "close_range",
                                         "close_range=EPERM", "statx", "faccessat2=EPERM", "keyctl=EPERM"));

TEST(WithoutAllCalls, containers_are_made_the_same) {
    auto passed = sys::passes_without("clone3,openat2,close_range,statx,faccessat2", every_container);
    EXPECT_TRUE(passed.ok()) << passed.error().message();
}

} // namespace
} // namespace hull::runtime
