#include "kernel/subordinate_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::kernel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* subuid = "ann:100000:65536\n"
                               "1001:200000:10\n"
                               "ann:300000:5\n"
                               "annabel:400000:65536\n"
                               "ann:bad:1\n"
                               "ann:1\n";

TEST(SubordinateIds, are_found_by_name_and_by_number) {
    EXPECT_THAT(parse_subordinate(subuid, "ann", 1000),
                ElementsAre(SubordinateRange{100000, 65536}, SubordinateRange{300000, 5}));
    EXPECT_THAT(parse_subordinate(subuid, "bob", 1001), ElementsAre(SubordinateRange{200000, 10}));
    EXPECT_TRUE(parse_subordinate(subuid, "", 4).empty());
    EXPECT_TRUE(parse_subordinate("", "ann", 1000).empty());
}

TEST(SubordinateIds, the_name_of_a_user_comes_from_passwd) {
    constexpr const char* passwd = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";
    EXPECT_EQ(name_of_user(passwd, 1000), "ann");
    EXPECT_EQ(name_of_user(passwd, 1), "");
    EXPECT_EQ(name_of_user("", 0), "");
}

TEST(SubordinateIds, a_covered_map_lacks_nothing) {
    std::vector<IdMapping> map{{0, 1000, 1}, {1, 100000, 65536}, {70000, 300001, 4}};
    EXPECT_EQ(missing_subordinate(IdKind::user, map, subuid, "ann", 1000, 1000), "");
}

TEST(SubordinateIds, a_missing_entry_is_named_with_the_remedy) {
    std::vector<IdMapping> map{{0, 1005, 1}, {1, 500000, 65536}};
    EXPECT_THAT(missing_subordinate(IdKind::user, map, subuid, "bob", 1005, 1005),
                testing::AllOf(HasSubstr("/etc/subuid has no entry for bob"),
                               HasSubstr("usermod --add-subuids 500000-565535 bob")));
    EXPECT_THAT(missing_subordinate(IdKind::group, map, "", "", 1005, 1005),
                testing::AllOf(HasSubstr("/etc/subgid has no entry for 1005"), HasSubstr("--add-subgids")));
}

TEST(SubordinateIds, a_map_beyond_the_entries_says_which_ids) {
    std::vector<IdMapping> map{{1, 100000, 65537}};
    EXPECT_EQ(missing_subordinate(IdKind::user, map, subuid, "ann", 1000, 1000),
              "uid 100000-165536 of the host is not ann's: /etc/subuid gives it 100000-165535, 300000-300004");
    // Somebody else's own id isn't ours.
    std::vector<IdMapping> other{{0, 1001, 1}};
    EXPECT_THAT(missing_subordinate(IdKind::user, other, subuid, "ann", 1000, 1000), HasSubstr("uid 1001 of the host"));
}

TEST(SubordinateIds, the_program_gets_the_pid_and_triples) {
    std::vector<IdMapping> map{{0, 1000, 1}, {1, 100000, 65536}};
    EXPECT_THAT(map_program_args(IdKind::group, 7, map),
                ElementsAre("newgidmap", "7", "0", "1000", "1", "1", "100000", "65536"));
}

} // namespace
} // namespace hull::kernel
