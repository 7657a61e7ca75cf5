#include "runtime/users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::runtime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view passwd = "root:x:0:0:root:/root:/bin/sh\n"
                                    "# comment:x:1:1::/:\n"
                                    "worker:x:1000:1001:,,,:/home/worker:/bin/sh\n"
                                    "5:x:77:78::/five:/bin/sh\n"
                                    "broken:x:notanumber:0::/:\n"
                                    "zero:x:0x0:0::/:\n"
                                    "negative:x:-1:0::/:\n"
                                    "huge:x:4294967296:0::/:\n"
                                    "homeless:x:9:9\r\n";
constexpr std::string_view group = "root:x:0:\n"
                                   "staff:x:50:worker,other\n"
                                   "audio:x:29:other,worker\n"
                                   "odd:x:0x1:worker\n"
                                   "admins:x:0:worker2\n"
                                   "last:x:99:root";

ResolvedUser must(std::string_view spec) {
    auto user = find_user(spec, passwd, group);
    EXPECT_TRUE(user.ok()) << spec;
    return user.ok() ? *user : ResolvedUser{77777, 77777, {}, ""};
}

std::string error_of(std::string_view spec) {
    auto user = find_user(spec, passwd, group);
    return user.ok() ? "no error" : user.error().message();
}

TEST(Users, nothing_is_root_with_its_groups) {
    auto user = must("");
    EXPECT_EQ(user.uid, 0U);
    EXPECT_EQ(user.gid, 0U);
    EXPECT_EQ(user.home, "/root");
    EXPECT_THAT(user.groups, ElementsAre(99));
}

TEST(Users, a_name_brings_its_group_home_and_supplementary_groups) {
    auto user = must("worker");
    EXPECT_EQ(user.uid, 1000U);
    EXPECT_EQ(user.gid, 1001U);
    EXPECT_EQ(user.home, "/home/worker");
    EXPECT_THAT(user.groups, ElementsAre(50, 29));
}

TEST(Users, a_number_of_somebody_known_is_that_user) { EXPECT_THAT(must("1000").groups, ElementsAre(50, 29)); }

TEST(Users, an_unknown_number_has_group_0_and_no_others) {
    auto user = must("4242");
    EXPECT_EQ(user.uid, 4242U);
    EXPECT_EQ(user.gid, 0U);
    EXPECT_EQ(user.home, "/");
    EXPECT_THAT(user.groups, IsEmpty());
}

TEST(Users, an_explicit_group_leaves_the_others_out) {
    auto user = must("worker:staff");
    EXPECT_EQ(user.gid, 50U);
    EXPECT_THAT(user.groups, IsEmpty());
    EXPECT_EQ(must("1:2").gid, 2U);
    EXPECT_EQ(must(":29").gid, 29U);
}

TEST(Users, a_name_that_looks_like_a_number_is_a_name_first) { EXPECT_EQ(must("5").uid, 77U); }

TEST(Users, errors_are_dockers) {
    EXPECT_EQ(error_of("ghost"), "unable to find user ghost: no matching entries in passwd file");
    EXPECT_EQ(error_of("root:ghosts"), "unable to find group ghosts: no matching entries in group file");
    EXPECT_EQ(error_of("2147483648"), "uids and gids must be in range 0-2147483647");
    EXPECT_EQ(must("2147483647").uid, 2147483647U);
}

TEST(Users, R10_no_odd_form_becomes_root) {
    for (const char* spec :
         {"2147483648", "4294967296", "4294967295", "18446744073709551616", "-1", "-0x0", "0x0", " 0", "0 ", "1e3",
          "0:4294967296", "0:-1", "0:0x0", "1000:2147483648", "zero", "negative", "huge", "broken", "root\n"})
        EXPECT_FALSE(find_user(spec, passwd, group).ok()) << spec;
}

TEST(Users, files_without_sense_are_no_users) {
    EXPECT_FALSE(find_user("a", ":::::\n\n\n:x:0:0\na\na:b\na:b:c\n", "").ok());
    EXPECT_TRUE(find_user("0", "", "").ok());
    EXPECT_EQ(find_home(0, ""), "/");
    EXPECT_EQ(find_home(1000, passwd), "/home/worker");
    EXPECT_EQ(find_home(9, passwd), "/");
}

TEST(Users, groups_by_name_or_number_each_once) {
    std::vector<std::string> names{"audio", "29", "123", "audio"};
    auto gids = find_groups(names, group);
    ASSERT_TRUE(gids.ok());
    EXPECT_THAT(*gids, ElementsAre(29, 123));
    std::vector<std::string> missing{"ghosts"};
    EXPECT_EQ(find_groups(missing, group).error().message(),
              "unable to find group ghosts: no matching entries in group file");
}

} // namespace
} // namespace hull::runtime
