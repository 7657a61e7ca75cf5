#include "store/tree_copy.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "store/extract.h"
#include "store/temp_root.h"
#include "store/tree_packer.h"
#include "store/unpack.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/file_copy.h"
#include "sys/tree.h"

namespace hull::store {
namespace {

class StringSource : public ByteSource {
public:
    explicit StringSource(std::string text) : text_(std::move(text)) {}
    Result<size_t> read(std::span<char> into) override {
        const size_t count = text_.copy(into.data(), into.size(), at_);
        at_ += count;
        return count;
    }

private:
    std::string text_;
    size_t at_ = 0;
};

class TreeCopyTest : public testing::Test {
protected:
    void SetUp() override {
        for (const char* name : {"/from", "/into"}) MUST(sys::mkdir(root_.path() + name, 0755));
        from_ = MUST(sys::open(root_.path() + "/from", O_RDONLY | O_DIRECTORY));
        into_ = MUST(sys::open(root_.path() + "/into", O_RDONLY | O_DIRECTORY));
        constexpr uint64_t far = 40u << 20;
        MUST(sys::change_mode(from_, 01770));
        MUST(sys::change_owner(from_, 7, 8));
        MUST(sys::set_xattr(from_, "user.top", "t"));
        UniqueFd file = MUST(sys::openat(from_, "file", O_WRONLY | O_CREAT, 0644));
        MUST(sys::write_all(file, "text"));
        MUST(sys::change_owner(file, 999, 998));
        MUST(sys::change_mode(file, 06755));
        MUST(sys::set_xattr(file, "user.color", "blue"));
        MUST(sys::set_mtime(file, {.seconds = 12345, .ns = 678}));
        MUST(sys::make_link_at(from_, "file", from_, "hard"));
        UniqueFd holes = MUST(sys::openat(from_, "holes", O_WRONLY | O_CREAT, 0600));
        MUST(sys::write_all_at(holes, "begin", 0));
        MUST(sys::write_all_at(holes, "end", far));
        MUST(sys::truncate(holes, 2 * far));
        UniqueFd hole = MUST(sys::openat(from_, "hole", O_WRONLY | O_CREAT, 0600));
        MUST(sys::truncate(hole, far));
        MUST(sys::make_symlink_at(from_, "link", "/etc/passwd"));
        MUST(sys::change_owner_at(from_, "link", 5, 6));
        MUST(sys::make_dir_at(from_, "folder", 0700));
        UniqueFd folder = MUST(sys::openat(from_, "folder", O_RDONLY | O_DIRECTORY));
        MUST(sys::make_link_at(from_, "file", folder, "deep"));
        MUST(sys::make_node_at(folder, "pipe", S_IFIFO | 0640, 0, 0));
        MUST(sys::make_node_at(folder, "device", S_IFCHR | 0666, 1, 3));
        MUST(sys::set_mtime(folder, {.seconds = 99, .ns = 5}));
    }

    void expect_the_same() {
        struct stat top = MUST(sys::stat_fd(into_));
        EXPECT_EQ(top.st_mode & 07777, 01770u);
        EXPECT_EQ(top.st_uid, 7u);
        EXPECT_EQ(MUST(sys::get_xattr_at(into_, ".", "user.top")), "t");
        struct stat file = MUST(sys::stat_at(into_, "file"));
        EXPECT_EQ(file.st_mode & 07777, 06755u);
        EXPECT_EQ(file.st_uid, 999u);
        EXPECT_EQ(file.st_gid, 998u);
        EXPECT_EQ(file.st_mtim.tv_sec, 12345);
        EXPECT_EQ(file.st_mtim.tv_nsec, 678);
        EXPECT_EQ(file.st_nlink, 3u);
        EXPECT_EQ(MUST(sys::read_file_at(into_, "folder/deep")), "text");
        EXPECT_EQ(MUST(sys::stat_at(into_, "hard")).st_ino, file.st_ino);
        EXPECT_EQ(MUST(sys::get_xattr_at(into_, "file", "user.color")), "blue");
        UniqueFd holes = MUST(sys::openat(into_, "holes", O_RDONLY));
        struct stat sparse = MUST(sys::stat_fd(holes));
        EXPECT_EQ(sparse.st_size, 80 << 20);
        EXPECT_LT(sparse.st_blocks * 512, 1 << 20);
        std::array<char, 3> end{};
        EXPECT_EQ(MUST(sys::read_at(holes, 40u << 20, end)), 3u);
        EXPECT_EQ(std::string_view(end.data(), 3), "end");
        EXPECT_EQ(MUST(sys::stat_at(into_, "hole")).st_size, 40 << 20);
        EXPECT_EQ(MUST(sys::stat_at(into_, "hole")).st_blocks, 0);
        EXPECT_EQ(MUST(sys::read_link_at(into_, "link")), "/etc/passwd");
        EXPECT_EQ(MUST(sys::stat_at(into_, "link")).st_uid, 5u);
        struct stat folder = MUST(sys::stat_at(into_, "folder"));
        EXPECT_EQ(folder.st_mtim.tv_sec, 99);
        EXPECT_EQ(folder.st_mtim.tv_nsec, 5);
        UniqueFd inner = MUST(sys::openat(into_, "folder", O_RDONLY | O_DIRECTORY));
        EXPECT_EQ(MUST(sys::stat_at(inner, "pipe")).st_mode, S_IFIFO | 0640u);
        EXPECT_EQ(MUST(sys::stat_at(inner, "device")).st_rdev, makedev(1, 3));
    }

    TempRoot root_;
    UniqueFd from_, into_;
};

TEST_F(TreeCopyTest, ACopyHasAllThatItsFilesHave) {
    auto copied = MUST(copy_whole_tree(from_, into_));
    EXPECT_EQ(copied.files, 9u);
    EXPECT_EQ(copied.bytes, 4u + (120u << 20));
    expect_the_same();
}

TEST_F(TreeCopyTest, AnArchiveOfEverythingGivesItBack) {
    struct Sink : ByteSink {
        std::string text;
        Result<void> write(std::string_view data) override {
            text += data;
            return {};
        }
    } sink;
    TreePacker packer(sink, {}, PackDetail::everything);
    MUST(pack_tree(packer, from_, ".", "./"));
    MUST(packer.finish());
    EXPECT_LT(sink.text.size(), 1u << 20); // holes take no room
    StringSource source(std::move(sink.text));
    ExtractOptions options;
    options.everything = true;
    MUST(extract_tar(source, into_, "/", options));
    expect_the_same();
}

TEST_F(TreeCopyTest, WhatBelongsToTheHostIsNotTakenFromAnArchive) {
    EXPECT_FALSE(belongs_to_layer("security.selinux"));
    EXPECT_FALSE(belongs_to_layer("trusted.overlay.opaque"));
    EXPECT_TRUE(belongs_to_layer("security.capability"));
    EXPECT_TRUE(belongs_to_layer("user.anything"));
}

TEST_F(TreeCopyTest, FoldersThatAreTooDeepAreRefused) {
    UniqueFd at = MUST(sys::openat(from_, ".", O_RDONLY | O_DIRECTORY));
    for (int depth = 0; depth < 600; ++depth) {
        MUST(sys::make_dir_at(at, "d", 0755));
        at = MUST(sys::openat(at, "d", O_RDONLY | O_DIRECTORY));
    }
    EXPECT_EQ(copy_whole_tree(from_, into_).error().kind(), ErrorKind::too_large);
}

} // namespace
} // namespace hull::store
