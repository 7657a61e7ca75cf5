// The programs against libseccomp's and against the rules applied one by one.
#include "kernel/seccomp/program.h"

#include <random>
#include <sstream>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "kernel/seccomp/bpf_machine.h"
#include "kernel/seccomp/libseccomp_oracle.h"
#include "kernel/seccomp/seccomp.h"

namespace hull::kernel::seccomp {
namespace {

using model::oci::Seccomp;
using model::oci::SeccompArg;
using model::oci::SeccompSyscall;

constexpr std::array<const char*, 9> some_actions{
    "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_LOG",   "SCMP_ACT_TRACE", "SCMP_ACT_TRAP", "SCMP_ACT_NOTIFY",
};
constexpr std::array<const char*, 7> some_operators{"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",       "SCMP_CMP_EQ",
                                                    "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"};
constexpr std::array<uint64_t, 12> some_values{
    0, 1, 2, 3, 40, 0x7e020000, 0xffffffff, 0x100000000, 0x100000001, 0x7fffffff00000002, UINT64_MAX - 1, UINT64_MAX};
// Plain ones, multiplexed ones, those with numbers far from the others', and
// one that no architecture has. (libseccomp 2.5 knows them all as we do.)
constexpr std::array<const char*, 22> some_names{
    "read",       "write",       "clone", "clone3", "personality", "socket",      "accept", "accept4",
    "socketcall", "ipc",         "shmat", "semop",  "sendmsg",     "execveat",    "ptrace", "set_tls",
    "mmap2",      "futex_waitv", "ioctl", "bind",   "breakpoint",  "no_such_call"};

template <class Array>
auto one_of(const Array& values) {
    return *rc::gen::elementOf(values);
}

SeccompArg random_arg() {
    return {.index = *rc::gen::inRange(0U, 3U),
            .value = one_of(some_values),
            .value_two = one_of(some_values),
            .op = one_of(some_operators)};
}

void set_action(std::string& action, std::optional<uint32_t>& number) {
    action = one_of(some_actions);
    bool takes_number = action == "SCMP_ACT_ERRNO" || action == "SCMP_ACT_TRACE";
    if (takes_number && *rc::gen::arbitrary<bool>()) number = *rc::gen::inRange(0U, 4U);
}

Seccomp random_profile() {
    Seccomp profile;
    profile.listener_path = "/run/agent.sock";
    set_action(profile.default_action, profile.default_errno_ret);
    auto arches = architectures();
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
        profile.architectures.emplace_back(arches[*rc::gen::inRange<size_t>(0, arches.size())].name);
    for (int rules = *rc::gen::inRange(0, 7); rules > 0; --rules) {
        SeccompSyscall& rule = profile.syscalls.emplace_back();
        for (int i = *rc::gen::inRange(1, 5); i > 0; --i) rule.names.emplace_back(one_of(some_names));
        set_action(rule.action, rule.errno_ret);
        for (int i = *rc::gen::inRange(0, 4); i > 0; --i) rule.args.push_back(random_arg());
    }
    return profile;
}

std::vector<uint32_t> numbers_to_try(const Architecture& arch, const oracle::Rules& rules) {
    std::vector<uint32_t> out;
    for (uint32_t n = 0; n < 700; ++n) out.push_back(arch.base + n);
    for (uint32_t n = 0; n < 16; ++n) out.push_back(arch.base + 0xefff8 + n);
    for (uint32_t n : rules.numbers_with_rules()) out.push_back(n);
    if (arch.base > 0) out.push_back(arch.base - 1);
    out.push_back(0xfffffffe);
    return out;
}

std::string as_text(const Seccomp& profile) {
    model::oci::Spec spec;
    spec.linux_.emplace().seccomp = profile;
    return model::oci::print_spec(spec);
}

// Every number with a few arguments; those with conditions with many.
void compare(const Seccomp& profile, const Architecture& arch, BpfMachine& ours) {
    oracle::Rules rules(profile, arch);
    std::string other = oracle::libseccomp_program(profile, arch);
    RC_ASSERT(!other.empty());
    BpfMachine theirs(other);
    std::minstd_rand random(*rc::gen::arbitrary<unsigned>());
    auto special = rules.numbers_with_rules();
    for (uint32_t number : numbers_to_try(arch, rules)) {
        // Bits that x86-64's and x32's share a filter by.
        bool foreign = arch.audit == native_architecture().audit && (number >= x32_bit) != (arch.base == x32_bit);
        if (foreign) continue;
        int tries = std::ranges::binary_search(special, number) ? 60 : 1;
        for (int i = 0; i < tries; ++i) {
            uint64_t args[6] = {};
            for (uint64_t& arg : args) arg = some_values[random() % some_values.size()] + random() % 3 - 1;
            seccomp_data data = oracle::call(arch, number, args);
            oracle::Answer expected = rules.answer(number, args);
            auto answer = ours.run(data);
            bool same = answer == expected.action;
            if (!expected.beyond && !expected.disputed) same = same && theirs.run(data) == answer;
            if (same) continue;
            std::ostringstream text;
            text << std::hex << arch.name << " number " << number << " args " << args[0] << " " << args[1] << " "
                 << args[2] << ": ours " << answer.value_or(1) << ", the rules' " << expected.action
                 << ", libseccomp's " << theirs.run(data).value_or(1) << "\n"
                 << as_text(profile);
            RC_FAIL(text.str());
        }
    }
}

bool libseccomp_knows(const std::string& name) { return oracle::token_of(*find_architecture(name)) != 0; }

RC_GTEST_PROP(SeccompProgram, AnswersAsLibseccompAndAsTheRules, ()) {
    Seccomp profile = random_profile();
    std::erase_if(profile.architectures, [](const std::string& name) { return !libseccomp_knows(name); });
    auto filter = compile(profile);
    RC_ASSERT(filter.ok());
    if (filter->program.empty()) return; // allows everything
    BpfMachine ours(filter->program);
    compare(profile, native_architecture(), ours);
    for (const std::string& name : profile.architectures) compare(profile, *find_architecture(name), ours);
}

} // namespace
} // namespace hull::kernel::seccomp
