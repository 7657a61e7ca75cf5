#include "engine/files.h"

#include <fstream>

#include "engine/files_service.h"
#include "engine/test_engine.h"
#include "engine/validate.h"

namespace hull::engine {
namespace {

using test::EngineTest;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class FilesTest : public EngineTest {
protected:
    void SetUp() override {
        EngineTest::SetUp();
        runtime_.files_root = root_ / "tree";
        std::filesystem::create_directories(root_ / "tree/etc");
        std::ofstream(root_ / "tree/etc/hosts") << "text";
        std::filesystem::create_symlink("etc", root_ / "tree/l");
    }
    Files& files() { return engine_->files(); }
    Result<void> put(const ContainerId& id, const std::string& path, const PutOptions& options = {}) {
        TextSource empty("");
        return files().put_archive(id.str(), path, options, empty);
    }
};

TEST_F(FilesTest, AContainerThatRunsIsSeenByItsProcess) {
    ContainerId id = run();
    auto stat = MUST(files().stat(id.str(), "/etc/hosts"));
    EXPECT_EQ(stat.name, "hosts");
    EXPECT_EQ(stat.size, 4);
    EXPECT_EQ(MUST(files().stat(id.str(), "/l")).link_target, "/etc");
    EXPECT_NE(runtime_.files_opened.back().pid, 0);
    EXPECT_EQ(files().stat(id.str(), "/nope").error().message(),
              "Could not find the file /nope in container " + id.str());
}

TEST_F(FilesTest, OneThatDoesNotRunIsSeenWithWhatAStartWouldMount) {
    auto asked = request();
    asked.host_config.binds = {"/src:/a/b:ro", "/hosts:/etc/hosts"};
    ContainerId id = create("", asked);
    ASSERT_TRUE(files().stat(id.str(), "/").ok());
    const FilesRequest& opened = runtime_.files_opened.back();
    EXPECT_EQ(opened.pid, 0);
    EXPECT_THAT(opened.rootfs.upper, HasSubstr(id.str()));
    std::map<std::string, std::string> binds;
    for (const auto& bind : opened.binds) binds[bind.destination] = bind.source + (bind.readonly ? " ro" : "");
    EXPECT_EQ(binds["/a/b"], "/src ro");
    EXPECT_EQ(binds["/etc/hosts"], "/hosts");
    EXPECT_THAT(binds["/etc/resolv.conf"], HasSubstr(id.str()));
}

TEST_F(FilesTest, WhatIsReadOnlyIsRefusedInDockersWords) {
    auto asked = request();
    asked.host_config.readonly_rootfs = true;
    asked.host_config.binds = {"/src:/etc/ro:ro", "/src:/etc"};
    ContainerId id = create("", asked);
    std::filesystem::create_directories(root_ / "tree/etc/ro");
    EXPECT_EQ(put(id, "/").error().message(), "container rootfs is marked read-only");
    EXPECT_EQ(put(id, "/etc/ro").error().message(), "mounted volume is marked read-only");
    EXPECT_EQ(put(id, "/etc/ro").error().kind(), ErrorKind::forbidden);
    EXPECT_TRUE(put(id, "/l").ok());
    EXPECT_EQ(put(id, "/etc/hosts").error().message(), "extraction point is not a directory");
    EXPECT_EQ(put(id, "/nope").error().kind(), ErrorKind::not_found);
}

TEST_F(FilesTest, ChangesAndCommit) {
    ContainerId id = create("cc");
    const std::string upper = root_ / "containers" / id.str() / "upper";
    EXPECT_TRUE(MUST(files().changes("cc")).empty());
    std::ofstream(upper + "/new") << "x";
    EXPECT_THAT(MUST(files().changes("cc")), ElementsAre(Field(&FileChange::path, "/new")));
    CommitRequest commit;
    commit.container = "cc";
    commit.repository = "made";
    commit.comment = "why";
    commit.changes = {"ENV A=b"};
    auto digest = MUST(files().commit(commit));
    auto image = MUST(images_->resolve("made:latest"));
    EXPECT_EQ(image->id, digest);
    EXPECT_EQ(image->config.diff_ids.size(), 1u);
    EXPECT_THAT(image->config.config.env, Contains("A=b"));
    EXPECT_EQ(image->config.history.back().comment, "why");
    commit.tag = "a/b";
    EXPECT_EQ(files().commit(commit).error().message(), "invalid tag format");
    commit.container = "nope";
    EXPECT_EQ(files().commit(commit).error().kind(), ErrorKind::not_found);
}

TEST_F(FilesTest, ARunningContainerIsPausedForACommitAndRunsOn) {
    ContainerId id = run("cc");
    auto events = engine_->events().subscribe({}, std::nullopt, std::nullopt);
    CommitRequest commit;
    commit.container = "cc";
    ASSERT_TRUE(files().commit(commit).ok());
    std::vector<std::string> actions;
    while (events->ready()) actions.push_back(events->next({})->action);
    EXPECT_THAT(actions, ElementsAre("pause", "commit", "unpause"));
    EXPECT_EQ(status(id), Status::running);
}

TEST(MergeConfig, KeepsWhatWasAskedAndFillsInTheRest) {
    model::ContainerConfig asked, container;
    asked.env = {"A=1"};
    asked.exposed_ports = {"80/tcp"};
    container.env = {"A=0", "B=2"};
    container.exposed_ports = {"443/tcp", "80/tcp"};
    container.cmd = model::StringList{"run"};
    container.entrypoint = model::StringList{"init"};
    container.user = "u";
    container.labels["k"] = "v";
    auto merged = merge_config(asked, container);
    EXPECT_THAT(merged.env, ElementsAre("A=1", "B=2"));
    EXPECT_THAT(merged.exposed_ports, UnorderedElementsAre("80/tcp", "443/tcp"));
    EXPECT_EQ(merged.cmd, container.cmd);
    EXPECT_EQ(merged.entrypoint, container.entrypoint);
    EXPECT_EQ(merged.user, "u");
    EXPECT_EQ(merged.labels["k"], "v");
    asked.cmd = model::StringList{"mine"};
    asked.entrypoint = model::StringList{};
    merged = merge_config(asked, container);
    EXPECT_EQ(merged.cmd, asked.cmd);
    EXPECT_TRUE(merged.entrypoint->empty());
}

} // namespace
} // namespace hull::engine
