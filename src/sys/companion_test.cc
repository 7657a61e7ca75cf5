#include "sys/companion.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace hull::sys {
namespace {

// In a child: the other thread must be gone by the end of the process.
int status_of(int (*body)()) {
    pid_t pid = ::fork();
    if (pid == 0) ::_exit(body());
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status;
}

TEST(Companion, WorksWhileTheOtherWaits) {
    EXPECT_EQ(status_of([] {
                  static pid_t thread = 0, process = 0;
                  static int seen = -1;
                  static Companion companion([](int value) {
                      thread = static_cast<pid_t>(::syscall(SYS_gettid));
                      process = ::getpid();
                      seen = value;
                      return true;
                  });
                  if (!companion.start().ok() || !companion.hand_over(7)) return 1;
                  return seen == 7 && process == ::getpid() && thread != process ? 0 : 2;
              }),
              0);
}

TEST(Companion, TellsThatItsWorkFailed) {
    EXPECT_EQ(status_of([] {
                  static Companion companion([](int) { return false; });
                  return companion.start().ok() && !companion.hand_over(0) ? 0 : 1;
              }),
              0);
}

TEST(Companion, GivesUpWithoutWork) {
    EXPECT_EQ(status_of([] {
                  static bool worked = false;
                  static Companion companion([](int) { return worked = true; });
                  if (!companion.start().ok()) return 1;
                  companion.give_up();
                  ::usleep(20'000);
                  return worked ? 2 : 0;
              }),
              0);
}

} // namespace
} // namespace hull::sys
