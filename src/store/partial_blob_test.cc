#include "store/partial_blob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/compress/sha256.h"
#include "store/blobs.h"
#include "store/temp_root.h"

namespace hull::store {
namespace {

class PartialBlobTest : public ::testing::Test {
protected:
    void SetUp() override { blobs = BlobStore::open(root.path()).value(); }
    std::unique_ptr<PartialBlob> open(uint64_t size) { return blobs->open_partial(digest, size).value(); }
    std::string file(const char* suffix = "") const { return root.path() + "/blobs/partial/" + digest.hex() + suffix; }
    TempRoot root;
    std::unique_ptr<BlobStore> blobs;
    Digest digest = Digest::from_sha256_hex(sha256_hex("0123456789"));
};

std::string text_of(const std::vector<PartialBlob::Range>& ranges) {
    std::string text;
    for (const auto& range : ranges) text += std::to_string(range.begin) + "-" + std::to_string(range.end) + " ";
    return text;
}

TEST_F(PartialBlobTest, TakesItsBytesInAnyOrderAndBecomesABlob) {
    auto partial = open(10);
    EXPECT_EQ(text_of(partial->missing()), "0-10 ");
    ASSERT_TRUE(partial->write(6, "67").ok());
    ASSERT_TRUE(partial->write(0, "012").ok());
    EXPECT_EQ(text_of(partial->missing()), "3-6 8-10 ");
    EXPECT_EQ(partial->whole_until(0), 3U);
    EXPECT_EQ(partial->whole_until(4), 4U);
    ASSERT_TRUE(partial->write(2, "23456789").ok());
    EXPECT_EQ(partial->present(), 10U);
    EXPECT_THAT(partial->missing(), ::testing::IsEmpty());
    ASSERT_TRUE(partial->keep().ok());
    partial.reset();
    EXPECT_EQ(blobs->get(digest).value(), "0123456789");
    EXPECT_FALSE(sys::exists(file(".have")));
}

TEST_F(PartialBlobTest, RefusesMoreThanItsSize) {
    auto partial = open(10);
    EXPECT_EQ(partial->write(9, "ab").error().kind(), ErrorKind::too_large);
    EXPECT_EQ(partial->write(11, "a").error().kind(), ErrorKind::too_large);
}

TEST_F(PartialBlobTest, GoesOnWhereItWas) {
    ASSERT_TRUE(open(10)->write(2, "234").ok());
    blobs = BlobStore::open(root.path()).value(); // a restart
    auto partial = open(10);
    EXPECT_EQ(text_of(partial->missing()), "0-2 5-10 ");
    char buffer[8];
    EXPECT_EQ(partial->read(2, buffer).value(), 3U);
    EXPECT_EQ(std::string(buffer, 3), "234");
}

TEST_F(PartialBlobTest, DoesNotTrustItsListBeyondTheFile) {
    ASSERT_TRUE(open(10)->write(0, "012").ok());
    ASSERT_TRUE(sys::replace_file(file(".have"), "0 3\n1 9\n8 4\nx y\n5 99\n", 0600).ok());
    EXPECT_EQ(text_of(open(10)->missing()), "3-10 ");
}

TEST_F(PartialBlobTest, LeavesNoFileWhenNothingCame) {
    open(10).reset();
    EXPECT_FALSE(sys::exists(file()));
    auto partial = open(10);
    ASSERT_TRUE(partial->write(0, "012").ok());
    ASSERT_TRUE(partial->forget().ok());
    EXPECT_EQ(text_of(partial->missing()), "0-10 ");
    partial.reset();
    EXPECT_FALSE(sys::exists(file()));
}

TEST_F(PartialBlobTest, IsForgottenWhenNobodyComesBack) {
    ASSERT_TRUE(open(10)->write(0, "012").ok());
    ASSERT_TRUE(blobs->remove_partials_older_than(3600'000'000'000).ok());
    EXPECT_TRUE(sys::exists(file()));
    ASSERT_TRUE(blobs->remove_partials_older_than(0).ok());
    EXPECT_FALSE(sys::exists(file()));
}

} // namespace
} // namespace hull::store
