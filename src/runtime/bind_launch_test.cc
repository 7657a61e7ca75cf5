// Bind mounts in real containers: identity, several mounts in one tree, file
// systems that can't be id-mapped, sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/launch_fixture.h"
#include "runtime/rootfs.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/socket.h"

namespace hull::runtime {
namespace {

using testing::HasSubstr;

class BindTest : public LaunchTest {
protected:
    void SetUp() override {
        LaunchTest::SetUp();
        ASSERT_TRUE(sys::mkdir(path("source"), 0755).ok());
    }
    void TearDown() override {
        for (auto at = mounted_.rbegin(); at != mounted_.rend(); ++at) ::umount2(at->c_str(), MNT_DETACH);
        LaunchTest::TearDown();
    }
    void mount_on(const std::string& type, const std::string& relative) {
        ASSERT_TRUE(sys::mkdir_parents(path(relative), 0755).ok());
        ASSERT_EQ(::mount(type.c_str(), path(relative).c_str(), type.c_str(), 0, nullptr), 0) << relative;
        mounted_.push_back(path(relative));
    }
    Plan plan_with(const std::string& script, const std::string& source, bool recursive = false) const {
        Plan plan = shell_plan(script);
        MountPlan bind;
        bind.kind = MountPlan::Kind::bind;
        bind.source = path(source);
        bind.target = "/vol";
        bind.idmap = MountPlan::IdMap::container;
        bind.recursive = recursive;
        bind.propagation = MS_PRIVATE | MS_REC;
        if (!has_id_mapped_mounts()) {
            use_host_users(plan);
            bind.idmap = MountPlan::IdMap::none;
        }
        plan.mounts.push_back(bind);
        return plan;
    }

private:
    std::vector<std::string> mounted_;
};

TEST_F(BindTest, files_beside_the_writable_layer_can_be_bound_with_overlay_by_paths) {
    ASSERT_TRUE(sys::mkdir(path("container/beside"), 0755).ok());
    write("container/beside/file", "read");
    Plan plan = plan_with("cat /vol/file", "container/beside");
    force_overlay_by(OverlayBy::paths);
    auto ran = run(plan);
    force_overlay_by(OverlayBy::automatic);
    EXPECT_EQ(ran.out, "read") << ran.error.message();
}

TEST_F(BindTest, files_keep_their_owners_in_both_directions) {
    write("source/file", "data");
    ASSERT_EQ(::chown(path("source/file").c_str(), 1000, 1000), 0);
    auto ran = run(plan_with("stat -c %u /vol /vol/file; touch /vol/new; chown 5:6 /vol/file", "source"));
    EXPECT_EQ(ran.out, "0\n1000\n") << ran.error.message();
    EXPECT_EQ(sys::stat(path("source/new"))->st_uid, 0U);
    EXPECT_EQ(sys::stat(path("source/file"))->st_uid, 5U);
}

TEST_F(BindTest, a_single_file_is_bound) {
    write("source/file", "data");
    auto ran = run(plan_with("cat /vol; echo more > /vol; stat -c %u /vol", "source/file"));
    EXPECT_EQ(ran.out, "data0\n") << ran.error.message();
    EXPECT_EQ(*sys::read_file(path("source/file")), "more\n");
}

TEST_F(BindTest, read_only_is_read_only) {
    Plan plan = plan_with("touch /vol/new", "source");
    plan.mounts.back().attr_set = MOUNT_ATTR_RDONLY;
    EXPECT_THAT(run(plan).out, HasSubstr("Read-only file system"));
}

TEST_F(BindTest, mounts_below_are_mapped_one_by_one_and_pseudo_ones_not) {
    if (!has_id_mapped_mounts()) GTEST_SKIP() << "no id-mapped mounts here";
    mount_on("tmpfs", "source/tmp");
    mount_on("proc", "source/proc");
    write("source/tmp/file", "in tmpfs");
    auto ran = run(plan_with("stat -c %u /vol/tmp/file; stat -c %u /vol/proc/version; touch /vol/tmp/new /vol/top",
                             "source", true));
    EXPECT_EQ(ran.out, "0\n65534\n") << ran.error.message();
    EXPECT_EQ(sys::stat(path("source/tmp/new"))->st_uid, 0U);
    EXPECT_EQ(sys::stat(path("source/top"))->st_uid, 0U);
}

TEST_F(BindTest, recursive_attributes_reach_the_mounts_below) {
    mount_on("tmpfs", "source/tmp");
    mount_on("tmpfs", "source/tmp/deep er");
    Plan plan =
        plan_with("for d in /vol /vol/tmp '/vol/tmp/deep er'; do touch \"$d/x\" || echo no; done", "source", true);
    plan.mounts.back().attr_set_rec = MOUNT_ATTR_RDONLY;
    EXPECT_THAT(run(plan).out, testing::ContainsRegex("no\n(.|\n)*no\n(.|\n)*no\n"));
    // The twin: read-only of the topmost mount alone.
    plan.mounts.back().attr_set_rec = 0;
    plan.mounts.back().attr_set = MOUNT_ATTR_RDONLY;
    EXPECT_THAT(run(plan).out, testing::Not(testing::ContainsRegex("no\n(.|\n)*no\n")));
    EXPECT_TRUE(sys::exists(path("source/tmp/deep er/x")));
}

TEST_F(BindTest, without_rbind_mounts_below_stay_out) {
    mount_on("tmpfs", "source/tmp");
    write("source/tmp/file", "in tmpfs");
    EXPECT_EQ(run(plan_with("ls /vol/tmp | wc -l", "source")).out, "0\n");
}

TEST_F(BindTest, a_file_system_that_cant_be_mapped_is_named_with_the_way_out) {
    if (!has_id_mapped_mounts()) GTEST_SKIP() << "no id-mapped mounts here";
    mount_on("ramfs", "source/ram");
    auto ran = run(plan_with("true", "source", true));
    EXPECT_FALSE(ran.executed);
    EXPECT_EQ(ran.error.kind(), ErrorKind::unsupported);
    EXPECT_THAT(ran.error.message(), HasSubstr("the file system ramfs mounted on " + path("source/ram")));
    EXPECT_THAT(ran.error.message(), HasSubstr("--userns=host"));
    // The twin: in the host's user namespace nothing needs mapping.
    Plan plan = plan_with("touch /vol/ram/new", "source", true);
    use_host_users(plan);
    plan.mounts.back().idmap = MountPlan::IdMap::none;
    EXPECT_EQ(run(plan).exit_code, 0);
    EXPECT_TRUE(sys::exists(path("source/ram/new")));
}

TEST_F(BindTest, roots_of_other_engines_below_are_there_unmapped) {
    if (!has_id_mapped_mounts()) GTEST_SKIP() << "no id-mapped mounts here";
    for (const char* dir : {"one", "two", "source/merged"}) ASSERT_TRUE(sys::mkdir(path(dir), 0755).ok());
    write("one/file", "theirs");
    const std::string lower = "lowerdir=" + path("one") + ":" + path("two");
    ASSERT_EQ(::mount("overlay", path("source/merged").c_str(), "overlay", 0, lower.c_str()), 0);
    auto ran = run(plan_with("cat /vol/merged/file; stat -c %u /vol /vol/merged/file", "source", true));
    // The twin: asked for itself, it is refused.
    auto refused = run(plan_with("true", "source/merged"));
    ::umount2(path("source/merged").c_str(), MNT_DETACH);
    EXPECT_EQ(ran.out, "theirs0\n65534\n") << ran.error.message();
    EXPECT_EQ(refused.error.kind(), ErrorKind::unsupported);
}

TEST_F(BindTest, a_socket_can_be_connected_to_by_root_inside_only) {
    auto listener = sys::listen_unix(path("source/engine.sock"), sys::SocketType::stream, 0660);
    ASSERT_TRUE(listener.ok());
    const std::string connect = "[ -S /vol ] && [ -w /vol ] && echo writable || echo refused";
    EXPECT_EQ(run(plan_with(connect, "source/engine.sock")).out, "writable\n");
    Plan plan = plan_with(connect, "source/engine.sock");
    plan.process.user = "worker";
    plan.process.caps.permitted = plan.process.caps.effective = 0;
    EXPECT_EQ(run(plan).out, "refused\n");
}

TEST_F(BindTest, a_shared_mount_gives_nothing_back_to_the_host) {
    mount_on("tmpfs", "source/tmp");
    ASSERT_EQ(::mount(nullptr, path("source/tmp").c_str(), nullptr, MS_SHARED, nullptr), 0);
    ASSERT_TRUE(sys::mkdir(path("source/tmp/sub"), 0755).ok());
    Plan plan = plan_with("mount -t tmpfs none /vol/sub && touch /vol/sub/x && echo done", "source/tmp");
    plan.mounts.back().propagation = 0;
    plan.process.caps.bounding |= 1 << 21; // SYS_ADMIN, of its own namespaces
    plan.process.caps.permitted = plan.process.caps.effective = plan.process.caps.bounding;
    EXPECT_EQ(run(plan).out, "done\n");
    EXPECT_FALSE(sys::exists(path("source/tmp/sub/x")));
}

TEST_F(BindTest, a_shared_mount_gives_back_what_is_mounted_when_asked_to) {
    mount_on("tmpfs", "source/tmp");
    ASSERT_EQ(::mount(nullptr, path("source/tmp").c_str(), nullptr, MS_SHARED, nullptr), 0);
    ASSERT_TRUE(sys::mkdir(path("source/tmp/sub"), 0755).ok());
    Plan plan = plan_with("mount -t tmpfs none /vol/sub && touch /vol/sub/x && echo done", "source/tmp");
    use_host_users(plan);
    plan.mounts.back().idmap = MountPlan::IdMap::none;
    plan.mounts.back().propagation = MS_SHARED;
    plan.process.caps.bounding |= 1 << 21; // SYS_ADMIN
    plan.process.caps.permitted = plan.process.caps.effective = plan.process.caps.bounding;
    EXPECT_EQ(run(plan).out, "done\n");
    EXPECT_TRUE(sys::exists(path("source/tmp/sub/x")));
    ::umount2(path("source/tmp/sub").c_str(), MNT_DETACH);
}

TEST_F(BindTest, a_folder_on_a_file_is_dockers_error) {
    write("lower/vol", "");
    auto ran = run(plan_with("true", "source"));
    EXPECT_FALSE(ran.executed);
    EXPECT_THAT(ran.error.message(), HasSubstr("mount /vol: "));
}

} // namespace
} // namespace hull::runtime
