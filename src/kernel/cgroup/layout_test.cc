#include "kernel/cgroup/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::kernel::cgroup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(CgroupLayout, ReadsV1WithV2BesideIt) {
    Layout layout = parse_mounts(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs rw,mode=755\n"
        "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
        "33 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/lib/x,name=systemd\n"
        "34 31 0:29 / /mnt/again rw - cgroup cgroup rw,cpu,cpuacct\n"
        "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n");
    ASSERT_THAT(layout.v1, SizeIs(2));
    EXPECT_EQ(layout.v1[0].mount, "/sys/fs/cgroup/cpu,cpuacct");
    EXPECT_EQ(layout.v1[0].name, "cpu,cpuacct");
    EXPECT_THAT(layout.v1[0].controllers, ElementsAre("cpu", "cpuacct"));
    EXPECT_THAT(layout.v1[1].controllers, ElementsAre("name=systemd"));
    EXPECT_EQ(layout.unified, "/sys/fs/cgroup/unified");
    EXPECT_EQ(probe(layout).version, Version::v1);
}

TEST(CgroupLayout, ReadsV2Alone) {
    Layout layout = parse_mounts("29 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
                                 "30 23 0:27 / /x rw - cgroup cgroup rw,name=systemd\n");
    EXPECT_EQ(layout.unified, "/sys/fs/cgroup");
    EXPECT_EQ(probe(layout).version, Version::v2);
}

TEST(CgroupLayout, SurvivesNonsense) {
    EXPECT_THAT(parse_mounts("").v1, IsEmpty());
    EXPECT_THAT(parse_mounts("x\n - cgroup\n1 2 - cgroup a b\n\n").v1, IsEmpty());
    EXPECT_EQ(probe({}).version, Version::none);
    EXPECT_EQ(unescape_mount("/a\\040b\\134c\\09"), "/a b\\c\\09");
}

TEST(CgroupLayout, ChecksPaths) {
    EXPECT_EQ(*check_path("hull/a1"), "/hull/a1");
    EXPECT_EQ(*check_path("//hull///a1/"), "/hull/a1");
    for (const char* bad : {"", "/", "../x", "/a/../b", "a/./b", "a\nb"})
        EXPECT_EQ(check_path(bad).error().kind(), ErrorKind::invalid_argument) << bad;
    EXPECT_FALSE(check_path(std::string(2000, 'a')).ok());
    EXPECT_EQ(check_path("system.slice:docker:abc").error().kind(), ErrorKind::unsupported);
    EXPECT_TRUE(check_path("/a:b:c").ok());
}

} // namespace
} // namespace hull::kernel::cgroup
