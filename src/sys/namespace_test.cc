#include "sys/namespace.h"

#include <csignal>
#include <ctime>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/file.h"

namespace hull::sys {
namespace {

// Makes holders until it is killed.
[[noreturn]] void make_holders() {
    for (;;) {
        auto holder = NamespaceHolder::create(CLONE_NEWUSER);
        if (!holder.ok()) ::_exit(1);
    }
}

TEST(NamespaceHolder, DiesWithAParentThatIsKilledAtAnyMoment) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0); // orphans come here
    for (long i = 0; i < 300; ++i) {
        const pid_t parent = ::fork();
        if (parent == 0) make_holders();
        const timespec moment{0, 200'000 + i * 3'000};
        ::nanosleep(&moment, nullptr);
        ::kill(parent, SIGKILL);
        int status = 0;
        ASSERT_EQ(::waitpid(parent, &status, 0), parent);
        ASSERT_TRUE(WIFSIGNALED(status));
        // Whatever it left ends by itself.
        const time_t limit = ::time(nullptr) + 10;
        pid_t left = 0;
        while ((left = ::waitpid(-1, nullptr, WNOHANG | __WALL)) >= 0 && ::time(nullptr) < limit) ::usleep(200);
        if (left == 0) {
            FAIL() << "an orphan lives on";
        }
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

TEST(NamespaceHolder, KeepsNoneOfItsParentsFiles) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    auto holder = NamespaceHolder::create(CLONE_NEWUSER);
    ASSERT_TRUE(holder.ok()) << holder.error().message();
    const std::string files = "/proc/" + std::to_string(holder->pid()) + "/fd";
    auto open = list_dir(files);
    for (int i = 0; i < 1000 && open.ok() && !open->empty(); ++i) {
        ::usleep(1000);
        open = list_dir(files);
    }
    ASSERT_TRUE(open.ok()) << open.error().message();
    EXPECT_TRUE(open->empty());
}

} // namespace
} // namespace hull::sys
