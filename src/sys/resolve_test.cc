#include "sys/resolve.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "sys/denied_calls.h"
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
    static struct stat stat_of(BorrowedFd fd) {
        struct stat info{};
        EXPECT_EQ(::fstat(fd.get(), &info), 0);
        return info;
    }
    int code_of(const std::string& path, int flags) {
        auto opened = open_beneath(root_, path, flags, Links::in_root, flags & O_CREAT ? 0644 : 0);
        return opened.ok() ? 0 : opened.error().code();
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

TEST_F(ResolveTest, opens_the_same_with_every_way_to_write_a_path) {
    ASSERT_TRUE(mkdir_parents(base_ + "/root/a/b", 0755).ok());
    ASSERT_TRUE(replace_file(base_ + "/root/a/b/file", "text", 0644).ok());
    link("a/b", "short");
    link("/a/b/file", "to-file");
    link("short/../../a", "round");
    for (const char* path : {"/a/b/file", "a//b/./file", "../short/file", "to-file", "/round/b/../b/file"}) {
        auto text = open_beneath(root_, path, O_RDONLY, Links::in_root);
        ASSERT_TRUE(text.ok()) << path << text.error().message();
        EXPECT_EQ(stat_of(*text).st_size, 4) << path;
    }
    for (const char* path : {"/", ".", "..", "/a/..", "short/../.."})
        EXPECT_EQ(stat_of(MUST(open_beneath(root_, path, O_PATH, Links::in_root))).st_ino, stat_of(root_).st_ino)
            << path;
    EXPECT_EQ(code_of("a/b/file/", O_RDONLY), ENOTDIR);
    EXPECT_EQ(code_of("a/b/file/x", O_RDONLY), ENOTDIR);
    EXPECT_EQ(code_of("a/none/x", O_RDONLY), ENOENT);
    EXPECT_EQ(code_of("", O_RDONLY), ENOENT);
    EXPECT_EQ(code_of("to-file", O_RDONLY | O_DIRECTORY), ENOTDIR);
    EXPECT_EQ(code_of("to-file", O_RDONLY | O_NOFOLLOW), ELOOP);
    EXPECT_EQ(code_of("a", O_RDONLY | O_CREAT | O_EXCL), EEXIST);
    EXPECT_EQ(code_of("short/", O_PATH | O_DIRECTORY), 0);
}

TEST_F(ResolveTest, a_link_itself_is_opened_by_nofollow_and_path) {
    link("inside", "link");
    for (Links links : {Links::in_root, Links::refused}) {
        auto fd = open_beneath(root_, "/link", O_PATH | O_NOFOLLOW, links);
        ASSERT_TRUE(fd.ok()) << fd.error().message();
        EXPECT_TRUE(S_ISLNK(stat_of(*fd).st_mode));
    }
    EXPECT_EQ(code_of("/link", O_PATH | O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
}

TEST_F(ResolveTest, links_of_processes_are_never_followed) {
    UniqueFd host = MUST(open("/", O_PATH | O_DIRECTORY));
    for (const char* path : {"/proc/self/exe", "/proc/self/root/etc", "/proc/self/cwd", "/proc/self/fd/0"}) {
        auto opened = open_beneath(host, path, O_PATH, Links::in_root);
        ASSERT_FALSE(opened.ok()) << path;
        EXPECT_EQ(opened.error().code(), ELOOP) << path;
    }
    EXPECT_TRUE(open_beneath(host, "/proc/self/status", O_RDONLY, Links::in_root).ok());
}

// R4: somebody swaps the folder on the way for a link that leads out, all the
// time; what is made must never be outside.
TEST_F(ResolveTest, R4_stays_inside_while_the_target_is_swapped) {
    constexpr int tries = 10000;
    ASSERT_TRUE(mkdir_parents(base_ + "/root/vol/dir/sub", 0755).ok());
    link("../../../../../../../.." + base_ + "/outside", "vol/link");
    pid_t swapper = ::fork();
    if (swapper == 0) {
        UniqueFd volume = MUST(open(base_ + "/root/vol", O_PATH | O_DIRECTORY));
        for (;;) ::renameat2(volume.get(), "dir", volume.get(), "link", RENAME_EXCHANGE);
    }
    int opened = 0;
    ino_t outside = MUST(stat(base_ + "/outside")).st_ino;
    for (int i = 0; i < tries; ++i) {
        auto fd = i % 3 == 0   ? make_folders_beneath(root_, "/vol/dir/sub/x" + std::to_string(i % 100), 0755)
                  : i % 3 == 1 ? make_file_beneath(root_, "/vol/dir/f" + std::to_string(i % 100), 0644)
                               : open_beneath(root_, "/vol/dir", O_PATH, Links::in_root);
        if (!fd.ok()) continue;
        ++opened;
        ASSERT_NE(stat_of(*fd).st_ino, outside);
    }
    ::kill(swapper, SIGKILL);
    ::waitpid(swapper, nullptr, 0);
    EXPECT_TRUE(outside_is_empty());
    EXPECT_GT(opened, tries / 10); // the honest use works beside it
}

// A folder that is moved out of the root while we stand in it, and back.
TEST_F(ResolveTest, R4_stays_inside_while_a_folder_is_moved_out) {
    constexpr int tries = 10000;
    ASSERT_TRUE(mkdir_parents(base_ + "/root/vol/dir/a/b", 0755).ok());
    pid_t mover = ::fork();
    if (mover == 0) {
        std::string inside = base_ + "/root/vol/dir", out = base_ + "/moved";
        for (;;) {
            ::rename(inside.c_str(), out.c_str());
            ::rename(out.c_str(), inside.c_str());
        }
    }
    ino_t base = MUST(stat(base_)).st_ino;
    int opened = 0;
    for (int i = 0; i < tries; ++i) {
        auto fd = open_beneath(root_, "/vol/dir/a/b/../../..", O_PATH, Links::in_root);
        if (!fd.ok()) continue;
        ++opened;
        ASSERT_NE(stat_of(*fd).st_ino, base); // the folder above, had it been moved in between
    }
    ::kill(mover, SIGKILL);
    ::waitpid(mover, nullptr, 0);
    EXPECT_GT(opened, tries / 100);
}

TEST(ResolveWithoutOpenat2, everything_above_holds_by_walking_too) {
    for (const char* calls : {"openat2", "openat2=EPERM", "openat2,statx,close_range"}) {
        auto passed = passes_without(calls, "ResolveTest.*");
        EXPECT_TRUE(passed.ok()) << passed.error().message();
    }
}

} // namespace
} // namespace hull::sys
