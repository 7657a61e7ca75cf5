#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include <sys/resource.h>

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

Result<std::vector<RlimitPlan>> compile_rlimits(const std::vector<oci::Rlimit>& rlimits) {
    std::vector<RlimitPlan> out;
    for (const auto& rlimit : rlimits) {
        auto at = std::ranges::find(rlimit_names, rlimit.type, &RlimitName::name);
        if (at == rlimit_names.end()) return invalid("unknown rlimit: " + rlimit.type);
        if (rlimit.soft > rlimit.hard)
            return invalid(rlimit.type + ": the soft limit (" + std::to_string(rlimit.soft) +
                           ") is above the hard limit (" + std::to_string(rlimit.hard) + ")");
        if (std::ranges::find(out, at->resource, &RlimitPlan::resource) != out.end())
            return invalid(rlimit.type + " is given twice");
        out.push_back({at->resource, rlimit.soft, rlimit.hard});
    }
    return out;
}

Result<uint64_t> mask_of(const std::vector<std::string>& names) {
    uint64_t mask = 0;
    for (const auto& name : names) {
        auto number = kernel::capability_number(name);
        if (!number) return invalid("unknown capability: " + name);
        mask |= uint64_t{1} << *number;
    }
    return mask;
}

// A capability that this kernel hasn't got is left out: nothing would check it.
Result<CapabilitySets> compile_capabilities(const oci::Capabilities& caps) {
    const uint64_t have = kernel::kernel_capabilities();
    CapabilitySets out;
    out.bounding = TRY(mask_of(caps.bounding)) & have;
    out.permitted = TRY(mask_of(caps.permitted)) & have;
    out.effective = TRY(mask_of(caps.effective)) & have;
    out.inheritable = TRY(mask_of(caps.inheritable)) & have;
    out.ambient = TRY(mask_of(caps.ambient)) & have;
    if (out.effective & ~out.permitted) return invalid("effective capabilities must be permitted ones");
    // The kernel wants an ambient capability to be permitted and inheritable.
    if (out.ambient & ~(out.permitted & out.inheritable))
        return invalid("ambient capabilities must be permitted and inheritable ones");
    return out;
}

Result<void> check_id(uint32_t id, const char* what) {
    if (id > INT32_MAX) return invalid(std::string(what) + ": uids and gids must be in range 0-2147483647");
    return {};
}

Result<void> compile_user(const oci::User& user, ProcessPlan& plan) {
    TRY(check_id(user.uid, "user.uid"));
    TRY(check_id(user.gid, "user.gid"));
    for (uint32_t gid : user.additional_gids) TRY(check_id(gid, "user.additionalGids"));
    plan.user = user.username;
    plan.uid = user.uid;
    plan.gid = user.gid;
    plan.additional_gids = user.additional_gids;
    plan.additional_groups = user.additional_groups;
    if (user.umask && *user.umask > 0777) return invalid("umask is beyond 0777");
    plan.umask = user.umask;
    return {};
}

Result<void> check_text(const std::string& text, const char* what) {
    if (text.find('\0') != text.npos) return invalid(std::string(what) + " has a zero byte in it");
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
        return unsupported("apparmorProfile: \"" + profile +
                           "\" can't be applied: AppArmor is not enabled on this machine");
    if (apparmor) plan.apparmor_profile = profile;
    if (!process.selinux_label.empty() && !kernel::selinux_enabled())
        return unsupported("selinuxLabel: \"" + process.selinux_label +
                           "\" can't be applied: SELinux is not enabled on this machine");
    plan.selinux_label = process.selinux_label;
    return {};
}

} // namespace

Result<ProcessPlan> compile_process(const oci::Process& process) {
    ProcessPlan plan;
    if (process.args.empty()) return invalid("no command specified");
    for (const auto& arg : process.args) TRY(check_text(arg, "an argument"));
    for (const auto& entry : process.env) {
        TRY(check_text(entry, "an environment variable"));
        size_t equals = entry.find('=');
        if (equals == entry.npos || equals == 0) return invalid("environment: \"" + entry + "\" is not NAME=value");
    }
    plan.args = process.args;
    plan.env = last_of_each(process.env);
    plan.cwd = process.cwd.empty() ? "/" : process.cwd;
    if (plan.cwd[0] != '/') return invalid("cwd " + plan.cwd + " is not an absolute path");
    TRY(check_text(plan.cwd, "cwd"));
    TRY(compile_user(process.user, plan));
    if (process.capabilities) plan.caps = TRY(compile_capabilities(*process.capabilities));
    plan.rlimits = TRY(compile_rlimits(process.rlimits));
    plan.no_new_privileges = process.no_new_privileges;
    plan.terminal = process.terminal;
    if (process.console_size && process.terminal) {
        if (process.console_size->height > UINT16_MAX || process.console_size->width > UINT16_MAX)
            return invalid("consoleSize is beyond 65535");
        plan.rows = static_cast<uint16_t>(process.console_size->height);
        plan.columns = static_cast<uint16_t>(process.console_size->width);
    }
    if (process.oom_score_adj && (*process.oom_score_adj < -1000 || *process.oom_score_adj > 1000))
        return invalid("oomScoreAdj must be in range -1000 to 1000");
    plan.oom_score_adj = process.oom_score_adj;
    if (process.scheduler) plan.scheduler = TRY(compile_scheduler(*process.scheduler).context("scheduler"));
    if (process.io_priority) plan.io_priority = TRY(compile_io_priority(*process.io_priority).context("ioPriority"));
    TRY(compile_labels(process, plan));
    ExecPlan others; // those who join later; what is wrong shows now
    if (process.exec_cpu_affinity) TRY(compile_affinity(*process.exec_cpu_affinity, others).context("execCPUAffinity"));
    return plan;
}

} // namespace hull::runtime
