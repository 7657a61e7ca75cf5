// What libseccomp makes of a profile, and the rules of this folder's README
// applied one by one, without a program; for tests and fuzzing. Both know the
// system calls from libseccomp alone.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <unistd.h>

#include "kernel/seccomp/syscalls.h"
#include "model/oci_spec.h"
#include "sys/memory_file.h"

namespace hull::kernel::seccomp::oracle {

using model::oci::Seccomp;
using model::oci::SeccompArg;
using model::oci::SeccompSyscall;

// libseccomp's token; 0: the installed one doesn't know the architecture.
inline uint32_t token_of(const Architecture& arch) {
    std::string name(arch.name.substr(sizeof "SCMP_ARCH_" - 1));
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    return seccomp_arch_resolve_name(name.c_str());
}

// The numbers that have a name, without the pseudo numbers of multiplexed calls.
inline const std::map<std::string, uint32_t>& numbers(const Architecture& arch) {
    static std::map<std::string_view, std::map<std::string, uint32_t>> known;
    auto& map = known[arch.name];
    auto add = [&](uint32_t first, uint32_t count) {
        for (uint32_t n = first; n < first + count; ++n) {
            char* name = seccomp_syscall_resolve_num_arch(token_of(arch), static_cast<int>(n));
            if (name) map.emplace(name, n);
            std::free(name);
        }
    };
    if (map.empty()) add(arch.base, 700);
    if (arch.column == Column::arm) add(0xf0000, 16);
    return map;
}

inline uint32_t action_of(const std::string& name, std::optional<uint32_t> number) {
    if (name == "SCMP_ACT_ALLOW") return SCMP_ACT_ALLOW;
    if (name == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(number.value_or(EPERM));
    if (name == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(number.value_or(EPERM));
    if (name == "SCMP_ACT_LOG") return SCMP_ACT_LOG;
    if (name == "SCMP_ACT_TRAP") return SCMP_ACT_TRAP;
    if (name == "SCMP_ACT_NOTIFY") return SCMP_ACT_NOTIFY;
    if (name == "SCMP_ACT_KILL_PROCESS") return SCMP_ACT_KILL_PROCESS;
    return SCMP_ACT_KILL_THREAD;
}

inline scmp_compare operator_of(const std::string& name) {
    if (name == "SCMP_CMP_NE") return SCMP_CMP_NE;
    if (name == "SCMP_CMP_LT") return SCMP_CMP_LT;
    if (name == "SCMP_CMP_LE") return SCMP_CMP_LE;
    if (name == "SCMP_CMP_GE") return SCMP_CMP_GE;
    if (name == "SCMP_CMP_GT") return SCMP_CMP_GT;
    if (name == "SCMP_CMP_MASKED_EQ") return SCMP_CMP_MASKED_EQ;
    return SCMP_CMP_EQ;
}

inline bool repeats_an_argument(const SeccompSyscall& rule) {
    std::set<unsigned> indexes;
    for (const SeccompArg& arg : rule.args) indexes.insert(arg.index);
    return indexes.size() != rule.args.size();
}

// Each is a rule of its own.
inline std::vector<std::vector<SeccompArg>> alternatives(const SeccompSyscall& rule) {
    if (!repeats_an_argument(rule)) return {rule.args};
    std::vector<std::vector<SeccompArg>> out;
    for (const SeccompArg& arg : rule.args) out.push_back({arg});
    return out;
}

inline std::string byte_swapped(const std::string& program) {
    std::string out = program;
    for (size_t at = 0; at < out.size(); at += sizeof(sock_filter)) {
        std::swap(out[at], out[at + 1]); // code
        std::reverse(out.begin() + static_cast<ptrdiff_t>(at) + 4, out.begin() + static_cast<ptrdiff_t>(at) + 8); // k
    }
    return out;
}

// Not libseccomp's answer in its program: see there.
constexpr const char* sacrificed = "getppid";

// Told of calls that the architecture hasn't got, 2.5.4 can leave out the
// instruction that loads the number; not when another call comes first.
inline bool add_sacrificed(void* context, uint32_t default_action) {
    int number = seccomp_syscall_resolve_name(sacrificed);
    uint32_t action = default_action == SCMP_ACT_ALLOW ? SCMP_ACT_LOG : SCMP_ACT_ALLOW;
    return seccomp_rule_add(context, action, number, 0) == 0 && seccomp_syscall_priority(context, number, 255) == 0;
}

// libseccomp's own program for one architecture; "" when it can't be made.
inline std::string libseccomp_program(const Seccomp& profile, const Architecture& arch) {
    uint32_t default_action = action_of(profile.default_action, profile.default_errno_ret);
    std::unique_ptr<void, void (*)(void*)> context(seccomp_init(default_action), [](void* c) { seccomp_release(c); });
    uint32_t token = token_of(arch);
    if (!context) return "";
    if (token != seccomp_arch_native())
        // In this order: it doesn't mix byte orders.
        if (seccomp_arch_remove(context.get(), SCMP_ARCH_NATIVE) < 0 || seccomp_arch_add(context.get(), token) < 0)
            return "";
    if (!add_sacrificed(context.get(), default_action)) return "";
    for (const SeccompSyscall& rule : profile.syscalls) {
        uint32_t action = action_of(rule.action, rule.errno_ret);
        if (action == default_action) continue; // libseccomp refuses it
        for (const std::string& name : rule.names) {
            int number = seccomp_syscall_resolve_name(name.c_str());
            if (number == __NR_SCMP_ERROR) continue;
            for (const auto& args : alternatives(rule)) {
                std::vector<scmp_arg_cmp> given;
                for (const SeccompArg& a : args) given.push_back({a.index, operator_of(a.op), a.value, a.value_two});
                int r = seccomp_rule_add_array(context.get(), action, number, static_cast<unsigned>(given.size()),
                                               given.data());
                if (r < 0 && r != -EEXIST) return "";
            }
        }
    }
    UniqueFd file = MUST(sys::make_memory_file("seccomp"));
    if (seccomp_export_bpf(context.get(), file.get()) < 0) return "";
    std::string program = MUST(sys::read_memory_file(file));
    return arch.endian == Endian::big ? byte_swapped(program) : program;
}

// ---- the rules, applied one by one -------------------------------------------

struct Answer {
    uint32_t action = 0;
    bool beyond = false;   // above the highest number named: libseccomp knows no such thing
    bool disputed = false; // conditional rules with different actions: libseccomp's order is its own
};

class Rules {
public:
    Rules(const Seccomp& profile, const Architecture& arch) : profile_(profile), arch_(arch) {
        default_ = action_of(profile.default_action, profile.default_errno_ret);
        for (const SeccompSyscall& rule : profile.syscalls)
            for (const std::string& name : rule.names) add(rule, name);
    }

    Answer answer(uint32_t number, const uint64_t (&args)[6]) const {
        Answer out = apply(number, args);
        if (number == numbers(arch_).at(sacrificed)) out.disputed = true;
        return out;
    }

    std::vector<uint32_t> numbers_with_rules() const {
        std::vector<uint32_t> out;
        for (const auto& [number, c] : cases_)
            if (out.empty() || out.back() != number) out.push_back(number);
        return out;
    }

private:
    struct Case {
        uint32_t action = 0;
        std::vector<SeccompArg> args;
        std::optional<uint32_t> twin; // the same rule's other number, where one is multiplexed
    };

    bool differ(uint32_t number) const {
        auto [first, last] = cases_.equal_range(number);
        return std::any_of(first, last, [&](const auto& one) { return one.second.action != first->second.action; });
    }

    bool disputed(uint32_t number) const { return differ(number) || mixes_orders(number); }

    bool mixes_orders(uint32_t number) const {
        auto [first, last] = cases_.equal_range(number);
        if (std::distance(first, last) < 2) return false;
        return std::any_of(first, last, [](const auto& one) {
            return std::ranges::any_of(one.second.args, [](const SeccompArg& arg) {
                return arg.op != "SCMP_CMP_EQ" && arg.op != "SCMP_CMP_MASKED_EQ";
            });
        });
    }

    void add(const SeccompSyscall& rule, const std::string& name) {
        const auto& known = numbers(arch_);
        auto direct = known.find(name);
        if (direct != known.end()) {
            bool special = arch_.special.last && direct->second >= arch_.special.first;
            if (!special) highest_ = std::max(highest_.value_or(0), direct->second);
        }
        uint32_t action = action_of(rule.action, rule.errno_ret);
        if (action == default_) return;
        int pseudo = seccomp_syscall_resolve_name_arch(token_of(arch_), name.c_str());
        bool socket = pseudo <= -101 && pseudo >= -120, ipc = pseudo <= -201 && pseudo >= -224;
        auto multiplexer = socket || ipc ? known.find(socket ? "socketcall" : "ipc") : known.end();
        auto through = multiplexer == known.end() ? std::nullopt : std::optional(multiplexer->second);
        for (const auto& args : alternatives(rule)) {
            if (direct != known.end()) cases_.emplace(direct->second, Case{action, args, through});
            if (!through) continue;
            auto twin = direct == known.end() ? std::nullopt : std::optional(direct->second);
            auto selector = static_cast<uint64_t>(-pseudo - (socket ? 100 : 200));
            std::vector<SeccompArg> changed{{0, selector, 0, "SCMP_CMP_EQ"}};
            for (const SeccompArg& arg : args)
                if (arg.index != 0) changed.push_back(arg);
            cases_.emplace(*through, Case{action, changed, twin});
        }
    }

    Answer apply(uint32_t number, const uint64_t (&args)[6]) const {
        auto [first, last] = cases_.equal_range(number);
        if (first == last) {
            bool denies = (default_ & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
            bool special = arch_.special.last && number >= arch_.special.first && number <= arch_.special.last;
            if (denies && highest_ && number > *highest_ && !special) return {SCMP_ACT_ERRNO(ENOSYS), true, false};
            return {default_, false, false};
        }
        Answer out{default_, false, false};
        bool found = false;
        for (auto at = first; at != last; ++at) {
            const Case& c = at->second;
            if (disputed(number) || (c.twin && disputed(*c.twin))) out.disputed = true;
            if (!found && holds(c, args)) {
                out.action = c.action;
                found = true;
            }
        }
        // One without conditions decides, wherever it stands.
        for (auto at = last; at != first;)
            if (--at; trivial(at->second)) out.action = at->second.action;
        return out;
    }

    uint64_t narrow(uint64_t value) const { return arch_.width == Width::bits32 ? value & UINT32_MAX : value; }

    bool trivial(const Case& c) const {
        return std::ranges::all_of(
            c.args, [&](const SeccompArg& arg) { return arg.op == "SCMP_CMP_MASKED_EQ" && narrow(arg.value) == 0; });
    }

    bool holds(const Case& c, const uint64_t (&args)[6]) const {
        return std::ranges::all_of(c.args, [&](const SeccompArg& arg) {
            uint64_t given = narrow(args[arg.index]), value = narrow(arg.value);
            switch (operator_of(arg.op)) {
            case SCMP_CMP_NE: return given != value;
            case SCMP_CMP_LT: return given < value;
            case SCMP_CMP_LE: return given <= value;
            case SCMP_CMP_GE: return given >= value;
            case SCMP_CMP_GT: return given > value;
            case SCMP_CMP_MASKED_EQ: return (given & value) == (narrow(arg.value_two) & value);
            default: return given == value;
            }
        });
    }

    const Seccomp& profile_;
    const Architecture& arch_;
    uint32_t default_ = 0;
    std::optional<uint32_t> highest_;
    std::multimap<uint32_t, Case> cases_; // of one number in the profile's order
};

// As the kernel would hand it to a filter on a machine of this byte order
// (big-endian machines store the high half of an argument first).
inline seccomp_data call(const Architecture& arch, uint32_t number, const uint64_t (&args)[6]) {
    seccomp_data data{};
    data.nr = static_cast<int>(number);
    data.arch = arch.audit;
    for (int i = 0; i < 6; ++i) data.args[i] = arch.endian == Endian::little ? args[i] : args[i] << 32 | args[i] >> 32;
    return data;
}

} // namespace hull::kernel::seccomp::oracle
