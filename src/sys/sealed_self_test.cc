#include "sys/sealed_self.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/denied_calls.h"

namespace hull::sys {
namespace {

constexpr int was_sealed = 42;

// Run in a child by the test below: once from the file, once from the copy.
TEST(SealedSelfChild, DISABLED_runs_from_a_sealed_copy) {
    char self[] = "hull-test";
    char filter[] = "--gtest_filter=SealedSelfChild.*";
    char disabled[] = "--gtest_also_run_disabled_tests";
    char* argv[] = {self, filter, disabled, nullptr};
    if (!run_from_sealed_copy(argv).ok()) ::_exit(1);
    // Only the copy comes here. It can't be opened for writing, whoever asks,
    // nor is it the file on the disk.
    if (::open("/proc/self/exe", O_WRONLY | O_CLOEXEC) >= 0) ::_exit(2);
    int fd = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (::fcntl(fd, F_GET_SEALS) < 0 || !(::fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE)) ::_exit(3);
    struct stat info{};
    if (::fstat(fd, &info) != 0 || info.st_nlink != 0) ::_exit(4);
    ::_exit(was_sealed);
}

TEST(SealedSelf, R1_the_running_program_is_not_the_file_on_the_disk) {
    pid_t pid = ::fork();
    if (pid == 0) {
        ::execl("/proc/self/exe", "hull-test", "--gtest_filter=SealedSelfChild.*", "--gtest_also_run_disabled_tests",
                nullptr);
        ::_exit(9);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), was_sealed);
}

TEST(SealedSelf, works_where_memory_files_know_no_mfd_exec) {
    if (calls_are_denied) return;
    auto passed = passes_without("linux-5.10", "SealedSelf.R1*");
    EXPECT_TRUE(passed.ok()) << passed.error().message();
}

} // namespace
} // namespace hull::sys
