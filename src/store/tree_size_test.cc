#include "store/tree_size.h"

#include <string>

#include <gtest/gtest.h>

#include <fcntl.h>

#include "store/temp_root.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/tree.h"

namespace hull::store {
namespace {

class TreeSizeTest : public testing::Test {
protected:
    void SetUp() override {
        MUST(sys::mkdir_parents(root_.path() + "/a/b", 0755));
        write("/a/one", 100);
        write("/a/b/two", 1000);
        UniqueFd dir = MUST(sys::open(root_.path() + "/a", O_RDONLY | O_DIRECTORY));
        MUST(sys::make_link_at(dir, "one", dir, "again"));
        MUST(sys::make_symlink_at(dir, "link", "/usr"));
    }
    void write(const std::string& path, uint64_t length) {
        UniqueFd file = MUST(sys::open(root_.path() + path, O_WRONLY | O_CREAT, 0644));
        MUST(sys::truncate(file, length));
    }
    TempRoot root_;
};

TEST_F(TreeSizeTest, CountsFilesOnceAndFollowsNothing) {
    auto size = MUST(measure_tree(root_.path()));
    EXPECT_EQ(size.bytes, 1100);
    EXPECT_EQ(size.entries, 6u);
    EXPECT_EQ(MUST(measure_tree(root_.path() + "/nowhere")).bytes, 0);
}

TEST_F(TreeSizeTest, WhatIsQuicklyWalkedIsWalkedAgain) {
    TreeSizes sizes;
    EXPECT_EQ(MUST(sizes.bytes(root_.path())), 1100);
    write("/a/three", 10);
    // At most 20 times as long as the walk took.
    for (int tries = 0; MUST(sizes.bytes(root_.path())) != 1110; ++tries) ASSERT_LT(tries, 1'000'000);
    sizes.forget(root_.path());
    EXPECT_EQ(MUST(sizes.bytes(root_.path())), 1110);
}

} // namespace
} // namespace hull::store
