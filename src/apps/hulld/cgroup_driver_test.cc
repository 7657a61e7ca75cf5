#include "cgroup_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull {
namespace {

using ::testing::HasSubstr;

TEST(CgroupDriver, TheFilesTakePathsAsTheyAre) {
    CgroupDriver files;
    EXPECT_FALSE(files.is_systemd());
    EXPECT_EQ(MUST(files.path("/hull/a1b2")), "/hull/a1b2");
    EXPECT_EQ(MUST(files.for_runtimes("/hull/a1b2")), "/hull/a1b2");
    kernel::cgroup::Plan plan;
    ASSERT_TRUE(files.adopt(plan, kernel::cgroup::Version::v2, "/hull/a1b2", {}).ok());
    files.name_unit(plan, "/hull/a1b2");
    EXPECT_EQ(plan, kernel::cgroup::Plan());
}

TEST(CgroupDriver, SystemdHasAScopeInTheSlice) {
    CgroupDriver systemd("unix:path=/nowhere");
    EXPECT_EQ(MUST(systemd.path("/system.slice/a1b2")), "/system.slice/hull-a1b2.scope");
    EXPECT_EQ(MUST(systemd.path("/a-b.slice/a1b2")), "/a.slice/a-b.slice/hull-a1b2.scope");
    EXPECT_EQ(MUST(systemd.for_runtimes("/a-b.slice/a1b2")), "a-b.slice:hull:a1b2");
    EXPECT_THAT(systemd.path("/no-slice/a1b2").error().message(), HasSubstr("slice"));
    kernel::cgroup::Plan plan;
    ASSERT_TRUE(systemd.adopt(plan, kernel::cgroup::Version::v2, "/a-b.slice/a1b2", {}).ok());
    EXPECT_EQ(plan.scope.unit, "hull-a1b2.scope");
    EXPECT_EQ(plan.scope.bus, "unix:path=/nowhere");
    EXPECT_THAT(plan.scope.properties, HasSubstr("a-b.slice"));
    kernel::cgroup::Plan placed;
    systemd.name_unit(placed, "/a.slice/a-b.slice/hull-a1b2.scope");
    EXPECT_EQ(placed.scope.unit, "hull-a1b2.scope");
}

} // namespace
} // namespace hull
