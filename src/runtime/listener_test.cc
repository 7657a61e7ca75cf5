#include "runtime/listener.h"

#include <array>
#include <csignal>
#include <thread>

#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "kernel/seccomp/seccomp.h"
#include "runtime/launch_fixture.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace hull::runtime {
namespace {

using testing::HasSubstr;

// Every call but mkdir goes on; mkdir fails with EXDEV. Until nobody is left.
void be_agent(BorrowedFd listener, int& asked) {
    for (;;) {
        pollfd ready{.fd = listener.get(), .events = POLLIN, .revents = 0};
        if (::poll(&ready, 1, 10'000) != 1 || ready.revents & POLLHUP) return;
        seccomp_notif request{};
        if (::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) continue; // gone meanwhile
        ++asked;
        seccomp_notif_resp answer{};
        answer.id = request.id;
        bool mkdir = request.data.nr == SYS_mkdir || request.data.nr == SYS_mkdirat;
        if (mkdir)
            answer.error = -EXDEV;
        else
            answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        (void)::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

class ListenerTest : public LaunchTest {
protected:
    Plan notifying_plan(const std::string& script, std::vector<std::string> names) {
        model::oci::Seccomp profile;
        profile.default_action = "SCMP_ACT_ALLOW";
        profile.listener_path = path("agent.sock");
        profile.listener_metadata = "a \"text\"\n";
        model::oci::SeccompSyscall rule;
        rule.names = std::move(names);
        rule.action = "SCMP_ACT_NOTIFY";
        profile.syscalls = {rule};
        auto filter = MUST(kernel::seccomp::compile(profile));
        Plan plan = shell_plan(script);
        plan.process.seccomp = filter.program;
        plan.process.seccomp_flags = filter.flags;
        plan.process.seccomp_listener = filter.listener_path;
        plan.process.seccomp_metadata = filter.listener_metadata;
        return plan;
    }
};

// Also the calls that telling about the listener takes, and those on the way
// to the program.
const std::vector<std::string> on_the_way = {"mkdir",  "mkdirat", "sendmsg", "write",  "recvmsg",
                                             "execve", "close",   "futex",   "capset", "rt_sigprocmask"};

TEST_F(ListenerTest, an_agent_decides_about_system_calls) {
    for (bool no_new_privileges : {true, false}) {
        Plan plan = notifying_plan("mkdir /tmp/x; echo done", on_the_way);
        plan.process.no_new_privileges = no_new_privileges;
        int asked = 0;
        std::thread agent;
        on_listener = [&](Running& running) {
            agent = std::thread(
                [&asked, listener = MUST(sys::duplicate_above(running.listener, 3))] { be_agent(listener, asked); });
            running.listener.reset();
            return true;
        };
        auto ran = run(plan);
        ASSERT_TRUE(agent.joinable()) << ran.error.message();
        agent.join();
        EXPECT_EQ(ran.out, "mkdir: can't create directory '/tmp/x': Invalid cross-device link\ndone\n");
        EXPECT_GT(asked, 2);
    }
}

TEST_F(ListenerTest, a_process_whose_agent_cannot_be_told_never_runs) {
    on_listener = [](Running&) { return false; };
    auto ran = run(notifying_plan("echo ran", on_the_way));
    EXPECT_FALSE(ran.executed);
    EXPECT_EQ(ran.out, "");
}

TEST_F(ListenerTest, the_agent_gets_the_listener_and_the_process_state) {
    Plan plan = notifying_plan("true", {"mkdir"});
    UniqueFd server = MUST(sys::listen_unix(path("agent.sock"), sys::SocketType::stream, 0600));
    on_listener = [&](Running& running) {
        ListenerTarget target{plan.process, "1.3.0", "{\"id\":\"test\"}", running.pid};
        auto sent = send_to_agent(target, running.listener);
        EXPECT_TRUE(sent.ok()) << sent.error().message();
        return sent.ok();
    };
    auto ran = run(plan);
    EXPECT_EQ(ran.exit_code, 0);
    UniqueFd connection = MUST(sys::accept(server));
    auto message = MUST(sys::receive_message(connection, 4096)); // of a stream: the first byte
    std::array<char, 4096> rest{};
    message.data.append(rest.data(), MUST(sys::read(connection, rest)));
    EXPECT_THAT(message.data, HasSubstr("{\"ociVersion\":\"1.3.0\",\"fds\":[\"seccompFd\"],\"pid\":"));
    EXPECT_THAT(message.data, HasSubstr("\"metadata\":\"a \\\"text\\\"\\u000a\",\"state\":{\"id\":\"test\"}}"));
    ASSERT_EQ(message.fds.size(), 1U);
    seccomp_notif request{};
    // It is a listener, and nobody is left who could ask.
    pollfd ready{.fd = message.fds[0].get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&ready, 1, 5000), 1);
    EXPECT_EQ(ready.revents, POLLHUP);
    EXPECT_NE(::ioctl(message.fds[0].get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &request.id), 0);
    EXPECT_EQ(errno, ENOENT);
}

TEST_F(ListenerTest, an_agent_that_is_not_there_is_named) {
    Plan plan = notifying_plan("true", {"mkdir"});
    auto sent = send_to_agent({plan.process, "1.3.0", "{}", 1}, BorrowedFd(0));
    ASSERT_FALSE(sent.ok());
    EXPECT_THAT(sent.error().message(), HasSubstr("send the seccomp listener to " + path("agent.sock") + ": connect "));
}

} // namespace
} // namespace hull::runtime
