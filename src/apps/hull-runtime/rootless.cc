#include "apps/hull-runtime/rootless.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>

#include <unistd.h>

#include "kernel/cgroup/own_places.h"
#include "sys/file.h"
#include "sys/namespace.h"

namespace hull::oci_runtime {

namespace {

namespace oci = model::oci;

constexpr std::string_view own_folder = "hull-runtime";

// Go's strconv.ParseBool.
std::optional<bool> parse_bool(std::string_view text) {
    constexpr std::array<std::string_view, 6> yes{"1", "t", "T", "true", "TRUE", "True"};
    constexpr std::array<std::string_view, 6> no{"0", "f", "F", "false", "FALSE", "False"};
    if (std::ranges::find(yes, text) != yes.end()) return true;
    if (std::ranges::find(no, text) != no.end()) return false;
    return std::nullopt;
}

std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const auto& part : parts) out += (out.empty() ? "" : ", ") + part;
    return out;
}

} // namespace

Result<void> set_up_rootless(Context& context, const std::string& flag) {
    bool is_root = ::geteuid() == 0 && sys::in_first_user_namespace();
    context.privileges = is_root ? runtime::Privileges::host : runtime::Privileges::own;
    bool tolerated = !is_root;
    if (!flag.empty() && flag != "auto") {
        auto asked = parse_bool(flag);
        if (!asked) return invalid("invalid --rootless: \"" + flag + "\" is none of auto, true and false");
        tolerated = *asked;
    }
    context.cgroup_errors = tolerated ? CgroupErrors::tolerated : CgroupErrors::fatal;
    return {};
}

std::string default_root(const Context& context) {
    std::string machine_wide = "/run/" + std::string(own_folder);
    if (context.privileges == runtime::Privileges::host) return machine_wide;
    const char* runtime_dir = std::getenv("XDG_RUNTIME_DIR");
    if (!runtime_dir || *runtime_dir != '/') return machine_wide;
    // Root of a container that says so has its own /run.
    const char* user = std::getenv("USER");
    if (::geteuid() == 0 && user && std::string_view(user) == "root") return machine_wide;
    std::string root = std::string(runtime_dir) + "/" + std::string(own_folder);
    // Whoever needs the folder says what is wrong with it.
    if (sys::mkdir_parents(root, 0700).ok()) (void)sys::chmod(root, 01700).ok();
    return root;
}

Result<void> check_rootless(const Context& context, const oci::Spec& spec) {
    if (context.privileges == runtime::Privileges::host || ::geteuid() == 0) return {};
    bool has_user_ns = spec.linux_ && std::ranges::any_of(spec.linux_->namespaces,
                                                          [](const oci::Namespace& ns) { return ns.type == "user"; });
    if (has_user_ns) return {};
    return invalid("rootless container requires user namespaces: linux.namespaces has no \"user\" (`spec --rootless` "
                   "writes a configuration that has)");
}

std::string default_cgroup_path(const Context& context, const std::string& id) {
    if (context.privileges == runtime::Privileges::own) {
        auto near = kernel::cgroup::path_near_own(std::string(own_folder) + "-" + id);
        if (near.ok() && !near->empty()) return *near;
    }
    return std::string(default_cgroup_parent) + id;
}

Result<runtime::CgroupPlan> plan_cgroup(const Context& context, const Container& container,
                                        const oci::Resources& resources) {
    const auto& cgroups = *context.cgroups;
    if (context.cgroup_errors == CgroupErrors::fatal) return cgroups.plan(container.cgroup_path, resources);
    oci::Resources asked = resources;
    // Who makes no device nodes uses no more devices than the host lets.
    if (context.privileges == runtime::Privileges::own) asked.devices.clear();
    // What systemd makes is the user's.
    if (context.driver == CgroupDriver::systemd) return cgroups.plan(container.cgroup_path, asked);
    auto plan = cgroups.plan(container.cgroup_path, asked);
    if (!plan.ok() && plan.error().kind() == ErrorKind::unsupported) {
        context.log.warning("without limits: " + plan.error().message());
        plan = cgroups.plan(container.cgroup_path, {});
    }
    auto permitted = TRY(kernel::cgroup::permitted_part(TRY(std::move(plan))));
    if (!permitted.unlimited.empty())
        context.log.warning("not limited, as uid " + std::to_string(::geteuid()) + " may not make such a cgroup at " +
                            container.cgroup_path + ": " + joined(permitted.unlimited));
    return std::move(permitted.plan);
}

void compare_oom_score(const Context& context, const oci::Process& process, pid_t pid) {
    if (context.privileges == runtime::Privileges::host || !process.oom_score_adj) return;
    auto text = sys::read_file("/proc/" + std::to_string(pid) + "/oom_score_adj");
    int score = 0;
    if (!text.ok()) return;
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), score);
    if (error != std::errc{} || score == *process.oom_score_adj) return;
    context.log.warning("oomScoreAdj " + std::to_string(*process.oom_score_adj) +
                        " needs privileges on the host; it stays at " + std::to_string(score));
}

} // namespace hull::oci_runtime
