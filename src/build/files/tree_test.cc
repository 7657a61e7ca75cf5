#include "build/files/tree.h"

#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "store/temp_root.h"
#include "sys/file.h"

namespace hull::build {

namespace {

class WalkTest : public testing::Test {
protected:
    void make(const std::string& file) {
        const std::string path = root_.path() + "/" + file;
        ASSERT_TRUE(sys::mkdir_parents(path.substr(0, path.rfind('/')), 0755).ok());
        std::ofstream(path) << file;
    }
    FolderTree tree() { return FolderTree(MUST(sys::open(root_.path(), O_PATH | O_DIRECTORY))); }
    // All paths, folders that end with "-left" not entered.
    static Visit into(std::vector<std::string>& paths) {
        return [&paths](const std::string& path, const Node&) -> Result<bool> {
            paths.push_back(path);
            return !path.ends_with("-left");
        };
    }
    store::TempRoot root_;
};

TEST_F(WalkTest, reading_ahead_changes_nothing_of_the_order) {
    for (int folder = 0; folder < 40; ++folder)
        for (int file = 0; file < 30; ++file)
            make("d" + std::to_string(folder) + (folder % 7 == 0 ? "-left" : "") + "/s" + std::to_string(file % 3) +
                 "/f" + std::to_string(file));
    make("a");
    make("z/y/x/w");
    const FolderTree folder = tree();
    std::vector<std::string> one_by_one, ahead;
    ASSERT_TRUE(walk(folder, "", into(one_by_one)).ok());
    EXPECT_GT(one_by_one.size(), 1000u);
    for (int turn = 0; turn < 20; ++turn) {
        ahead.clear();
        ASSERT_TRUE(walk_ahead(folder, "", into(ahead)).ok());
        ASSERT_EQ(ahead, one_by_one);
    }
    ahead.clear();
    ASSERT_TRUE(walk_ahead(folder, "z", into(ahead)).ok());
    EXPECT_EQ(ahead, (std::vector<std::string>{"z", "z/y", "z/y/x", "z/y/x/w"}));
    ahead.clear();
    ASSERT_TRUE(walk_ahead(folder, "nothing", into(ahead)).ok());
    EXPECT_TRUE(ahead.empty());
}

TEST_F(WalkTest, an_error_of_the_visitor_ends_it) {
    for (int folder = 0; folder < 20; ++folder) make("d" + std::to_string(folder) + "/f");
    const FolderTree folder = tree();
    auto done = walk_ahead(folder, "", [](const std::string& path, const Node&) -> Result<bool> {
        if (path == "d3/f") return Error(ErrorKind::conflict, "enough");
        return true;
    });
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().message(), "enough");
}

TEST_F(WalkTest, a_change_is_a_new_version_whatever_the_time_says) {
    make("f");
    const FolderTree folder = tree();
    auto node = [&] { return *MUST(folder.look("f")); };
    const Node before = node();
    EXPECT_NE(before.version, 0u);
    EXPECT_EQ(node().version, before.version);
    EXPECT_EQ(MUST(folder.entries(""))[0].second.version, before.version);
    usleep(20'000); // times of files are some milliseconds apart on older kernels
    std::ofstream(root_.path() + "/f") << "F";
    const timespec times[2] = {{before.mtime, before.mtime_ns}, {before.mtime, before.mtime_ns}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (root_.path() + "/f").c_str(), times, 0), 0);
    const Node after = node();
    EXPECT_EQ(after.mtime_ns, before.mtime_ns);
    EXPECT_EQ(after.size, before.size);
    EXPECT_NE(after.version, before.version);
}

TEST_F(WalkTest, capabilities_are_seen) {
    make("plain");
    make("able");
    // VFS_CAP_REVISION_2 with cap_net_raw.
    const unsigned char value[20] = {1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    if (::setxattr((root_.path() + "/able").c_str(), "security.capability", value, sizeof value, 0) != 0) GTEST_SKIP();
    const FolderTree folder = tree();
    auto entries = MUST(folder.entries(""));
    ASSERT_EQ(entries.size(), 2u);
    ASSERT_EQ(entries[0].second.xattrs.size(), 1u);
    EXPECT_EQ(entries[0].second.xattrs[0].first, "security.capability");
    EXPECT_EQ(entries[0].second.xattrs[0].second.size(), sizeof value);
    EXPECT_TRUE(entries[1].second.xattrs.empty());
    EXPECT_EQ(MUST(folder.look("able"))->xattrs, entries[0].second.xattrs);
}

} // namespace

} // namespace hull::build
