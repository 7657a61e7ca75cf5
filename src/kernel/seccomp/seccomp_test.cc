#include "kernel/seccomp/seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <gtest/gtest.h>

#include "kernel/seccomp/bpf_machine.h"
#include "kernel/seccomp/syscalls.h"

namespace hull::kernel::seccomp {
namespace {

using model::oci::Seccomp;
using model::oci::SeccompArg;

uint32_t run(const std::string& program, const seccomp_data& data) {
    auto answer = BpfMachine(program).run(data);
    if (!answer) ADD_FAILURE() << "not a program";
    return answer.value_or(0);
}

uint32_t call(const std::string& program, uint32_t arch, int number, uint64_t first_arg = 0) {
    seccomp_data data{};
    data.nr = number;
    data.arch = arch;
    data.args[0] = first_arg;
    return run(program, data);
}

Seccomp allow(std::vector<std::string> names) {
    Seccomp s;
    s.default_action = "SCMP_ACT_ERRNO";
    s.architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
    s.syscalls.push_back({.names = std::move(names), .action = "SCMP_ACT_ALLOW", .errno_ret = {}, .args = {}});
    return s;
}

constexpr uint32_t denied = SECCOMP_RET_ERRNO | EPERM;
constexpr uint32_t unknown = SECCOMP_RET_ERRNO | ENOSYS;

int number_of(uint32_t arch, const char* name) { return seccomp_syscall_resolve_name_arch(arch, name); }

TEST(Seccomp, AllowsWhatIsListedAndDeniesTheRest) {
    auto filter = compile(allow({"read", "write", "futex_waitv"}));
    ASSERT_TRUE(filter.ok()) << filter.error().message();
    for (uint32_t arch : {uint32_t{SCMP_ARCH_X86_64}, uint32_t{SCMP_ARCH_X86}}) {
        EXPECT_EQ(call(filter->program, arch, number_of(arch, "read")), SECCOMP_RET_ALLOW);
        EXPECT_EQ(call(filter->program, arch, number_of(arch, "ptrace")), denied);
    }
    // x32 shares x86-64's architecture.
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, number_of(SCMP_ARCH_X32, "write")), SECCOMP_RET_ALLOW);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, number_of(SCMP_ARCH_X32, "getpid")), denied);
    EXPECT_EQ(filter->flags, uint32_t{SECCOMP_FILTER_FLAG_SPEC_ALLOW});
}

TEST(Seccomp, CallsNewerThanTheProfileDontExist) {
    auto filter = compile(allow({"read", "clone3"}));
    ASSERT_TRUE(filter.ok());
    int newest = number_of(SCMP_ARCH_X86_64, "clone3");
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, newest), SECCOMP_RET_ALLOW);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, newest + 1), unknown);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86, newest + 1), unknown);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, 0x40000000 + newest + 1), unknown);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, newest - 1), denied);
}

TEST(Seccomp, LeavesOutNamesItDoesNotKnow) {
    auto filter = compile(allow({"read", "no_such_call"}));
    ASSERT_TRUE(filter.ok());
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, 0), SECCOMP_RET_ALLOW);
}

TEST(Seccomp, ComparesArguments) {
    Seccomp s = allow({"futex_waitv"});
    s.syscalls.push_back({.names = {"personality"},
                          .action = "SCMP_ACT_ALLOW",
                          .errno_ret = {},
                          .args = {{0, 8, 0, "SCMP_CMP_EQ"}, {0, 131072, 0, "SCMP_CMP_EQ"}}});
    s.syscalls.push_back({.names = {"clone"},
                          .action = "SCMP_ACT_ALLOW",
                          .errno_ret = {},
                          .args = {{0, 0x7E020000, 0, "SCMP_CMP_MASKED_EQ"}}});
    auto filter = compile(s);
    ASSERT_TRUE(filter.ok()) << filter.error().message();
    int personality = number_of(SCMP_ARCH_X86_64, "personality"), clone = number_of(SCMP_ARCH_X86_64, "clone");
    // Two comparisons of one argument are alternatives.
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, personality, 8), SECCOMP_RET_ALLOW);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, personality, 131072), SECCOMP_RET_ALLOW);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, personality, 9), denied);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, clone, 0x11), SECCOMP_RET_ALLOW);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, clone, 0x10000000), denied);
}

TEST(Seccomp, ReturnsTheErrnoAskedFor) {
    Seccomp s = allow({"futex_waitv"});
    s.syscalls.push_back({.names = {"clone3"}, .action = "SCMP_ACT_ERRNO", .errno_ret = ENOSYS, .args = {}});
    s.default_errno_ret = EACCES;
    auto filter = compile(s);
    ASSERT_TRUE(filter.ok());
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, number_of(SCMP_ARCH_X86_64, "clone3")), unknown);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, 1), SECCOMP_RET_ERRNO | EACCES);
}

TEST(Seccomp, APermissiveProfileHasNoEnosys) {
    Seccomp s;
    s.default_action = "SCMP_ACT_ALLOW";
    s.syscalls.push_back({.names = {"ptrace"}, .action = "SCMP_ACT_ERRNO", .errno_ret = {}, .args = {}});
    auto filter = compile(s);
    ASSERT_TRUE(filter.ok());
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, 5000), SECCOMP_RET_ALLOW);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, number_of(SCMP_ARCH_X86_64, "ptrace")), denied);
}

TEST(Seccomp, TheFirstRuleThatMatchesDecides) {
    Seccomp s = allow({"futex_waitv"});
    auto add = [&](const char* action, uint64_t value) {
        s.syscalls.push_back(
            {.names = {"personality"}, .action = action, .errno_ret = {}, .args = {{0, value, 0, "SCMP_CMP_GE"}}});
    };
    add("SCMP_ACT_TRAP", 8);
    add("SCMP_ACT_LOG", 4);
    add("SCMP_ACT_KILL_PROCESS", 0);
    auto filter = compile(s);
    ASSERT_TRUE(filter.ok());
    int personality = number_of(SCMP_ARCH_X86_64, "personality");
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, personality, 9), SECCOMP_RET_TRAP);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, personality, 5), SECCOMP_RET_LOG);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, personality, 0), SECCOMP_RET_KILL_PROCESS);
    // One without conditions stands above them all.
    s.syscalls.push_back({.names = {"personality"}, .action = "SCMP_ACT_TRACE", .errno_ret = 7, .args = {}});
    EXPECT_EQ(call(compile(s)->program, SCMP_ARCH_X86_64, personality, 9), SECCOMP_RET_TRACE | 7);
}

TEST(Seccomp, AnArchitectureThatIsNotListedIsKilled) {
    Seccomp s = allow({"read", "write"});
    s.architectures = {"SCMP_ARCH_X86_64"};
    auto filter = compile(s);
    ASSERT_TRUE(filter.ok());
    int write = number_of(SCMP_ARCH_X86_64, "write");
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, write), SECCOMP_RET_ALLOW);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86, write), SECCOMP_RET_KILL_THREAD);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_AARCH64, write), SECCOMP_RET_KILL_THREAD);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, 0x40000000 | write), SECCOMP_RET_KILL_THREAD);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, -1), unknown);
}

TEST(Seccomp, NumbersFarFromTheOthersDontMakeTheOnesBetweenKnown) {
    Seccomp s = allow({"read", "clone3", "set_tls"});
    s.architectures = {"SCMP_ARCH_ARM", "SCMP_ARCH_X32"};
    auto filter = compile(s);
    ASSERT_TRUE(filter.ok());
    EXPECT_EQ(call(filter->program, SCMP_ARCH_ARM, 0xf0005), SECCOMP_RET_ALLOW);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_ARM, 0xf0001), denied);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_ARM, 436), unknown);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, 0x40000000 + 436), unknown);
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, 0x40000000 + 520), denied); // execve of x32
}

// Every nth name, for all architectures: far more ranges than profiles have.
Seccomp scattered(unsigned nth) {
    std::vector<std::string> names;
    for (unsigned row = 0; row < syscall_name_count(); row += nth)
        names.emplace_back(to_string(static_cast<SyscallName>(row)));
    Seccomp s = allow(names);
    s.architectures.clear();
    for (const Architecture& arch : architectures()) s.architectures.emplace_back(arch.name);
    return s;
}

TEST(Seccomp, ProgramsMayBeLongerThanAJump) {
    auto filter = compile(scattered(4));
    ASSERT_TRUE(filter.ok()) << filter.error().message();
    for (const Architecture& arch : architectures())
        for (unsigned row = 0; row < syscall_name_count(); ++row) {
            auto number = seccomp::number_of(static_cast<SyscallName>(row), arch);
            if (!number) continue;
            uint32_t answer = call(filter->program, arch.audit, static_cast<int>(*number));
            bool allowed = row % 4 == 0;
            EXPECT_EQ(answer == SECCOMP_RET_ALLOW, allowed) << arch.name << " " << to_string(SyscallName(row));
            EXPECT_TRUE(allowed || answer == denied || answer == unknown);
        }
}

TEST(Seccomp, RefusesWhatTheKernelWouldNotTake) {
    auto filter = compile(scattered(2));
    ASSERT_FALSE(filter.ok());
    EXPECT_EQ(filter.error().kind(), ErrorKind::too_large);
}

TEST(Seccomp, ErrorsNameTheField) {
    auto with = [](auto change) {
        Seccomp s = allow({"read"});
        change(s);
        auto filter = compile(s);
        EXPECT_FALSE(filter.ok());
        EXPECT_EQ(filter.error().kind(), ErrorKind::invalid_argument);
        return filter.error().message();
    };
    EXPECT_EQ(with([](Seccomp& s) { s.default_action = "SCMP_ACT_X"; }),
              "linux.seccomp.defaultAction: unknown seccomp action \"SCMP_ACT_X\"");
    EXPECT_EQ(with([](Seccomp& s) {
                  s.default_action = "SCMP_ACT_KILL";
                  s.default_errno_ret = 1;
              }),
              "linux.seccomp.defaultErrnoRet: 1 is given, but SCMP_ACT_KILL has no number to return");
    EXPECT_EQ(with([](Seccomp& s) { s.default_errno_ret = 4096; }),
              "linux.seccomp.defaultErrnoRet: 4096 is above 4095");
    EXPECT_EQ(with([](Seccomp& s) { s.architectures[1] = "Z80"; }),
              "linux.seccomp.architectures[1]: unknown seccomp architecture \"Z80\"");
    EXPECT_EQ(with([](Seccomp& s) { s.flags = {"X"}; }), "linux.seccomp.flags[0]: unknown seccomp flag \"X\"");
    EXPECT_EQ(with([](Seccomp& s) { s.syscalls[0].names.clear(); }),
              "linux.seccomp.syscalls[0].names: names no system call");
    EXPECT_EQ(with([](Seccomp& s) { s.syscalls[0].action = ""; }),
              "linux.seccomp.syscalls[0].action: unknown seccomp action \"\"");
    EXPECT_EQ(with([](Seccomp& s) { s.syscalls[0].errno_ret = 1; }),
              "linux.seccomp.syscalls[0].errnoRet: 1 is given, but SCMP_ACT_ALLOW has no number to return");
    EXPECT_EQ(with([](Seccomp& s) { s.syscalls[0].args = {{0, 0, 0, "SCMP_CMP_EQ"}, {6, 0, 0, "SCMP_CMP_EQ"}}; }),
              "linux.seccomp.syscalls[0].args[1].index: 6 is above 5");
    EXPECT_EQ(with([](Seccomp& s) { s.syscalls[0].args = {{0, 0, 0, "SCMP_CMP_??"}}; }),
              "linux.seccomp.syscalls[0].args[0].op: unknown seccomp operator \"SCMP_CMP_??\"");
}

TEST(Seccomp, AListenerIsAskedForOnlyWhereSomethingNotifies) {
    Seccomp s = allow({"read"});
    s.flags = {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_LOG"};
    s.listener_path = "/run/agent.sock";
    s.listener_metadata = "some text";
    auto filter = compile(s);
    ASSERT_TRUE(filter.ok());
    EXPECT_EQ(filter->flags, uint32_t{SECCOMP_FILTER_FLAG_LOG});
    EXPECT_EQ(filter->listener_path, "");
    s.syscalls.push_back({.names = {"mkdir"}, .action = "SCMP_ACT_NOTIFY", .errno_ret = {}, .args = {}});
    filter = compile(s);
    ASSERT_TRUE(filter.ok()) << filter.error().message();
    EXPECT_EQ(filter->flags, uint32_t{SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_NEW_LISTENER |
                                      SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV});
    EXPECT_EQ(filter->listener_path, "/run/agent.sock");
    EXPECT_EQ(filter->listener_metadata, "some text");
    EXPECT_EQ(call(filter->program, SCMP_ARCH_X86_64, number_of(SCMP_ARCH_X86_64, "mkdir")), SECCOMP_RET_USER_NOTIF);
    s.listener_path = "";
    EXPECT_EQ(compile(s).error().message(), "linux.seccomp.listenerMetadata: \"some text\": there is no listenerPath");
    s.listener_metadata = "";
    EXPECT_EQ(compile(s).error().message(),
              "linux.seccomp.listenerPath: \"\": SCMP_ACT_NOTIFY needs the absolute path of a socket");
}

TEST(Seccomp, CacheKeysTellProfilesApart) {
    Seccomp a = allow({"read", "write"}), b = allow({"readwrite"});
    EXPECT_EQ(cache_key(a), cache_key(allow({"read", "write"})));
    EXPECT_NE(cache_key(a), cache_key(b));
    b = a;
    b.default_errno_ret = 0;
    EXPECT_NE(cache_key(a), cache_key(b));
}

} // namespace
} // namespace hull::kernel::seccomp
