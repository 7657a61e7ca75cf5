#include "store/container_dirs.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/random.h"

namespace hull::store {
namespace {

namespace fs = std::filesystem;

class ContainerDirsTest : public testing::Test {
protected:
    void SetUp() override {
        root_ = fs::temp_directory_path() / ("hull-dirs-" + random_hex(8));
        fs::create_directories(root_);
        dirs_ = MUST(ContainerDirs::open(root_));
    }
    void TearDown() override { fs::remove_all(root_); }

    fs::path root_;
    std::unique_ptr<ContainerDirs> dirs_;
    ContainerId id_{random_id()};
};

TEST_F(ContainerDirsTest, MakesTheFoldersOfAContainer) {
    ASSERT_TRUE(dirs_->create(id_, {"v1"}).ok());
    for (const char* part : {"/upper", "/work", "/volumes/v1"})
        EXPECT_TRUE(fs::is_directory(dirs_->path(id_) + part)) << part;
    EXPECT_EQ(MUST(dirs_->list()).size(), 1U);
    EXPECT_EQ(dirs_->create(id_, {}).error().kind(), ErrorKind::conflict);
}

TEST_F(ContainerDirsTest, LeavesNothingWhenAFolderCannotBeMade) {
    EXPECT_FALSE(dirs_->create(id_, {"no/such"}).ok());
    EXPECT_FALSE(fs::exists(dirs_->path(id_)));
}

TEST_F(ContainerDirsTest, RemovedFoldersAreGoneAtOnceAndDeletedLater) {
    ASSERT_TRUE(dirs_->create(id_, {}).ok());
    ASSERT_TRUE(dirs_->remove(id_).ok());
    EXPECT_FALSE(fs::exists(dirs_->path(id_)));
    EXPECT_TRUE(dirs_->remove(id_).ok());
    std::atomic<bool> stop = true;
    EXPECT_EQ(dirs_->empty_trash(&stop).error().kind(), ErrorKind::cancelled);
    ASSERT_TRUE(dirs_->empty_trash().ok());
    EXPECT_TRUE(fs::is_empty(root_ / "containers/.trash"));
}

TEST_F(ContainerDirsTest, RenewsTheWorkFolder) {
    ASSERT_TRUE(dirs_->create(id_, {}).ok());
    fs::create_directories(dirs_->path(id_) + "/work/work/incompat/volatile");
    ASSERT_TRUE(dirs_->renew_work(id_).ok());
    EXPECT_TRUE(fs::is_empty(dirs_->path(id_) + "/work"));
}

TEST_F(ContainerDirsTest, CountsTheBytesOfTheWritableLayer) {
    ASSERT_TRUE(dirs_->create(id_, {}).ok());
    std::ofstream(dirs_->path(id_) + "/upper/file") << "12345";
    EXPECT_EQ(MUST(dirs_->writable_size(id_)), 5);
}

} // namespace
} // namespace hull::store
