#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include <sys/resource.h>

#include "base/field_path.h"
#include "kernel/caps.h"
#include "kernel/lsm.h"
#include "runtime/compile_parts.h"

namespace hull::runtime {

namespace {

namespace oci = model::oci;

struct RlimitName {
    std::string_view name;
    uint32_t resource;
};
constexpr std::array<RlimitName, 16> rlimit_names{{
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
}};

Result<void> add_rlimit(const oci::Rlimit& rlimit, std::vector<RlimitPlan>& out) {
    auto at = std::ranges::find(rlimit_names, rlimit.type, &RlimitName::name);
    if (at == rlimit_names.end()) return bad_field("type", rlimit.type, "unknown rlimit");
    if (rlimit.soft > rlimit.hard)
        return bad_field("soft", rlimit.soft,
                         rlimit.type + ": the soft limit (" + std::to_string(rlimit.soft) +
                             ") is above the hard limit (" + std::to_string(rlimit.hard) + ")");
    if (std::ranges::find(out, at->resource, &RlimitPlan::resource) != out.end())
        return bad_field("type", rlimit.type, "is given twice");
    out.push_back({at->resource, rlimit.soft, rlimit.hard});
    return {};
}

Result<std::vector<RlimitPlan>> compile_rlimits(const std::vector<oci::Rlimit>& rlimits) {
    std::vector<RlimitPlan> out;
    for (size_t i = 0; i < rlimits.size(); ++i) TRY(in_element(add_rlimit(rlimits[i], out), i));
    return out;
}

Result<uint64_t> mask_of(const std::vector<std::string>& names, const char* set) {
    uint64_t mask = 0;
    for (size_t i = 0; i < names.size(); ++i) {
        auto number = kernel::capability_number(names[i]);
        if (!number) return in_member(in_element(bad_field("", names[i], "unknown capability"), i), set);
        mask |= uint64_t{1} << *number;
    }
    return mask;
}

// The first of names that is in wrong.
Error not_covered(const std::vector<std::string>& names, uint64_t wrong, const char* set, const char* rule) {
    size_t i = 0;
    while (i + 1 < names.size() && !(wrong >> kernel::capability_number(names[i]).value_or(0) & 1)) ++i;
    return in_member(in_element(bad_field("", names[i], rule), i), set);
}

// A capability that this kernel hasn't got is left out: nothing would check it.
Result<CapabilitySets> compile_capabilities(const oci::Capabilities& caps) {
    const uint64_t have = kernel::kernel_capabilities();
    CapabilitySets out;
    out.bounding = TRY(mask_of(caps.bounding, "bounding")) & have;
    out.permitted = TRY(mask_of(caps.permitted, "permitted")) & have;
    out.effective = TRY(mask_of(caps.effective, "effective")) & have;
    out.inheritable = TRY(mask_of(caps.inheritable, "inheritable")) & have;
    out.ambient = TRY(mask_of(caps.ambient, "ambient")) & have;
    if (uint64_t wrong = out.effective & ~out.permitted)
        return not_covered(caps.effective, wrong, "effective", "effective capabilities must be permitted ones");
    // The kernel wants an ambient capability to be permitted and inheritable.
    if (uint64_t wrong = out.ambient & ~(out.permitted & out.inheritable))
        return not_covered(caps.ambient, wrong, "ambient",
                           "ambient capabilities must be permitted and inheritable ones");
    return out;
}

Result<void> check_id(uint32_t id) {
    if (id > INT32_MAX) return bad_field("", id, "uids and gids must be in range 0-2147483647");
    return {};
}

Result<void> compile_user(const oci::User& user, ProcessPlan& plan) {
    TRY(in_member(check_id(user.uid), "uid"));
    TRY(in_member(check_id(user.gid), "gid"));
    for (size_t i = 0; i < user.additional_gids.size(); ++i)
        TRY(in_member(in_element(check_id(user.additional_gids[i]), i), "additionalGids"));
    plan.user = user.username;
    plan.uid = user.uid;
    plan.gid = user.gid;
    plan.additional_gids = user.additional_gids;
    plan.additional_groups = user.additional_groups;
    if (user.umask && *user.umask > 0777) return bad_field("umask", *user.umask, "is beyond 0777 (511)");
    plan.umask = user.umask;
    return {};
}

Result<void> check_text(const std::string& text) {
    if (text.find('\0') != text.npos) return bad_field("", text, "has a zero byte in it");
    return {};
}

Result<void> check_variable(const std::string& entry) {
    TRY(check_text(entry));
    size_t equals = entry.find('=');
    if (equals == entry.npos || equals == 0) return bad_field("", entry, "is not NAME=value");
    return {};
}

// Of two values for one name programs differ in which they see; here the last counts.
std::vector<std::string> last_of_each(const std::vector<std::string>& env) {
    std::vector<std::string> out;
    std::set<std::string_view> seen;
    for (auto entry = env.rbegin(); entry != env.rend(); ++entry)
        if (seen.insert(std::string_view(*entry).substr(0, entry->find('='))).second) out.push_back(*entry);
    std::ranges::reverse(out);
    return out;
}

// Without the module nothing would hold the process back: refused.
Result<void> compile_labels(const oci::Process& process, ProcessPlan& plan) {
    const std::string& profile = process.apparmor_profile;
    bool apparmor = !profile.empty() && kernel::apparmor_enabled();
    if (!profile.empty() && profile != "unconfined" && !apparmor)
        return bad_field("apparmorProfile", profile, "can't be applied: AppArmor is not enabled on this machine")
            .with_kind(ErrorKind::unsupported);
    if (apparmor) plan.apparmor_profile = profile;
    if (!process.selinux_label.empty() && !kernel::selinux_enabled())
        return bad_field("selinuxLabel", process.selinux_label,
                         "can't be applied: SELinux is not enabled on this machine")
            .with_kind(ErrorKind::unsupported);
    plan.selinux_label = process.selinux_label;
    return {};
}

} // namespace

Result<ProcessPlan> compile_process(const oci::Process& process) {
    ProcessPlan plan;
    if (process.args.empty()) return bad_field("args", "no command specified");
    for (size_t i = 0; i < process.args.size(); ++i) TRY(in_member(in_element(check_text(process.args[i]), i), "args"));
    for (size_t i = 0; i < process.env.size(); ++i)
        TRY(in_member(in_element(check_variable(process.env[i]), i), "env"));
    plan.args = process.args;
    plan.env = last_of_each(process.env);
    plan.cwd = process.cwd.empty() ? "/" : process.cwd;
    if (plan.cwd[0] != '/') return bad_field("cwd", plan.cwd, "is not an absolute path");
    TRY(in_member(check_text(plan.cwd), "cwd"));
    TRY(in_member(compile_user(process.user, plan), "user"));
    if (process.capabilities) plan.caps = TRY(in_member(compile_capabilities(*process.capabilities), "capabilities"));
    plan.rlimits = TRY(in_member(compile_rlimits(process.rlimits), "rlimits"));
    plan.no_new_privileges = process.no_new_privileges;
    plan.terminal = process.terminal;
    if (process.console_size && process.terminal) {
        const auto& size = *process.console_size;
        if (size.height > UINT16_MAX) return bad_field("consoleSize.height", size.height, "is beyond 65535");
        if (size.width > UINT16_MAX) return bad_field("consoleSize.width", size.width, "is beyond 65535");
        plan.rows = static_cast<uint16_t>(size.height);
        plan.columns = static_cast<uint16_t>(size.width);
    }
    if (process.oom_score_adj && (*process.oom_score_adj < -1000 || *process.oom_score_adj > 1000))
        return bad_field("oomScoreAdj", *process.oom_score_adj, "must be in range -1000 to 1000");
    plan.oom_score_adj = process.oom_score_adj;
    if (process.scheduler) plan.scheduler = TRY(in_member(compile_scheduler(*process.scheduler), "scheduler"));
    if (process.io_priority) plan.io_priority = TRY(in_member(compile_io_priority(*process.io_priority), "ioPriority"));
    TRY(compile_labels(process, plan));
    ExecPlan others; // those who join later; what is wrong shows now
    if (process.exec_cpu_affinity)
        TRY(in_member(compile_affinity(*process.exec_cpu_affinity, others), "execCPUAffinity"));
    return plan;
}

} // namespace hull::runtime
