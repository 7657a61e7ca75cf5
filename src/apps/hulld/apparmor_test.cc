#include "apps/hulld/apparmor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(AppArmorProfile, NamesItselfAndDeniesWhatDockersDoes) {
    const std::string text = apparmor_profile_text("mine", "/nowhere");
    EXPECT_THAT(text, HasSubstr("profile mine flags=(attach_disconnected,mediate_deleted) {\n"));
    EXPECT_THAT(text, HasSubstr("signal (send, receive) peer=mine,"));
    EXPECT_THAT(text, HasSubstr("ptrace (trace, read, tracedby, readby) peer=mine,"));
    for (const char* rule : {"deny mount,", "deny @{PROC}/* w,", "deny @{PROC}/sysrq-trigger rwklx,",
                             "deny @{PROC}/kcore rwklx,", "deny /sys/firmware/** rwklx,",
                             "deny /sys/kernel/security/** rwklx,", "  network,\n", "  capability,\n", "  file,\n"})
        EXPECT_THAT(text, HasSubstr(rule));
    EXPECT_THAT(text, Not(HasSubstr("@NAME@")));
}

TEST(AppArmorProfile, DoesWithoutWhatADistributionHasNot) {
    const std::string text = apparmor_profile_text("mine", "/nowhere");
    EXPECT_THAT(text, HasSubstr("@{PROC}=/proc/\n"));
    EXPECT_THAT(text, Not(HasSubstr("#include")));
}

} // namespace
} // namespace hull
