#include "sys/process_old.h"

#include <csignal>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/credentials.h"
#include "sys/denied_calls.h"
#include "sys/kernel_calls.h"
#include "sys/own_proc.h"

namespace hull::sys {
namespace {

// In a child, as descriptors are closed.
int in_child(int (*body)()) {
    pid_t pid = ::fork();
    if (pid == 0) ::_exit(body());
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

int closes_all_but_the_kept() {
    for (int fd : {40, 41, 42, 700}) ::dup2(0, fd);
    std::array<int, 2> keep{41, 5};
    if (!close_all_from(40, keep).ok()) return 1;
    return !is_open(40) && is_open(41) && !is_open(42) && !is_open(700) && is_open(0) ? 0 : 2;
}

int marks_all() {
    for (int fd : {40, 700}) ::dup2(0, fd);
    if (!close_on_exec_from(41).ok()) return 1;
    return ::fcntl(40, F_GETFD) == 0 && ::fcntl(700, F_GETFD) == FD_CLOEXEC ? 0 : 2;
}

int without_a_procfs(int (*body)()) {
    forget_own_proc();
    return body();
}

TEST(Descriptors, all_from_a_number_on_are_closed_but_the_kept) { EXPECT_EQ(in_child(closes_all_but_the_kept), 0); }
TEST(Descriptors, all_from_a_number_on_are_marked_close_on_exec) { EXPECT_EQ(in_child(marks_all), 0); }

TEST(Descriptors, are_found_without_a_procfs_too) {
    EXPECT_EQ(in_child([] { return without_a_procfs(closes_all_but_the_kept); }), 0);
    EXPECT_EQ(in_child([] { return without_a_procfs(marks_all); }), 0);
}

TEST(Clone, gives_a_child_with_a_descriptor) {
    UniqueFd pidfd;
    CloneRequest request;
    request.exit_signal = SIGCHLD;
    request.pidfd = &pidfd;
    request.flags = CLONE_NEWUTS | CLONE_NEWPID;
    auto pid = clone(request);
    ASSERT_TRUE(pid.ok()) << pid.error().message();
    if (*pid == 0) ::_exit(::getpid() == 1 ? 7 : 8);
    EXPECT_TRUE(pidfd.valid());
    EXPECT_EQ(WEXITSTATUS(wait_for(*pid)->status), 7);
}

TEST(WithoutNewerCalls, processes_and_descriptors_work_the_same) {
    if (calls_are_denied) return;
    for (const char* calls : {"clone3", "clone3=EPERM", "close_range", "close_range=EPERM", "linux-5.10",
                              "clone3,close_range,openat2,statx,faccessat2"}) {
        auto passed = passes_without(calls, "Descriptors.*:Clone.*:File*");
        EXPECT_TRUE(passed.ok()) << passed.error().message();
    }
}

TEST(KernelCalls, are_all_there_or_denied_as_the_filter_says) {
    EXPECT_EQ(kernel_has(Call::openat2), !calls_are_denied);
    if (calls_are_denied) return;
    auto passed = passes_without("openat2", "KernelCalls.*");
    EXPECT_TRUE(passed.ok()) << passed.error().message();
}

} // namespace
} // namespace hull::sys
