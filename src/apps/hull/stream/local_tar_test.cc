#include "apps/hull/stream/local_tar.h"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <stdlib.h>

#include <gtest/gtest.h>

#include "sys/file.h"

namespace hull::cli {
namespace {

namespace fs = std::filesystem;

class LocalTarTest : public testing::Test {
protected:
    LocalTarTest() {
        char name[] = "/tmp/local-tar-XXXXXX";
        root_ = ::mkdtemp(name);
    }
    ~LocalTarTest() override { fs::remove_all(root_); }

    static std::string pack(const std::vector<std::pair<tar::Entry, std::string>>& entries) {
        TextSink out;
        tar::Writer writer(out);
        for (auto [entry, data] : entries) {
            entry.size = data.size();
            MUST(writer.add(entry));
            MUST(writer.data(data));
        }
        MUST(writer.finish());
        return out.take();
    }
    static tar::Entry entry(std::string path, tar::Type type = tar::Type::file, std::string target = {}) {
        tar::Entry out;
        out.path = std::move(path);
        out.type = type;
        out.mode = type == tar::Type::directory ? 0755 : 0644;
        out.link_target = std::move(target);
        return out;
    }
    Result<uint64_t> extract(const std::string& packed, const std::string& top) {
        fs::create_directories(root_ / "into");
        TextSource source(packed);
        UniqueFd folder = MUST(sys::open((root_ / "into").string(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        return extract_tar(source, folder, top, Owners::ours);
    }
    static std::string read(const fs::path& path) { return MUST(sys::read_file(path.string())); }

    fs::path root_;
};

TEST_F(LocalTarTest, ATreeComesBackUnderAnotherName) {
    fs::create_directories(root_ / "from/deep");
    std::ofstream(root_ / "from/deep/file") << std::string(300'000, 'x');
    fs::create_symlink("deep/file", root_ / "from/link");
    LocalTar tar((root_ / "from").string(), "top");
    std::string packed(4096, '\0'), all;
    while (size_t n = MUST(tar.read(packed))) all.append(packed, 0, n);
    EXPECT_EQ(tar.bytes(), all.size());
    ASSERT_TRUE(extract(all, "renamed").ok());
    EXPECT_EQ(read(root_ / "into/renamed/deep/file"), std::string(300'000, 'x'));
    EXPECT_EQ(fs::read_symlink(root_ / "into/renamed/link"), "deep/file");
}

TEST_F(LocalTarTest, ContentsOfAFolderHaveNoTop) {
    const std::string packed = pack({{entry("./", tar::Type::directory), ""}, {entry("./a"), "1"}});
    ASSERT_TRUE(extract(packed, ".").ok());
    EXPECT_EQ(read(root_ / "into/a"), "1");
}

TEST_F(LocalTarTest, NothingLeavesTheFolder) {
    std::ofstream(root_ / "victim") << "whole";
    for (const char* path : {"top/../../victim", "../victim", "top/x/../../../victim"})
        EXPECT_FALSE(extract(pack({{entry(path), "evil"}}), "top").ok()) << path;
    // Through a link that the archive makes, by the name of a link, by a hard link.
    EXPECT_FALSE(
        extract(pack({{entry("t/out", tar::Type::symlink, "../.."), ""}, {entry("t/out/victim"), "evil"}}), ".").ok());
    EXPECT_TRUE(
        extract(pack({{entry("t/l", tar::Type::symlink, root_ / "victim"), ""}, {entry("t/l"), "new"}}), ".").ok());
    EXPECT_EQ(read(root_ / "into/l"), "new");
    EXPECT_FALSE(extract(pack({{entry("t/h", tar::Type::hard_link, "t/../../victim"), ""}}), ".").ok());
    EXPECT_EQ(read(root_ / "victim"), "whole");
}

TEST_F(LocalTarTest, FoldersAndFilesDontTakeEachOthersPlace) {
    fs::create_directories(root_ / "into/a");
    EXPECT_EQ(extract(pack({{entry("a"), "x"}}), "a").error().kind(), ErrorKind::conflict);
    std::ofstream(root_ / "into/b") << "x";
    EXPECT_EQ(extract(pack({{entry("b", tar::Type::directory), ""}}), "b").error().kind(), ErrorKind::conflict);
}

} // namespace
} // namespace hull::cli
