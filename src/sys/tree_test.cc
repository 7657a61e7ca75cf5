#include "sys/tree.h"

#include <cstdlib>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sys/file.h"

namespace hull::sys {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

class Tree : public ::testing::Test {
protected:
    Tree() {
        std::string name = ::testing::TempDir() + "/hull-tree-XXXXXX";
        if (!mkdtemp(name.data())) std::abort();
        path = name;
        dir = open(path, O_RDONLY | O_DIRECTORY).value();
    }
    ~Tree() override { EXPECT_TRUE(remove_tree(path).ok()); }
    std::string path;
    UniqueFd dir;
};

TEST_F(Tree, LinksAreChangedThemselvesAndNeverWhatTheyPointTo) {
    ASSERT_TRUE(replace_file(path + "/target", "x", 0600).ok());
    ASSERT_TRUE(set_mtime_at(dir, "target", {1000, 5}).ok());
    ASSERT_TRUE(make_symlink_at(dir, "link", "target").ok());
    ASSERT_TRUE(change_owner_at(dir, "link", 12, 34).ok());
    ASSERT_TRUE(set_mtime_at(dir, "link", {2000, 0}).ok());
    ASSERT_TRUE(set_xattr_at(dir, "link", "trusted.t", "v").ok());
    EXPECT_EQ(stat_at(dir, "link")->st_uid, 12U);
    EXPECT_EQ(stat_at(dir, "link")->st_mtim.tv_sec, 2000);
    EXPECT_EQ(stat_at(dir, "target")->st_uid, 0U);
    EXPECT_EQ(stat_at(dir, "target")->st_mtim.tv_nsec, 5);
    EXPECT_THAT(get_xattr_at(dir, "link", "trusted.t").value(), Optional(std::string("v")));
    EXPECT_EQ(get_xattr_at(dir, "target", "trusted.t").value(), std::nullopt);
    EXPECT_FALSE(change_mode_at(dir, "link", 0777).ok());
    EXPECT_EQ(stat_at(dir, "target")->st_mode & 07777, 0600U);
}

TEST_F(Tree, ATreeIsRemovedWithoutFollowingLinks) {
    ASSERT_TRUE(mkdir_parents(path + "/d/e", 0700).ok());
    ASSERT_TRUE(mkdir(path + "/kept", 0700).ok());
    ASSERT_TRUE(replace_file(path + "/kept/f", "x", 0600).ok());
    UniqueFd d = open(path + "/d", O_RDONLY | O_DIRECTORY).value();
    ASSERT_TRUE(make_symlink_at(d, "out", "../kept").ok());
    ASSERT_TRUE(make_node_at(d, "whiteout", S_IFCHR, 0, 0).ok());
    EXPECT_THAT(names_in(d).value(), ElementsAre("e", "out", "whiteout"));
    ASSERT_TRUE(remove_tree_at(dir, "d").ok());
    ASSERT_TRUE(remove_tree_at(dir, "d").ok()); // missing is fine
    EXPECT_THAT(names_in(dir).value(), ElementsAre("kept"));
    EXPECT_TRUE(exists(path + "/kept/f"));
}

TEST_F(Tree, ALockIsHeldUntilItsDescriptorIsClosed) {
    UniqueFd first = lock_file(path + "/lock").value();
    EXPECT_EQ(lock_file(path + "/lock").error().kind(), ErrorKind::conflict);
    first.reset();
    EXPECT_TRUE(lock_file(path + "/lock").ok());
}

} // namespace
} // namespace hull::sys
