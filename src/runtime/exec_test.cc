#include "runtime/exec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "kernel/caps.h"
#include "kernel/cgroup/cgroup.h"
#include "runtime/launch_fixture.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/nonblocking.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace hull::runtime {
namespace {

using testing::HasSubstr;

class ExecTest : public LaunchTest {
protected:
    Ran exec_in(Running& container, const std::string& script, const std::string& user = "", bool terminal = false) {
        ExecPlan plan;
        plan.process = shell_plan(script).process;
        plan.process.user = user;
        plan.process.terminal = terminal;
        plan.uid_map = plan.gid_map = {{0, base_id, 65536}};
        plan.cgroup = cgroup_;
        return exec_plan(container, plan);
    }
    Ran exec_plan(Running& container, const ExecPlan& plan) {
        auto pipe = sys::make_pipe();
        LaunchFds stdio;
        stdio.stdout_ = stdio.stderr_ = pipe->second;
        auto pending = exec(container.pidfd, plan, stdio);
        pipe->second.reset();
        Running running = follow(std::move(pending));
        if (!running.terminal) running.out = std::move(pipe->first);
        if (running.terminal) running.out = std::move(running.terminal);
        return finish(std::move(running));
    }
    CgroupPlan cgroup_;
};

TEST_F(ExecTest, joins_every_namespace_of_the_container) {
    auto container = start(shell_plan("touch /from-init; sleep 60"));
    ASSERT_GT(container.pid, 0) << container.error.message();
    auto ran = exec_in(container, "for n in user pid mnt net ipc uts cgroup; do readlink /proc/self/ns/$n; "
                                  "readlink /proc/1/ns/$n; done; hostname; id -u; pwd");
    stop(container);
    ASSERT_TRUE(ran.executed) << ran.error.message();
    std::istringstream lines(ran.out);
    std::string mine;
    std::string theirs;
    for (int i = 0; i < 7; ++i) {
        std::getline(lines, mine);
        std::getline(lines, theirs);
        EXPECT_EQ(mine, theirs);
    }
    EXPECT_THAT(ran.out, HasSubstr("box\n0\n/\n"));
}

TEST_F(ExecTest, has_users_descriptors_and_capabilities_like_a_first_process) {
    auto container = start(shell_plan("sleep 60"));
    auto ran = exec_in(container, "id -u; echo $HOME; ls /proc/$$/fd; grep CapInh /proc/self/status", "worker");
    EXPECT_EQ(ran.out, "1000\n/home/worker\n0\n1\n2\nCapInh:\t0000000000000000\n") << ran.error.message();
    EXPECT_EQ(exec_in(container, "true", "ghost").error.message(),
              "unable to find user ghost: no matching entries in passwd file");
    stop(container);
}

TEST_F(ExecTest, gets_a_terminal_of_the_container) {
    auto container = start(shell_plan("sleep 60"));
    auto ran = exec_in(container, "tty; exit 9", "", true);
    stop(container);
    EXPECT_EQ(ran.out, "/dev/pts/0\r\n") << ran.error.message();
    EXPECT_EQ(ran.exit_code, 9);
}

TEST_F(ExecTest, a_missing_program_or_folder_is_dockers_error) {
    auto container = start(shell_plan("sleep 60"));
    ExecPlan plan;
    plan.uid_map = plan.gid_map = {{0, base_id, 65536}};
    plan.process.args = {"nope"};
    plan.process.env = {"PATH=/bin"};
    auto ran = exec_plan(container, plan);
    EXPECT_EQ(ran.error.message(), "exec: \"nope\": executable file not found in $PATH");
    EXPECT_EQ(ran.error.kind(), ErrorKind::no_such_program);
    plan.process.args = {"true"};
    plan.process.cwd = "/nope";
    EXPECT_EQ(exec_plan(container, plan).error.message(),
              "chdir to cwd (\"/nope\") set in config.json failed: no such file or directory");
    stop(container);
}

TEST_F(ExecTest, an_ended_container_cant_be_entered) {
    auto container = start(shell_plan("sleep 60"));
    UniqueFd pidfd = std::move(container.pidfd);
    stop(container);
    ExecPlan plan;
    plan.process = shell_plan("true").process;
    auto pending = exec(pidfd, plan, {});
    ASSERT_FALSE(pending.ok());
    EXPECT_EQ(pending.error().kind(), ErrorKind::conflict);
}

TEST_F(ExecTest, works_without_a_user_namespace) {
    Plan plan = shell_plan("sleep 60");
    use_host_users(plan);
    auto container = start(plan);
    ExecPlan join;
    join.process = shell_plan("hostname").process;
    EXPECT_EQ(exec_plan(container, join).out, "box\n");
    stop(container);
}

// ---- cgroups -------------------------------------------------------------------

TEST_F(ExecTest, first_process_and_exec_live_in_the_containers_cgroup) {
    auto cgroups = kernel::cgroup::detect();
    ASSERT_TRUE(cgroups.ok());
    std::string name = "hull-launch-test-" + std::to_string(::getpid());
    auto planned = (*cgroups)->plan(name, {});
    ASSERT_TRUE(planned.ok()) << planned.error().message();
    if (planned->dirs.empty()) GTEST_SKIP() << "no cgroups here";
    cgroup_ = *planned;
    Plan plan = shell_plan("cat /proc/self/cgroup; ls /sys/fs/cgroup; touch /sys/fs/cgroup/x; sleep 60");
    plan.cgroup = cgroup_;
    MountPlan view;
    view.kind = MountPlan::Kind::cgroup;
    view.target = "/sys/fs/cgroup";
    view.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    plan.mounts.push_back(view);
    auto container = start(plan);
    ASSERT_GT(container.pid, 0) << container.error.message();
    auto pids = (*cgroups)->pids(name);
    ASSERT_TRUE(pids.ok()) << pids.error().message();
    EXPECT_THAT(*pids, testing::Contains(container.pid));
    // Its own cgroup namespace: the container's folder is the root.
    EXPECT_THAT(exec_in(container, "cat /proc/self/cgroup").out, testing::Not(HasSubstr(name)));
    EXPECT_THAT(exec_in(container, "cat /sys/fs/cgroup/pids/cgroup.procs || cat /sys/fs/cgroup/cgroup.procs").out,
                HasSubstr("1\n"));
    EXPECT_THAT(exec_in(container, "touch /sys/fs/cgroup/x").out, HasSubstr("Read-only"));
    stop(container);
    auto removed = remove_cgroups(plan.cgroup);
    EXPECT_TRUE(removed.ok()) << removed.error().message();
    EXPECT_FALSE(sys::exists(plan.cgroup.dirs.front().folder()));
}

TEST_F(ExecTest, a_failed_start_leaves_no_cgroup_after_remove) {
    auto cgroups = kernel::cgroup::detect();
    ASSERT_TRUE(cgroups.ok());
    auto planned = (*cgroups)->plan("hull-launch-fail-" + std::to_string(::getpid()), {});
    ASSERT_TRUE(planned.ok());
    if (planned->dirs.empty()) GTEST_SKIP() << "no cgroups here";
    Plan plan = shell_plan("true");
    plan.cgroup = *planned;
    plan.process.args = {"nope"};
    EXPECT_FALSE(run(plan).executed);
    EXPECT_TRUE(remove_cgroups(plan.cgroup).ok());
    for (const auto& dir : plan.cgroup.dirs) EXPECT_FALSE(sys::exists(dir.folder()));
}

// ---- the gate ------------------------------------------------------------------

TEST_F(ExecTest, a_gate_holds_the_program_back_until_it_is_opened) {
    auto listener = sys::listen_unix(path("gate"), sys::SocketType::seqpacket, 0600);
    ASSERT_TRUE(listener.ok());
    auto pipe = sys::make_pipe();
    Plan plan = shell_plan("echo through");
    plan.gate = Gate::socket;
    LaunchFds stdio;
    stdio.stdout_ = stdio.stderr_ = pipe->second;
    stdio.gate = *listener;
    auto running = follow(launch(plan, {}, stdio));
    pipe->second.reset();
    ASSERT_TRUE(running.at_gate) << running.error.message();
    auto connection = sys::connect_unix(path("gate"), sys::SocketType::seqpacket);
    ASSERT_TRUE(connection.ok());
    auto reader = ReportReader::after_gate(std::move(*connection));
    LaunchEvent::Kind last{};
    while (!reader.done())
        for (auto& event : reader.wait(10000)) last = event.kind;
    EXPECT_EQ(last, LaunchEvent::Kind::executed);
    running.out = std::move(pipe->first);
    EXPECT_EQ(finish(std::move(running)).out, "through\n");
}

TEST_F(ExecTest, a_process_at_the_gate_gives_up_when_its_launcher_is_gone) {
    auto listener = sys::listen_unix(path("gate"), sys::SocketType::seqpacket, 0600);
    ASSERT_TRUE(listener.ok());
    Plan plan = shell_plan("echo through");
    plan.gate = Gate::socket;
    LaunchFds stdio;
    stdio.gate = *listener;
    auto pending = launch(plan, {}, stdio);
    ASSERT_TRUE(pending.ok());
    pid_t pid = 0;
    while (!pending->report.done())
        for (auto& event : pending->report.wait(10000)) {
            if (event.kind == LaunchEvent::Kind::pid) pid = event.pid;
        }
    ASSERT_GT(pid, 0);
    pending->report = ReportReader(); // as the death of this process would
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 125);
    ::waitpid(pending->intermediate, nullptr, 0);
}

TEST_F(ExecTest, start_container_hooks_run_when_the_gate_opens) {
    auto listener = sys::listen_unix(path("gate"), sys::SocketType::seqpacket, 0600);
    ASSERT_TRUE(listener.ok());
    write("lower/bin/hook", "#!/bin/sh\nid -u > /tmp/hooked\n", 0755);
    auto pipe = sys::make_pipe();
    Plan plan = shell_plan("cat /tmp/hooked");
    plan.process.uid = plan.process.gid = 7;
    plan.gate = Gate::socket;
    plan.stop_for_hooks = true;
    plan.start_container_hooks = {{"/bin/hook", {}, {"PATH=/bin"}, 10}};
    LaunchFds stdio;
    stdio.stdout_ = stdio.stderr_ = pipe->second;
    stdio.gate = *listener;
    auto running = follow(launch(plan, {}, stdio));
    pipe->second.reset();
    ASSERT_TRUE(running.at_gate) << running.error.message();
    EXPECT_FALSE(sys::exists(path("container/upper/tmp/hooked")));
    auto connection = sys::connect_unix(path("gate"), sys::SocketType::seqpacket);
    ASSERT_TRUE(connection.ok());
    auto reader = ReportReader::after_gate(std::move(*connection));
    while (!reader.done())
        for (auto& event : reader.wait(10000)) {
            EXPECT_EQ(event.kind == LaunchEvent::Kind::failed ? event.error.message() : "", "");
        }
    running.out = std::move(pipe->first);
    EXPECT_EQ(finish(std::move(running)).out, "7\n");
}

} // namespace
} // namespace hull::runtime
