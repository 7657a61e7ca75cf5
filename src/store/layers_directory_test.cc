#include "store/layers_directory.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/layers_contract.h"
#include "sys/tree.h"

namespace hull::store {

namespace {

Result<std::unique_ptr<LayerStore>> open_directory(const std::string& data_root, Records& records) {
    auto store = TRY(DirectoryLayers::open(data_root, records));
    return std::unique_ptr<LayerStore>(std::move(store));
}

} // namespace

INSTANTIATE_TEST_SUITE_P(Directory, LayerContract, ::testing::Values(&open_directory));

namespace {

class DirectoryLayersTest : public ::testing::Test {
protected:
    void open() {
        store.reset();
        records.reset();
        records = Records::open(root.path() + "/hull.db").value();
        store = DirectoryLayers::open(root.path(), *records).value();
    }
    Result<Layer> add(const std::vector<TarItem>& items, const std::optional<Digest>& parent = std::nullopt) {
        std::string tar = make_tar(items);
        TextSource source(tar);
        auto staged = TRY(store->stage(source, {}));
        return store->commit(std::move(staged), parent);
    }
    TempRoot root;
    std::unique_ptr<Records> records;
    std::unique_ptr<DirectoryLayers> store;
};

TEST_F(DirectoryLayersTest, WhatACrashLeftIsRemovedAtTheStart) {
    open();
    auto kept = add({tar_file("f", "x")});
    const std::string layers = root.path() + "/layers/";
    const std::string orphan = layers + std::string(64, 'e');
    ASSERT_TRUE(sys::mkdir_parents(orphan + "/fs", 0755).ok());
    ASSERT_TRUE(sys::mkdir_parents(layers + "tmp/1234/fs/d", 0755).ok());
    auto lost = add({tar_file("g", "y")});
    ASSERT_TRUE(sys::remove_tree(layers + lost->chain_id.hex()).ok());
    open();
    EXPECT_TRUE(store->get(kept->chain_id).ok());
    EXPECT_FALSE(store->get(lost->chain_id).ok());
    EXPECT_FALSE(sys::exists(orphan));
    EXPECT_THAT(sys::list_dir(layers + "tmp").value(), ::testing::IsEmpty());
    open(); // and it stays so
    EXPECT_THAT(store->list(), ::testing::SizeIs(1));
}

// Mounts lower folders (topmost first) in a mount namespace of its own and says
// what is seen at each path, one character each: f(ile), d(ir) or -.
std::string seen_through_overlay(const std::string& lower, const std::string& at,
                                 const std::vector<std::string>& paths) {
    int pipe_fds[2];
    if (pipe(pipe_fds) != 0) return "pipe";
    pid_t child = fork();
    if (child == 0) {
        std::string answer;
        if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            mount("overlay", at.c_str(), "overlay", 0, ("lowerdir=" + lower).c_str()) != 0)
            answer = std::string("mount: ") + strerror(errno);
        else
            for (const std::string& path : paths) {
                auto st = sys::lstat(at + "/" + path);
                answer += !st.ok() ? '-' : S_ISDIR(st->st_mode) ? 'd' : 'f';
            }
        (void)!write(pipe_fds[1], answer.data(), answer.size());
        _exit(0);
    }
    close(pipe_fds[1]);
    char buffer[256];
    ssize_t n = read(pipe_fds[0], buffer, sizeof buffer);
    close(pipe_fds[0]);
    waitpid(child, nullptr, 0);
    return {buffer, n > 0 ? static_cast<size_t>(n) : 0};
}

TEST_F(DirectoryLayersTest, OverlayfsReadsItsWhiteouts) {
    open();
    auto bottom = add({tar_dir("d"), tar_file("d/a", ""), tar_file("d/b", ""), tar_dir("o"), tar_file("o/old", ""),
                       tar_dir("r"), tar_file("r/old", ""), tar_file("keep", "")});
    auto top = add({tar_file("d/.wh.a", ""), tar_file("o/.wh..wh..opq", ""), tar_file("o/new", ""),
                    tar_file(".wh.r", ""), tar_file("r/new", "")},
                   bottom->chain_id);
    ASSERT_TRUE(top.ok()) << top.error().message();
    ASSERT_TRUE(sys::mkdir(root.path() + "/mnt", 0755).ok());
    EXPECT_EQ(seen_through_overlay(store->path(top->chain_id).value() + ":" + store->path(bottom->chain_id).value(),
                                   root.path() + "/mnt",
                                   {"d", "d/a", "d/b", "o/old", "o/new", "r/old", "r/new", "keep"}),
              "d-f-f-ff");
}

} // namespace
} // namespace hull::store
