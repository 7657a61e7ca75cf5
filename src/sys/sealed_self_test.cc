#include "sys/sealed_self.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "sys/denied_calls.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace hull::sys {
namespace {

namespace fs = std::filesystem;

// What somebody who may do everything could try on a program that they reached
// through /proc, once nobody runs it any more (until then there is ETXTBSY).
bool can_be_written(const std::string& program) {
    UniqueFd file(::open(program.c_str(), O_WRONLY | O_CLOEXEC));
    return (file && ::pwrite(file.get(), "x", 1, 0) == 1) || ::truncate(program.c_str(), 0) == 0;
}

bool can_be_mounted_anew(const std::string& program) {
    struct mount_attr writable{};
    writable.attr_clr = MOUNT_ATTR_RDONLY;
    return ::mount_setattr(AT_FDCWD, program.c_str(), 0, &writable, sizeof writable) == 0 ||
           UniqueFd(::open_tree(AT_FDCWD, program.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)) ||
           ::mount(nullptr, program.c_str(), nullptr, MS_REMOUNT | MS_BIND, nullptr) == 0 ||
           ::mount(program.c_str(), "/dev/null", nullptr, MS_BIND, nullptr) == 0;
}

// Run in a child by the test below: once from the file, once as it should be.
TEST(SealedSelfChild, DISABLED_runs_from_where_nobody_can_write) {
    char self[] = "hull-test";
    char filter[] = "--gtest_filter=SealedSelfChild.*";
    char disabled[] = "--gtest_also_run_disabled_tests";
    char* argv[] = {self, filter, disabled, nullptr};
    if (run_unwritable(argv).ok()) ::raise(SIGSTOP); // only there we come here
    ::_exit(1);
}

TEST(SealedSelf, R1_nobody_can_write_to_the_program_by_way_of_proc) {
    const fs::path file = fs::path(testing::TempDir()) / ("hull-self-" + std::to_string(::getpid()));
    fs::copy_file("/proc/self/exe", file);
    pid_t pid = ::fork();
    if (pid == 0) {
        ::execl(file.c_str(), "hull-test", "--gtest_filter=SealedSelfChild.*", "--gtest_also_run_disabled_tests",
                nullptr);
        ::_exit(9);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, WUNTRACED), pid);
    ASSERT_TRUE(WIFSTOPPED(status)) << status;
    UniqueFd reached(::open(("/proc/" + std::to_string(pid) + "/exe").c_str(), O_PATH | O_CLOEXEC));
    ::kill(pid, SIGKILL);
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);

    ASSERT_TRUE(reached);
    const std::string program = "/proc/self/fd/" + std::to_string(reached.get());
    EXPECT_EQ(readlink(program)->starts_with("/memfd:"), mount_way() == MountWay::staged || ::geteuid() != 0);
    EXPECT_FALSE(can_be_mounted_anew(program));
    EXPECT_FALSE(can_be_written(program));
    EXPECT_TRUE(can_be_written(file)); // or the test shows nothing
    fs::remove(file);
}

TEST(SealedSelf, runs_from_memory_where_the_kernel_has_no_detached_mounts) {
    if (calls_are_denied) return;
    auto passed = passes_without("linux-5.10", "SealedSelf.R1*");
    EXPECT_TRUE(passed.ok()) << passed.error().message();
}

} // namespace
} // namespace hull::sys
