#include "apps/hull/building/send_folder.h"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <stdlib.h>

#include <gtest/gtest.h>

#include "sys/file.h"

namespace hull::cli {
namespace {

namespace fs = std::filesystem;

class SendFolderTest : public testing::Test {
protected:
    SendFolderTest() {
        char name[] = "/tmp/send-folder-XXXXXX";
        root_ = ::mkdtemp(name);
    }
    ~SendFolderTest() override { fs::remove_all(root_); }
    void file(const std::string& path) {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << path;
    }
    std::vector<std::string> wanted(WantedFiles files) {
        build::FolderTree tree(MUST(sys::open(root_.string(), O_PATH | O_DIRECTORY)));
        std::vector<std::string> paths;
        const std::vector<FolderItem> items = MUST(list_wanted(tree, files));
        for (const FolderItem& item : items) paths.push_back(item.path);
        return paths;
    }
    fs::path root_;
};

using Paths = std::vector<std::string>;

TEST_F(SendFolderTest, without_a_wish_everything_is_wanted) {
    file("a/b");
    file("c");
    EXPECT_EQ(wanted({}), (Paths{"a", "a/b", "c"}));
}

TEST_F(SendFolderTest, only_what_is_named_with_its_folders) {
    file("a/b/c");
    file("a/d");
    file("a-x/y");
    file("e");
    EXPECT_EQ(wanted({.include = {"a/b"}}), (Paths{"a", "a/b", "a/b/c"}));
    EXPECT_EQ(wanted({.follow = {"a"}}), (Paths{"a", "a/b", "a/b/c", "a/d"}));
    EXPECT_EQ(wanted({.include = {"*"}, .exclude = {"a"}}), (Paths{"a-x", "a-x/y", "e"}));
    EXPECT_EQ(wanted({.follow = {"nothing"}}), Paths{});
}

TEST_F(SendFolderTest, what_is_taken_back_comes_with_its_folders) {
    file("a/b/c");
    file("a/b/d");
    EXPECT_EQ(wanted({.exclude = {"**", "!a/b/c"}}), (Paths{"a", "a/b", "a/b/c"}));
}

TEST_F(SendFolderTest, links_are_followed_within_the_folder) {
    file("real/f");
    file("other");
    fs::create_symlink("real", root_ / "link");
    fs::create_symlink("/real/f", root_ / "absolute");
    fs::create_symlink("../../other", root_ / "real/up");
    fs::create_symlink("turn", root_ / "turn");
    EXPECT_EQ(wanted({.follow = {"link/f"}}), (Paths{"link", "real", "real/f"}));
    EXPECT_EQ(wanted({.follow = {"abs*"}}), (Paths{"absolute", "real", "real/f"}));
    EXPECT_EQ(wanted({.follow = {"link/up"}}), (Paths{"link", "other", "real", "real/up"}));
    EXPECT_EQ(wanted({.follow = {"turn/x"}}), (Paths{"turn"}));
}

} // namespace
} // namespace hull::cli
