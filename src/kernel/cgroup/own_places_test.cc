#include "kernel/cgroup/own_places.h"

#include <gtest/gtest.h>

namespace hull::kernel::cgroup {
namespace {

std::vector<MountRecord> table(std::string_view text) {
    auto parsed = parse_mount_table(text);
    EXPECT_TRUE(parsed.ok());
    return std::move(*parsed);
}

constexpr const char* v1_mounts = "30 20 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                                  "31 20 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
                                  "32 20 0:32 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
                                  "33 20 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

TEST(OwnPlaces, of_v1_are_one_for_each_hierarchy_and_leave_v2_out) {
    auto places = places_of(table(v1_mounts), "3:name=systemd:/\n2:cpu,cpuacct:/a/b\n1:memory:/m\n0::/u\n");
    ASSERT_EQ(places.size(), 3U);
    EXPECT_EQ(places[0].folder(), "/sys/fs/cgroup/systemd");
    EXPECT_EQ(places[1].folder(), "/sys/fs/cgroup/cpu,cpuacct/a/b");
    EXPECT_EQ(places[1].name, "cpu,cpuacct");
    EXPECT_EQ(places[2].folder(), "/sys/fs/cgroup/memory/m");
    EXPECT_FALSE(places[2].unified);
}

TEST(OwnPlaces, of_v2_is_the_one_even_beside_the_hierarchy_of_a_service_manager) {
    auto places = places_of(table("33 20 0:33 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
                                  "32 20 0:32 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"),
                            "1:name=systemd:/x\n0::/user.slice/session\n");
    ASSERT_EQ(places.size(), 1U);
    EXPECT_TRUE(places[0].unified);
    EXPECT_EQ(places[0].folder(), "/sys/fs/cgroup/user.slice/session");
    EXPECT_EQ(places[0].name, "");
}

TEST(OwnPlaces, are_seen_through_a_mount_of_a_part_only_below_that_part) {
    auto mounts = table("33 20 0:33 /outer /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    auto below = places_of(mounts, "0::/outer/inner\n");
    ASSERT_EQ(below.size(), 1U);
    EXPECT_EQ(below[0].folder(), "/sys/fs/cgroup/inner");
    EXPECT_TRUE(places_of(mounts, "0::/other\n").empty());
    EXPECT_TRUE(places_of(mounts, "0::/../other\n").empty());
    EXPECT_TRUE(places_of(mounts, "").empty());
}

TEST(OwnPlaces, there_is_nothing_that_root_may_not_do) {
    auto own = own_places();
    ASSERT_TRUE(own.ok()) << own.error().message();
    if (own->empty()) GTEST_SKIP() << "no cgroups are mounted here";
    Plan plan;
    Dir dir = own->front();
    dir.path += "/hull-own-places-test";
    dir.writes = {{.file = "notify_on_release", .value = "0"}};
    plan.dirs = {dir};
    auto permitted = permitted_part(plan);
    ASSERT_TRUE(permitted.ok()) << permitted.error().message();
    ASSERT_EQ(permitted->plan.dirs.size(), 1U);
    EXPECT_EQ(permitted->plan.dirs.front().folder(), dir.folder());
}

} // namespace
} // namespace hull::kernel::cgroup
