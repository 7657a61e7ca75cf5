#include "kernel/seccomp/seccomp.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include "sys/memory_file.h"

namespace hull::kernel::seccomp {

namespace {

using model::oci::Seccomp;
using model::oci::SeccompArg;
using model::oci::SeccompSyscall;

template <class T>
struct Named {
    std::string_view name;
    T value;
};

template <class Table>
auto look_up(const Table& table, std::string_view name) -> std::optional<decltype(table[0].value)> {
    for (const auto& entry : table)
        if (entry.name == name) return entry.value;
    return std::nullopt;
}

constexpr std::array<Named<uint32_t>, 18> architectures{{
    {"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64},
    {"SCMP_ARCH_X86", SCMP_ARCH_X86},
    {"SCMP_ARCH_X32", SCMP_ARCH_X32},
    {"SCMP_ARCH_ARM", SCMP_ARCH_ARM},
    {"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64},
    {"SCMP_ARCH_MIPS", SCMP_ARCH_MIPS},
    {"SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64},
    {"SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32},
    {"SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL},
    {"SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64},
    {"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32},
    {"SCMP_ARCH_PPC", SCMP_ARCH_PPC},
    {"SCMP_ARCH_PPC64", SCMP_ARCH_PPC64},
    {"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE},
    {"SCMP_ARCH_S390", SCMP_ARCH_S390},
    {"SCMP_ARCH_S390X", SCMP_ARCH_S390X},
    {"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64},
    {"SCMP_ARCH_PARISC", SCMP_ARCH_PARISC},
}};

constexpr std::array<Named<uint32_t>, 9> actions{{
    {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
    {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0)},
    {"SCMP_ACT_KILL", SCMP_ACT_KILL},
    {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
    {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_LOG", SCMP_ACT_LOG},
    {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0)},
    {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
    {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
}};

constexpr std::array<Named<scmp_compare>, 7> operators{{
    {"SCMP_CMP_NE", SCMP_CMP_NE},
    {"SCMP_CMP_LT", SCMP_CMP_LT},
    {"SCMP_CMP_LE", SCMP_CMP_LE},
    {"SCMP_CMP_EQ", SCMP_CMP_EQ},
    {"SCMP_CMP_GE", SCMP_CMP_GE},
    {"SCMP_CMP_GT", SCMP_CMP_GT},
    {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
}};

constexpr std::array<Named<uint32_t>, 3> flags{{
    {"SECCOMP_FILTER_FLAG_TSYNC", 0}, // one thread loads it: nothing to synchronise
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
}};

Error unknown(const char* what, const std::string& name) {
    return Error(ErrorKind::invalid_argument, std::string("unknown seccomp ") + what + " \"" + name + "\"");
}

Result<uint32_t> parse_action(const std::string& name, std::optional<uint32_t> errno_ret) {
    auto action = look_up(actions, name);
    if (!action) return unknown("action", name);
    if (*action == SCMP_ACT_NOTIFY)
        return Error(ErrorKind::unsupported, "seccomp action SCMP_ACT_NOTIFY is not there yet");
    if (*action == SCMP_ACT_ERRNO(0) || *action == SCMP_ACT_TRACE(0)) {
        uint32_t code = errno_ret.value_or(EPERM);
        if (code > 4095)
            return Error(ErrorKind::invalid_argument, "seccomp errno " + std::to_string(code) + " is too large");
        return *action | code;
    }
    return *action;
}

Error from_libseccomp(const char* call, int code) { return Error::from_errno(call, -code); }

struct ContextCloser {
    void operator()(void* context) const { seccomp_release(context); }
};

// One architecture's filter.
class Compiler {
public:
    static Result<std::string> run(const Seccomp& profile, uint32_t arch, uint32_t default_action);

private:
    explicit Compiler(uint32_t default_action) : default_action_(default_action) {}

    uint32_t default_action_;
    std::unique_ptr<void, ContextCloser> context_;

    Result<void> begin(uint32_t arch);
    Result<void> add(const SeccompSyscall& rule);
    Result<void> add_name(int number, uint32_t action, const std::vector<scmp_arg_cmp>& args);
    Result<std::string> program() const;
};

Result<void> Compiler::begin(uint32_t arch) {
    context_.reset(seccomp_init(default_action_));
    if (!context_) return Error(ErrorKind::internal, "seccomp_init failed");
    if (arch == seccomp_arch_native()) return {};
    if (int r = seccomp_arch_add(context_.get(), arch); r < 0) return from_libseccomp("seccomp_arch_add", r);
    if (int r = seccomp_arch_remove(context_.get(), SCMP_ARCH_NATIVE); r < 0)
        return from_libseccomp("seccomp_arch_remove", r);
    return {};
}

Result<scmp_arg_cmp> parse_arg(const SeccompArg& arg) {
    auto op = look_up(operators, arg.op);
    if (!op) return unknown("operator", arg.op);
    if (arg.index > 5)
        return Error(ErrorKind::invalid_argument,
                     "seccomp argument index " + std::to_string(arg.index) + " is above 5");
    return scmp_arg_cmp{arg.index, *op, arg.value, arg.value_two};
}

Result<void> Compiler::add_name(int number, uint32_t action, const std::vector<scmp_arg_cmp>& args) {
    int r = seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(args.size()),
                                   args.empty() ? nullptr : args.data());
    if (r < 0 && r != -EEXIST) return from_libseccomp("seccomp_rule_add", r);
    return {};
}

Result<void> Compiler::add(const SeccompSyscall& rule) {
    uint32_t action = TRY(parse_action(rule.action, rule.errno_ret));
    std::vector<scmp_arg_cmp> args;
    std::set<unsigned> indexes;
    for (const SeccompArg& arg : rule.args) {
        args.push_back(TRY(parse_arg(arg)));
        indexes.insert(arg.index);
    }
    // libseccomp refuses rules that say nothing new.
    if (action == default_action_) return {};
    for (const std::string& name : rule.names) {
        int number = seccomp_syscall_resolve_name(name.c_str());
        if (number == __NR_SCMP_ERROR) continue;
        if (indexes.size() == args.size()) {
            TRY(add_name(number, action, args).context("seccomp rule for " + name));
        } else {
            // libseccomp takes an argument once per rule. As in runc, several
            // comparisons of one argument are then alternatives.
            for (const scmp_arg_cmp& arg : args)
                TRY(add_name(number, action, {arg}).context("seccomp rule for " + name));
        }
    }
    return {};
}

Result<std::string> Compiler::program() const {
    UniqueFd file = TRY(sys::make_memory_file("seccomp"));
    if (int r = seccomp_export_bpf(context_.get(), file.get()); r < 0) return from_libseccomp("seccomp_export_bpf", r);
    return sys::read_memory_file(file);
}

Result<std::string> Compiler::run(const Seccomp& profile, uint32_t arch, uint32_t default_action) {
    Compiler compiler(default_action);
    TRY(compiler.begin(arch));
    for (const SeccompSyscall& rule : profile.syscalls) TRY(compiler.add(rule));
    return compiler.program();
}

// ---- putting architectures together ------------------------------------------

std::string bytes_of(const std::vector<sock_filter>& code) {
    return std::string(reinterpret_cast<const char*>(code.data()), code.size() * sizeof(sock_filter));
}

constexpr uint32_t x32_bit = 0x40000000;

// The highest number that the profile names; 0 without any.
uint32_t highest_named(const Seccomp& profile, uint32_t arch) {
    uint32_t highest = 0;
    for (const SeccompSyscall& rule : profile.syscalls)
        for (const std::string& name : rule.names)
            if (int n = seccomp_syscall_resolve_name_arch(arch, name.c_str()); n > 0)
                highest = std::max(highest, static_cast<uint32_t>(n));
    return highest;
}

// Numbers above the highest one that the profile names are system calls that
// its author couldn't know: they don't exist, as far as programs can tell, and
// those then use the older ones (glibc: faccessat2, clone3, ...).
void deny_unknown(uint32_t highest, std::vector<sock_filter>& code) {
    code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, highest, 0, 1));
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
}

// What runs for one architecture only: jumps over body otherwise. x86-64 and
// x32 share an architecture; a bit of the number tells them apart.
std::string only_for(uint32_t arch, const std::string& body) {
    bool x32 = arch == SCMP_ARCH_X32;
    uint32_t audit = x32 ? SCMP_ARCH_X86_64 : arch;
    auto length = static_cast<uint32_t>(body.size() / sizeof(sock_filter));
    std::vector<sock_filter> code;
    code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
    if (audit == SCMP_ARCH_X86_64) {
        code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, audit, 0, 2));
        code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
        code.push_back(x32 ? sock_filter BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32_bit, 1, 0)
                           : sock_filter BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32_bit, 0, 1));
    } else {
        code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, audit, 1, 0));
    }
    // A conditional jump reaches 255 instructions only.
    code.push_back(BPF_STMT(BPF_JMP | BPF_JA, length));
    return bytes_of(code) + body;
}

// One filter per architecture, each behind a test for it: libseccomp takes
// three times as long for one filter of them all.
Result<std::string> compile_all(const Seccomp& profile, const std::vector<uint32_t>& arches, uint32_t default_action) {
    bool denies = (default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
    bool deny_newer = denies && default_action != SCMP_ACT_ERRNO(ENOSYS);
    std::string program;
    for (uint32_t arch : arches) {
        std::vector<sock_filter> head;
        if (uint32_t highest = deny_newer ? highest_named(profile, arch) : 0; highest != 0) deny_unknown(highest, head);
        program += only_for(arch, bytes_of(head) + TRY(Compiler::run(profile, arch, default_action)));
    }
    // An architecture that the profile doesn't list.
    program += bytes_of({BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_THREAD)});
    if (size_t length = program.size() / sizeof(sock_filter); length > BPF_MAXINSNS)
        return Error(ErrorKind::too_large, "the profile makes a program of " + std::to_string(length) +
                                               " instructions, more than the kernel takes");
    return program;
}

Result<std::vector<uint32_t>> parse_architectures(const std::vector<std::string>& names) {
    std::vector<uint32_t> arches{seccomp_arch_native()};
    for (const std::string& name : names) {
        auto arch = look_up(architectures, name);
        if (!arch) return unknown("architecture", name);
        if (std::ranges::find(arches, *arch) == arches.end()) arches.push_back(*arch);
    }
    return arches;
}

Result<uint32_t> parse_flags(const std::vector<std::string>& names) {
    // As runc: without SPEC_ALLOW old kernels slow every process with a filter down.
    if (names.empty()) return uint32_t{SECCOMP_FILTER_FLAG_SPEC_ALLOW};
    uint32_t all = 0;
    for (const std::string& name : names) {
        auto flag = look_up(flags, name);
        if (!flag && name == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")
            return Error(ErrorKind::unsupported, "seccomp flag " + name + " needs SCMP_ACT_NOTIFY, not there yet");
        if (!flag) return unknown("flag", name);
        all |= *flag;
    }
    return all;
}

Result<Filter> compile_profile(const Seccomp& profile) {
    if (!profile.listener_path.empty())
        return Error(ErrorKind::unsupported, "a seccomp listener was asked for, which is not there yet");
    Filter filter;
    filter.flags = TRY(parse_flags(profile.flags));
    uint32_t default_action = TRY(parse_action(profile.default_action, profile.default_errno_ret));
    auto arches = TRY(parse_architectures(profile.architectures));
    if (default_action == SCMP_ACT_ALLOW && profile.syscalls.empty()) return filter;
    filter.program = TRY(compile_all(profile, arches, default_action));
    return filter;
}

} // namespace

Result<Filter> compile(const Seccomp& profile) { return compile_profile(profile).context("seccomp"); }

namespace {

class KeyWriter {
public:
    void text(const std::string& s) {
        number(s.size());
        out_ += s;
    }
    void number(uint64_t n) { out_.append(reinterpret_cast<const char*>(&n), sizeof n); }
    void number(std::optional<uint32_t> n) { number(n ? uint64_t{*n} : UINT64_MAX); }
    void texts(const std::vector<std::string>& list) {
        number(list.size());
        for (const std::string& s : list) text(s);
    }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

} // namespace

std::string cache_key(const Seccomp& profile) {
    KeyWriter key;
    key.text(profile.default_action);
    key.number(profile.default_errno_ret);
    key.texts(profile.architectures);
    key.texts(profile.flags);
    key.text(profile.listener_path);
    key.number(profile.syscalls.size());
    for (const SeccompSyscall& rule : profile.syscalls) {
        key.texts(rule.names);
        key.text(rule.action);
        key.number(rule.errno_ret);
        key.number(rule.args.size());
        for (const SeccompArg& arg : rule.args) {
            key.number(uint64_t{arg.index});
            key.number(arg.value);
            key.number(arg.value_two);
            key.text(arg.op);
        }
    }
    return key.take();
}

} // namespace hull::kernel::seccomp
