#include "kernel/seccomp/seccomp.h"

#include <cstring>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::kernel::seccomp {
namespace {

using model::oci::Seccomp;
using model::oci::SeccompArg;
using testing::HasSubstr;

// A classic BPF machine, as far as seccomp allows it.
uint32_t run(const std::string& program, const seccomp_data& data) {
    std::vector<sock_filter> code(program.size() / sizeof(sock_filter));
    std::memcpy(code.data(), program.data(), program.size());
    uint32_t a = 0, x = 0, memory[16] = {};
    for (size_t at = 0; at < code.size(); ++at) {
        const sock_filter& i = code[at];
        auto jump = [&](bool taken) { at += taken ? i.jt : i.jf; };
        switch (i.code) {
        case BPF_LD | BPF_W | BPF_ABS: std::memcpy(&a, reinterpret_cast<const char*>(&data) + i.k, 4); break;
        case BPF_LD | BPF_MEM: a = memory[i.k]; break;
        case BPF_ST: memory[i.k] = a; break;
        case BPF_ALU | BPF_AND | BPF_K: a &= i.k; break;
        case BPF_MISC | BPF_TAX: x = a; break;
        case BPF_MISC | BPF_TXA: a = x; break;
        case BPF_JMP | BPF_JA: at += i.k; break;
        case BPF_JMP | BPF_JEQ | BPF_K: jump(a == i.k); break;
        case BPF_JMP | BPF_JGT | BPF_K: jump(a > i.k); break;
        case BPF_JMP | BPF_JGE | BPF_K: jump(a >= i.k); break;
        case BPF_JMP | BPF_JSET | BPF_K: jump(a & i.k); break;
        case BPF_RET | BPF_K: return i.k;
        default: ADD_FAILURE() << "unknown instruction " << i.code; return 0;
        }
    }
    ADD_FAILURE() << "the program has no end";
    return 0;
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

TEST(Seccomp, RefusesWhatItCantHonour) {
    auto with = [](auto change) {
        Seccomp s = allow({"read"});
        change(s);
        return compile(s);
    };
    using enum ErrorKind;
    EXPECT_EQ(with([](Seccomp& s) { s.default_action = "SCMP_ACT_X"; }).error().kind(), invalid_argument);
    EXPECT_EQ(with([](Seccomp& s) { s.architectures = {"Z80"}; }).error().kind(), invalid_argument);
    EXPECT_EQ(with([](Seccomp& s) { s.flags = {"X"}; }).error().kind(), invalid_argument);
    EXPECT_EQ(with([](Seccomp& s) { s.syscalls[0].action = "SCMP_ACT_NOTIFY"; }).error().kind(), unsupported);
    EXPECT_EQ(with([](Seccomp& s) { s.listener_path = "/x"; }).error().kind(), unsupported);
    EXPECT_EQ(with([](Seccomp& s) { s.syscalls[0].args = {{6, 0, 0, "SCMP_CMP_EQ"}}; }).error().kind(),
              invalid_argument);
    auto bad = with([](Seccomp& s) { s.syscalls[0].args = {{0, 0, 0, "SCMP_CMP_??"}}; });
    EXPECT_THAT(bad.error().message(), HasSubstr("unknown seccomp operator"));
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
