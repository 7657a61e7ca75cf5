#include "kernel/seccomp/policy.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <linux/seccomp.h>

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

template <class T, size_t n>
const T* look_up(const std::array<Named<T>, n>& table, std::string_view name) {
    auto at = std::ranges::find(table, name, &Named<T>::name);
    return at == table.end() ? nullptr : &at->value;
}

constexpr std::array<Named<uint32_t>, 9> actions{{
    {"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW},
    {"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO},
    {"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},
    {"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
    {"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD},
    {"SCMP_ACT_LOG", SECCOMP_RET_LOG},
    {"SCMP_ACT_TRACE", SECCOMP_RET_TRACE},
    {"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
    {"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF},
}};

enum class Operator : uint8_t { ne, lt, le, eq, ge, gt, masked_eq };
constexpr std::array<Named<Operator>, 7> operators{{
    {"SCMP_CMP_NE", Operator::ne},
    {"SCMP_CMP_LT", Operator::lt},
    {"SCMP_CMP_LE", Operator::le},
    {"SCMP_CMP_EQ", Operator::eq},
    {"SCMP_CMP_GE", Operator::ge},
    {"SCMP_CMP_GT", Operator::gt},
    {"SCMP_CMP_MASKED_EQ", Operator::masked_eq},
}};

constexpr std::array<Named<uint32_t>, 4> flags{{
    {"SECCOMP_FILTER_FLAG_TSYNC", 0}, // one thread loads it: nothing to synchronise
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
}};

// "linux.seccomp.syscalls[3].args[0].op", made only for an error.
struct Path {
    const char* list = nullptr;
    size_t index = 0, arg = 0;
    bool in_arg = false;

    std::string of(const char* member) const {
        std::string out = "linux.seccomp.";
        if (list) out += std::string(list) + "[" + std::to_string(index) + "]" + (*member ? "." : "");
        if (in_arg) out += "args[" + std::to_string(arg) + "].";
        return out + member;
    }
};

Error unknown(const std::string& path, const char* what, const std::string& name) {
    return invalid(path + ": unknown seccomp " + what + " \"" + name + "\"");
}

Result<uint32_t> parse_action(const std::string& name, std::optional<uint32_t> errno_ret, const Path& path) {
    bool is_default = !path.list;
    const uint32_t* action = look_up(actions, name);
    if (!action) return unknown(path.of(is_default ? "defaultAction" : "action"), "action", name);
    auto wrong_errno = [&](const std::string& why) {
        return invalid(path.of(is_default ? "defaultErrnoRet" : "errnoRet") + ": " + std::to_string(*errno_ret) + why);
    };
    if (*action != SECCOMP_RET_ERRNO && *action != SECCOMP_RET_TRACE) {
        if (errno_ret) return wrong_errno(" is given, but " + name + " has no number to return");
        return *action;
    }
    uint32_t most = *action == SECCOMP_RET_ERRNO ? 4095 : SECCOMP_RET_DATA;
    if (errno_ret && *errno_ret > most) return wrong_errno(" is above " + std::to_string(most));
    return *action | errno_ret.value_or(EPERM);
}

Result<Comparison> parse_arg(const SeccompArg& arg, const Path& path) {
    const Operator* op = look_up(operators, arg.op);
    if (!op) return unknown(path.of("op"), "operator", arg.op);
    if (arg.index > 5) return invalid(path.of("index") + ": " + std::to_string(arg.index) + " is above 5");
    Comparison out;
    out.index = static_cast<uint8_t>(arg.index);
    out.value = arg.value;
    using enum Comparison::Op;
    switch (*op) {
    case Operator::ne: out.op = ne; break;
    case Operator::lt: out.op = lt; break;
    case Operator::le: out.op = le; break;
    case Operator::eq: out.op = eq; break;
    case Operator::ge: out.op = ge; break;
    case Operator::gt: out.op = gt; break;
    case Operator::masked_eq:
        out.mask = arg.value;
        out.value = arg.value_two & arg.value;
        break;
    }
    return out;
}

Result<std::vector<std::vector<Comparison>>> parse_args(const SeccompSyscall& rule, Path path) {
    std::vector<Comparison> all;
    unsigned seen = 0;
    bool repeats = false;
    path.in_arg = true;
    for (path.arg = 0; path.arg < rule.args.size(); ++path.arg) {
        all.push_back(TRY(parse_arg(rule.args[path.arg], path)));
        unsigned bit = 1U << all.back().index;
        repeats = repeats || seen & bit;
        seen |= bit;
    }
    std::vector<std::vector<Comparison>> out;
    // As in runc and crun: with one argument compared twice, all are alternatives.
    if (repeats)
        for (const Comparison& one : all) out.push_back({one});
    else if (!all.empty())
        out.push_back(std::move(all));
    return out;
}

Result<void> add_rule(const SeccompSyscall& rule, const Path& path, Policy& policy) {
    if (rule.names.empty()) return invalid(path.of("names") + ": names no system call");
    Rule out;
    out.action = TRY(parse_action(rule.action, rule.errno_ret, path));
    out.alternatives = TRY(parse_args(rule, path));
    for (const std::string& name : rule.names)
        if (auto known = find_syscall(name)) out.names.push_back(*known);
    policy.named.insert(policy.named.end(), out.names.begin(), out.names.end());
    policy.notifies = policy.notifies || out.action == SECCOMP_RET_USER_NOTIF;
    // What the default says anyway is left out, also where another rule says otherwise.
    if (out.action != policy.default_action) policy.rules.push_back(std::move(out));
    return {};
}

Result<void> add_architectures(const Seccomp& profile, Policy& policy) {
    policy.architectures.push_back(&native_architecture());
    Path path{.list = "architectures"};
    for (; path.index < profile.architectures.size(); ++path.index) {
        const std::string& name = profile.architectures[path.index];
        const Architecture* arch = find_architecture(name);
        if (!arch) return unknown(path.of(""), "architecture", name);
        if (std::ranges::find(policy.architectures, arch) == policy.architectures.end())
            policy.architectures.push_back(arch);
    }
    return {};
}

Result<uint32_t> parse_flags(const std::vector<std::string>& names) {
    // As runc: without SPEC_ALLOW old kernels slow every process with a filter down.
    if (names.empty()) return uint32_t{SECCOMP_FILTER_FLAG_SPEC_ALLOW};
    uint32_t all = 0;
    Path path{.list = "flags"};
    for (; path.index < names.size(); ++path.index) {
        const uint32_t* flag = look_up(flags, names[path.index]);
        if (!flag) return unknown(path.of(""), "flag", names[path.index]);
        all |= *flag;
    }
    return all;
}

} // namespace

Result<Policy> parse_policy(const Seccomp& profile) {
    Policy policy;
    policy.default_action = TRY(parse_action(profile.default_action, profile.default_errno_ret, {}));
    policy.notifies = policy.default_action == SECCOMP_RET_USER_NOTIF;
    policy.flags = TRY(parse_flags(profile.flags));
    TRY(add_architectures(profile, policy));
    Path path{.list = "syscalls"};
    policy.rules.reserve(profile.syscalls.size());
    for (; path.index < profile.syscalls.size(); ++path.index)
        TRY(add_rule(profile.syscalls[path.index], path, policy));
    return policy;
}

} // namespace hull::kernel::seccomp
