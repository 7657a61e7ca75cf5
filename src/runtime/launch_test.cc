#include "runtime/launch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/launch_fixture.h"

namespace hull::runtime {
namespace {

TEST_F(LaunchTest, runs_a_program_as_root_inside_and_nobody_outside) {
    auto ran = run(shell_plan("id -u; id -g; cat /proc/self/uid_map; hostname; echo pid $$; pwd; env"));
    ASSERT_TRUE(ran.executed) << ran.error.message();
    EXPECT_EQ(ran.exit_code, 0) << ran.out;
}

} // namespace
} // namespace hull::runtime
