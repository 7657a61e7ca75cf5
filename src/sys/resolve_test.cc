#include "sys/resolve.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "sys/file.h"

namespace hull::sys {
namespace {

class ResolveTest : public testing::Test {
protected:
    void SetUp() override {
        base_ = "/tmp/hull-resolve-" + random_hex(8);
        ASSERT_TRUE(mkdir_parents(base_ + "/root/inside", 0755).ok());
        ASSERT_TRUE(mkdir(base_ + "/outside", 0755).ok());
        root_ = MUST(open(base_ + "/root", O_PATH | O_DIRECTORY));
    }
    void TearDown() override { ASSERT_TRUE(remove_tree(base_).ok()); }
    void link(const std::string& target, const std::string& name) {
        ASSERT_EQ(::symlink(target.c_str(), (base_ + "/root/" + name).c_str()), 0);
    }
    bool outside_is_empty() { return list_dir(base_ + "/outside")->empty(); }
    std::string base_;
    UniqueFd root_;
};

TEST_F(ResolveTest, links_stay_inside_the_root) {
    link("../../../../.." + base_ + "/outside", "up");
    link("/inside", "absolute");
    EXPECT_TRUE(open_beneath(root_, "/absolute", O_PATH | O_DIRECTORY, Links::in_root).ok());
    EXPECT_FALSE(open_beneath(root_, "/up", O_PATH, Links::in_root).ok());
    EXPECT_TRUE(open_beneath(root_, "../../inside", O_PATH, Links::in_root).ok());
    auto refused = open_beneath(root_, "/absolute", O_PATH, Links::refused);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), ELOOP);
}

TEST_F(ResolveTest, what_is_missing_is_made_inside) {
    link("../../.." + base_ + "/outside/new", "up");
    link("nowhere/deep", "dangling");
    EXPECT_TRUE(make_folders_beneath(root_, "/a/b/c", 0755).ok());
    EXPECT_TRUE(exists(base_ + "/root/a/b/c"));
    EXPECT_TRUE(make_folders_beneath(root_, "/up", 0755).ok());
    EXPECT_TRUE(make_folders_beneath(root_, "/dangling/x", 0755).ok());
    EXPECT_TRUE(exists(base_ + "/root/nowhere/deep/x"));
    EXPECT_TRUE(make_file_beneath(root_, "/etc/hosts", 0644).ok());
    EXPECT_TRUE(S_ISREG(stat(base_ + "/root/etc/hosts")->st_mode));
    EXPECT_TRUE(outside_is_empty());
}

TEST_F(ResolveTest, a_file_through_a_dangling_link_is_made_inside) {
    link(base_ + "/outside/file", "link");
    EXPECT_TRUE(make_file_beneath(root_, "/link", 0644).ok());
    EXPECT_TRUE(outside_is_empty());
    EXPECT_TRUE(exists(base_ + "/root" + base_ + "/outside/file"));
}

TEST_F(ResolveTest, circles_and_files_in_the_way_are_errors) {
    link("two", "one");
    link("one", "two");
    EXPECT_FALSE(make_folders_beneath(root_, "/one/x", 0755).ok());
    ASSERT_TRUE(make_file_beneath(root_, "/file", 0644).ok());
    EXPECT_FALSE(make_folders_beneath(root_, "/file/x", 0755).ok());
}

} // namespace
} // namespace hull::sys
