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

TEST(WithoutOneCall, containers_are_made_the_same) {
    auto passed =
        sys::passes_without_any_of({"clone3", "openat2", "close_range", "statx", "keyctl=EPERM", "mount_setattr",
                                    "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "linux-5.10"},
                                   some_containers);
    EXPECT_TRUE(passed.ok()) << passed.error().message();
}

// As old profiles of Docker answer to what they don't know.
TEST(WithoutOneCall, containers_are_made_the_same_when_the_answer_is_eperm) {
    auto passed = sys::passes_without_any_of(
        {"clone3=EPERM", "openat2=EPERM", "close_range=EPERM", "statx=EPERM", "faccessat2=EPERM", "mount-api=EPERM"},
        some_containers);
    EXPECT_TRUE(passed.ok()) << passed.error().message();
}

TEST(WithoutManyCalls, containers_are_made_the_same) {
    auto passed = sys::passes_without_any_of(
        {"mount-api", "clone3,openat2,close_range,statx,faccessat2", "mount-api,clone3,openat2,close_range,statx"},
        every_container);
    EXPECT_TRUE(passed.ok()) << passed.error().message();
}

} // namespace
} // namespace hull::runtime
