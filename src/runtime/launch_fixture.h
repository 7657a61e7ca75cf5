// Tests that launch real containers: a small root file system of busybox in a
// temporary folder, and the plan to run a shell line in it. Needs root.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/launch.h"

namespace hull::runtime {

struct Ran {
    bool executed = false;
    Error error{ErrorKind::internal, "nothing happened"};
    int status = 0;     // of waitpid(2)
    int exit_code = -1; // 128 + signal
    std::string out;    // standard output and error
    std::vector<std::pair<std::string, int64_t>> steps;
};

class LaunchTest : public testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    // Overlay of the busybox tree, a user namespace at base_id, all namespaces
    // fresh, Docker's mounts, no cgroup; runs `sh -c script`.
    Plan shell_plan(const std::string& script) const;
    // The same in the host's user namespace.
    static void use_host_users(Plan& plan);

    // From launch to the end of the program. Whatever it left is reaped.
    Ran run(const Plan& plan, std::span<const BorrowedFd> fds = {});
    // Starts it and keeps it running; pid is 0 on failure.
    struct Running {
        pid_t pid = 0;
        UniqueFd pidfd, out, terminal, listener;
        bool at_gate = false;
        Error error{ErrorKind::internal, ""};
        std::vector<std::pair<std::string, int64_t>> steps;
    };
    // Called with `listener` set, before the process goes on; false: it may not.
    std::function<bool(Running&)> on_listener;
    Running start(const Plan& plan, std::span<const BorrowedFd> fds = {});
    // Reads the report to its end.
    Running follow(Result<PendingLaunch> pending);
    Ran finish(Running running);
    static void stop(Running& running);

    std::string path(const std::string& relative) const { return root_ + "/" + relative; }
    void write(const std::string& relative, const std::string& text, unsigned mode = 0644);
    static constexpr uint32_t base_id = 0x70000000;
    // Not where newer system calls are denied. Then the tree and what containers
    // write belong to the outside ids.
    static bool has_id_mapped_mounts();
    static uint32_t on_disk(uint32_t id) { return has_id_mapped_mounts() ? id : base_id + id; }

private:
    void make_busybox_tree();
    std::string root_;
};

} // namespace hull::runtime
