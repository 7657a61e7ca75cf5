#include "store/volume_seed.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/random.h"
#include "sys/file.h"
#include "sys/tree.h"

namespace hull::store {
namespace {

namespace fs = std::filesystem;

class VolumeSeedTest : public testing::Test {
protected:
    void SetUp() override {
        root_ = fs::temp_directory_path() / ("hull-seed-" + random_hex(8));
        fs::create_directories(root_ / "top/data");
        fs::create_directories(root_ / "low/data/sub");
        fs::create_directories(root_ / "volume");
    }
    void TearDown() override { fs::remove_all(root_); }

    void write(const std::string& path, const std::string& text) { std::ofstream(root_ / path) << text; }
    std::string read(const std::string& path) {
        std::ifstream file(root_ / path);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void whiteout(const std::string& folder, const std::string& name) {
        UniqueFd dir = MUST(sys::open((root_ / folder).string(), O_RDONLY | O_DIRECTORY));
        ASSERT_TRUE(sys::make_node_at(dir, name, S_IFCHR, 0, 0).ok());
    }
    Result<void> seed() {
        return seed_volume({(root_ / "top").string(), (root_ / "low").string()}, "/data", (root_ / "volume").string());
    }
    std::vector<std::string> names(const std::string& path) {
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator(root_ / path)) found.push_back(entry.path().filename());
        return found;
    }

    fs::path root_;
};

TEST_F(VolumeSeedTest, MergesLayersAsOverlayShowsThem) {
    write("low/data/both", "old");
    write("top/data/both", "new");
    write("low/data/gone", "x");
    whiteout("top/data", "gone");
    write("low/data/sub/deep", "deep");
    fs::create_symlink("both", root_ / "low/data/link");
    ASSERT_TRUE(seed().ok());
    EXPECT_THAT(names("volume"), testing::UnorderedElementsAre("both", "sub", "link"));
    EXPECT_EQ(read("volume/both"), "new");
    EXPECT_EQ(read("volume/sub/deep"), "deep");
    EXPECT_EQ(fs::read_symlink(root_ / "volume/link"), "both");
}

TEST_F(VolumeSeedTest, KeepsOwnersModesAndTimes) {
    write("low/data/tool", "x");
    fs::path tool = root_ / "low/data/tool";
    ASSERT_EQ(::chown(tool.c_str(), 33, 44), 0);
    ASSERT_EQ(::chmod(tool.c_str(), 04755), 0);
    ASSERT_EQ(::chown((root_ / "top/data").c_str(), 70, 71), 0);
    ASSERT_EQ(::chmod((root_ / "top/data").c_str(), 0700), 0);
    ASSERT_TRUE(seed().ok());
    struct stat st = MUST(sys::stat((root_ / "volume/tool").string()));
    EXPECT_EQ(st.st_uid, 33U);
    EXPECT_EQ(st.st_gid, 44U);
    EXPECT_EQ(st.st_mode & 07777, 04755U);
    EXPECT_EQ(st.st_mtim.tv_sec, MUST(sys::stat(tool.string())).st_mtim.tv_sec);
    struct stat top = MUST(sys::stat((root_ / "volume").string()));
    EXPECT_EQ(top.st_uid, 70U);
    EXPECT_EQ(top.st_mode & 07777, 0700U);
}

TEST_F(VolumeSeedTest, AnOpaqueFolderHidesTheLayersBelow) {
    write("low/data/hidden", "x");
    write("top/data/shown", "y");
    UniqueFd dir = MUST(sys::open((root_ / "top/data").string(), O_RDONLY | O_DIRECTORY));
    ASSERT_TRUE(sys::set_xattr(dir, "trusted.overlay.opaque", "y").ok());
    ASSERT_TRUE(seed().ok());
    EXPECT_THAT(names("volume"), testing::ElementsAre("shown"));
}

TEST_F(VolumeSeedTest, AWhiteoutOfTheFolderHidesIt) {
    write("low/data/hidden", "x");
    fs::remove_all(root_ / "top/data");
    whiteout("top", "data");
    ASSERT_TRUE(seed().ok());
    EXPECT_TRUE(names("volume").empty());
}

TEST_F(VolumeSeedTest, NothingThereIsFine) {
    fs::remove_all(root_ / "top/data");
    fs::remove_all(root_ / "low/data");
    EXPECT_TRUE(seed().ok());
}

TEST_F(VolumeSeedTest, LinksDontLeadOutOfALayer) {
    fs::create_directories(root_ / "outside");
    write("outside/secret", "x");
    fs::remove_all(root_ / "top/data");
    fs::remove_all(root_ / "low/data");
    fs::create_directory_symlink(root_ / "outside", root_ / "top/data");
    ASSERT_TRUE(seed().ok());
    EXPECT_TRUE(names("volume").empty());
}

} // namespace
} // namespace hull::store
