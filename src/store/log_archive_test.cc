#include "store/log_archive.h"

#include <gtest/gtest.h>

#include "store/temp_root.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/tree.h"

namespace hull::store {
namespace {

class LogArchive : public testing::Test {
protected:
    void write(const std::string& name, std::string_view text) {
        ASSERT_TRUE(sys::replace_file(root.path() + "/" + name, text, 0640).ok());
    }
    bool exists(const std::string& name) { return sys::exists(root.path() + "/" + name); }
    TempRoot root;
};

TEST_F(LogArchive, WhatWasRotatedIsCompressedAndReadBack) {
    std::string path = root.path() + "/x.log";
    write("x.log", "now\n");
    write("x.log.1", std::string(300'000, 'a') + "\n");
    struct stat before = *sys::stat(path + ".1");
    ASSERT_TRUE(compress_rotated(path, 3).ok());
    EXPECT_TRUE(exists("x.log"));
    EXPECT_FALSE(exists("x.log.1"));
    auto log = open_compressed(path + ".1");
    ASSERT_TRUE(log.ok()) << log.error().message();
    EXPECT_EQ(log->inode, before.st_ino) << "who read the plain file must know it again";
    UniqueFd plain = MUST(expand(*log, path + ".1"));
    EXPECT_EQ(*sys::file_length(plain), 300'001U);
    EXPECT_LT(sys::stat(path + ".1.gz")->st_size, 3000);
}

TEST_F(LogArchive, NothingRotatedMeansNothingMade) {
    write("x.log", "now\n");
    ASSERT_TRUE(compress_rotated(root.path() + "/x.log", 5).ok());
    EXPECT_FALSE(exists("x.log.lock"));
    EXPECT_EQ(open_compressed(root.path() + "/x.log.1").error().kind(), ErrorKind::not_found);
}

TEST_F(LogArchive, ADamagedFileIsAnError) {
    write("x.log.1.gz", "no gzip at all");
    auto log = open_compressed(root.path() + "/x.log.1");
    ASSERT_TRUE(log.ok());
    EXPECT_FALSE(expand(*log, root.path() + "/x.log.1").ok());
}

} // namespace
} // namespace hull::store
