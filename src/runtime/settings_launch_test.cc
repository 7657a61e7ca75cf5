// What a configuration may ask for beside files and users: clocks, scheduling,
// execution domain, mounts that change, namespaces of others.
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/compile_parts.h"
#include "runtime/exec.h"
#include "runtime/launch_fixture.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace hull::runtime {
namespace {

using testing::HasSubstr;

class SettingsTest : public LaunchTest {
protected:
    // The numbers that the process shows of itself while it sleeps.
    std::string stat_of(pid_t pid) { return MUST(sys::read_file("/proc/" + std::to_string(pid) + "/stat")); }
    // Field n of it, as proc_pid_stat(5) counts them.
    static std::string stat_field(const std::string& stat, int n) {
        std::istringstream rest(stat.substr(stat.rfind(')') + 2));
        std::string word;
        for (int i = 3; i <= n; ++i) rest >> word;
        return word;
    }
    Plan plain_plan(const std::string& script) {
        Plan plan = shell_plan(script);
        plan.rootfs = {};
        plan.rootfs.path = path("lower");
        use_host_users(plan);
        return plan;
    }
};

TEST_F(SettingsTest, a_time_namespace_has_its_own_clocks) {
    std::ifstream uptime("/proc/uptime");
    double here = 0;
    uptime >> here;
    for (bool own_users : {true, false}) {
        Plan plan = shell_plan("cat /proc/uptime; cat /proc/self/timens_offsets");
        if (!own_users) use_host_users(plan);
        plan.ns.time.mode = NamespaceUse::Mode::fresh;
        plan.time_offsets = "boottime 1000000 0\nmonotonic 500 5\n";
        auto ran = run(plan);
        ASSERT_TRUE(ran.executed) << ran.error.message();
        double inside = std::stod(ran.out);
        EXPECT_GT(inside, here + 999'000) << own_users;
        EXPECT_THAT(ran.out, HasSubstr("monotonic         500         5"));
    }
}

TEST_F(SettingsTest, an_exec_sees_the_containers_clocks) {
    Plan plan = shell_plan("sleep 60");
    plan.ns.time.mode = NamespaceUse::Mode::fresh;
    plan.time_offsets = "boottime 1000000 0\n";
    auto container = start(plan);
    ASSERT_GT(container.pid, 0) << container.error.message();
    ExecPlan join;
    join.process = shell_plan("cat /proc/self/timens_offsets").process;
    join.uid_map = plan.uid_map;
    join.gid_map = plan.gid_map;
    join.time_ns = true;
    auto pipe = sys::make_pipe();
    LaunchFds stdio;
    stdio.stdout_ = stdio.stderr_ = pipe->second;
    auto joined = follow(exec(container.pidfd, join, stdio));
    pipe->second.reset();
    joined.out = std::move(pipe->first);
    auto ran = finish(std::move(joined));
    stop(container);
    EXPECT_THAT(ran.out, HasSubstr("boottime      1000000"));
}

TEST_F(SettingsTest, clocks_that_would_be_below_zero_fail_the_start) {
    Plan plan = shell_plan("true");
    plan.ns.time.mode = NamespaceUse::Mode::fresh;
    plan.time_offsets = "boottime -1000000000 0\n";
    auto ran = run(plan);
    EXPECT_FALSE(ran.executed);
    EXPECT_THAT(ran.error.message(), HasSubstr("set the offsets of clocks"));
}

TEST_F(SettingsTest, the_scheduler_is_set_whatever_the_process_may_itself) {
    for (bool reset_on_fork : {false, true}) {
        Plan plan = shell_plan("sleep 60");
        plan.process.scheduler = SchedulerPlan{.policy = 3, .flags = reset_on_fork ? 1u : 0u, .nice = 7}; // BATCH
        auto container = start(plan);
        ASSERT_GT(container.pid, 0) << container.error.message();
        std::string stat = stat_of(container.pid);
        stop(container);
        EXPECT_EQ(stat_field(stat, 19), "7");
        EXPECT_EQ(stat_field(stat, 41), "3");
    }
}

TEST_F(SettingsTest, the_io_priority_is_inherited_by_all) {
    Plan plan = shell_plan("sleep 60");
    plan.process.io_priority = *compile_io_priority({"IOPRIO_CLASS_BE", 6});
    auto container = start(plan);
    ASSERT_GT(container.pid, 0) << container.error.message();
    constexpr int who_process = 1;
    long priority = ::syscall(SYS_ioprio_get, who_process, container.pid);
    stop(container);
    EXPECT_EQ(priority, *plan.process.io_priority);
}

TEST_F(SettingsTest, the_domain_linux32_calls_the_machine_a_32_bit_one) {
    ASSERT_EQ(::symlink("busybox", path("lower/bin/uname").c_str()), 0);
    Plan plan = shell_plan("uname -m");
    plan.process.personality = 8;
    EXPECT_EQ(run(plan).out, "i686\n");
    plan.process.personality = 0;
    EXPECT_EQ(run(plan).out, "x86_64\n");
}

TEST_F(SettingsTest, the_memory_policy_shows_in_numa_maps) {
    if (!sys::exists("/proc/self/numa_maps")) GTEST_SKIP() << "this kernel has no NUMA";
    Plan plan = shell_plan("cat /proc/self/numa_maps");
    plan.process.memory_policy = *compile_memory_policy({"MPOL_BIND", "0", {}});
    auto ran = run(plan);
    ASSERT_TRUE(ran.executed) << ran.error.message();
    EXPECT_THAT(ran.out, HasSubstr("bind:0"));
}

TEST_F(SettingsTest, a_remount_changes_what_is_mounted_and_the_rest_stays) {
    Plan plan = shell_plan("grep ' /tmp ' /proc/self/mountinfo");
    MountPlan tmp;
    tmp.target = "/tmp";
    tmp.fs_type = tmp.source = "tmpfs";
    tmp.data = "size=64k";
    tmp.attr_set = MOUNT_ATTR_NOEXEC;
    plan.mounts.push_back(tmp);
    MountPlan change;
    change.kind = MountPlan::Kind::remount_bind;
    change.target = "/tmp";
    change.attr_set = MOUNT_ATTR_RDONLY;
    plan.mounts.push_back(change);
    auto ran = run(plan);
    ASSERT_TRUE(ran.executed) << ran.error.message();
    EXPECT_THAT(ran.out, HasSubstr(" ro,noexec"));
    EXPECT_THAT(ran.out, HasSubstr(" rw,size=64k"));
    plan.mounts.back().kind = MountPlan::Kind::remount;
    plan.mounts.back().data = "size=128k";
    ran = run(plan);
    ASSERT_TRUE(ran.executed) << ran.error.message();
    EXPECT_THAT(ran.out, HasSubstr(" ro,size=128k"));
    plan.mounts.back().target = "/home";
    EXPECT_THAT(run(plan).error.message(), HasSubstr("mount /home"));
}

TEST_F(SettingsTest, a_read_only_tmpfs_is_filled_first) {
    write("lower/home/file", "from the image");
    Plan plan = shell_plan("cat /home/file; touch /home/x");
    MountPlan home;
    home.target = "/home";
    home.fs_type = home.source = "tmpfs";
    home.copy_up = true;
    home.attr_set = MOUNT_ATTR_RDONLY;
    plan.mounts.push_back(home);
    auto ran = run(plan);
    EXPECT_THAT(ran.out, HasSubstr("from the image"));
    EXPECT_THAT(ran.out, HasSubstr("Read-only file system"));
}

TEST_F(SettingsTest, an_unbindable_root_cant_be_bound) {
    Plan plan = plain_plan("mount --bind / /home");
    plan.rootfs.propagation = MS_UNBINDABLE;
    constexpr uint64_t sys_admin = uint64_t{1} << 21;
    plan.process.caps.bounding = plan.process.caps.permitted = plan.process.caps.effective = sys_admin;
    auto ran = run(plan);
    ASSERT_TRUE(ran.executed) << ran.error.message();
    EXPECT_NE(ran.exit_code, 0);
    plan.rootfs.propagation = 0;
    EXPECT_EQ(run(plan).exit_code, 0);
}

TEST_F(SettingsTest, the_root_lies_in_the_mount_namespace_it_is_told_to) {
    Plan plan = plain_plan("readlink /proc/self/ns/mnt; ls /; echo $$");
    plan.ns.mount = {};
    auto ran = run(plan);
    ASSERT_TRUE(ran.executed) << ran.error.message();
    EXPECT_THAT(ran.out, HasSubstr(MUST(sys::readlink("/proc/self/ns/mnt"))));
    EXPECT_THAT(ran.out, testing::Not(HasSubstr("\nboot\n")));
    EXPECT_THAT(ran.out, HasSubstr("\n1\n"));
    // Nobody but the one who has the namespace takes it off.
    EXPECT_EQ(::umount2(path("lower").c_str(), MNT_DETACH), 0);
    EXPECT_NE(::umount2(path("lower").c_str(), MNT_DETACH), 0);
}

TEST_F(SettingsTest, a_path_that_is_no_namespace_of_the_kind_is_refused) {
    Plan plan = shell_plan("true");
    plan.ns.ipc = {NamespaceUse::Mode::join, no_fd, "/proc/self/ns/uts"};
    EXPECT_THAT(run(plan).error.message(),
                HasSubstr("ipc namespace: /proc/self/ns/uts is not a namespace of this kind"));
    plan.ns.ipc.path = "/etc/passwd";
    EXPECT_THAT(run(plan).error.message(), HasSubstr("is not a namespace of this kind"));
    use_host_users(plan);
    plan.ns.ipc.path = "/proc/self/ns/ipc";
    EXPECT_TRUE(run(plan).executed);
}

TEST_F(SettingsTest, hooks_find_the_mounts_below_the_root_and_start_hooks_run_inside) {
    ASSERT_TRUE(sys::mkdir(path("hooks"), 0777).ok());
    write("hook", "#!/bin/sh\nls " + path("lower") + "/proc/self/status > " + path("hooks/seen") + "\n", 0755);
    Plan plan = plain_plan("true");
    plan.stop_for_hooks = true;
    plan.create_container_hooks = {{path("hook"), {}, {"PATH=/bin"}, 10}};
    auto ran = run(plan);
    ASSERT_TRUE(ran.executed) << ran.error.message();
    EXPECT_THAT(MUST(sys::read_file(path("hooks/seen"))), HasSubstr("/proc/self/status"));
}

} // namespace
} // namespace hull::runtime
