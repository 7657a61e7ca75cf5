#include "store/blobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/compress/sha256.h"
#include "store/temp_root.h"

namespace hull::store {
namespace {

class BlobsTest : public ::testing::Test {
protected:
    void SetUp() override { blobs = BlobStore::open(root.path()).value(); }
    TempRoot root;
    std::unique_ptr<BlobStore> blobs;
};

TEST_F(BlobsTest, AreNamedByTheirContent) {
    Digest digest = blobs->put("hello").value();
    EXPECT_EQ(digest.hex(), sha256_hex("hello"));
    EXPECT_EQ(blobs->put("hello").value(), digest);
    EXPECT_EQ(blobs->get(digest).value(), "hello");
    EXPECT_TRUE(blobs->contains(digest));
    EXPECT_EQ(blobs->list()->size(), 1U);
    EXPECT_EQ(blobs->get(digest, 3).error().kind(), ErrorKind::too_large);
    EXPECT_TRUE(blobs->remove(digest).ok());
    EXPECT_TRUE(blobs->remove(digest).ok());
    EXPECT_EQ(blobs->get(digest).error().kind(), ErrorKind::not_found);
}

TEST_F(BlobsTest, ThatDoNotMatchAreNotStored) { // hardening.md I4
    TextSource wrong("hello");
    auto refused = blobs->put_stream(wrong, Digest::from_sha256_hex(sha256_hex("other")), 100);
    EXPECT_EQ(refused.error().kind(), ErrorKind::corrupt);
    TextSource large("hello");
    EXPECT_EQ(blobs->put_stream(large, std::nullopt, 4).error().kind(), ErrorKind::too_large);
    EXPECT_TRUE(blobs->list()->empty());
    EXPECT_THAT(sys::list_dir(root.path() + "/blobs/tmp").value(), ::testing::IsEmpty());
    TextSource right("hello");
    EXPECT_EQ(blobs->put_stream(right, Digest::from_sha256_hex(sha256_hex("hello")), 5)->size, 5U);
}

TEST_F(BlobsTest, ThatWereDamagedOnDiskAreNoticed) {
    Digest digest = blobs->put("hello").value();
    ASSERT_TRUE(sys::write_existing(root.path() + "/blobs/sha256/" + digest.hex(), "HELLO").ok());
    EXPECT_EQ(blobs->get(digest).error().kind(), ErrorKind::corrupt);
}

TEST_F(BlobsTest, LeftHalfWrittenByACrashAreRemoved) {
    ASSERT_TRUE(sys::replace_file(root.path() + "/blobs/tmp/half", "x", 0600).ok());
    blobs = BlobStore::open(root.path()).value();
    EXPECT_THAT(sys::list_dir(root.path() + "/blobs/tmp").value(), ::testing::IsEmpty());
}

} // namespace
} // namespace hull::store
