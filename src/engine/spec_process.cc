#include "engine/spec_builder.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "engine/capabilities.h"
#include "engine/defaults.h"
#include "engine/systemd_inside.h"

namespace hull::engine {
namespace {

model::oci::Capabilities same_sets(const std::vector<std::string>& names) {
    // No inheritable and no ambient ones: a program of another user starts with none.
    return {.bounding = names, .effective = names, .inheritable = {}, .permitted = names, .ambient = {}};
}

Result<std::vector<model::oci::Rlimit>> build_rlimits(const std::vector<model::Ulimit>& defaults,
                                                      const std::vector<model::Ulimit>& asked) {
    std::vector<model::Ulimit> all = asked;
    for (const model::Ulimit& one : defaults)
        if (std::ranges::find(asked, one.name, &model::Ulimit::name) == asked.end()) all.push_back(one);
    std::vector<model::oci::Rlimit> limits;
    for (const model::Ulimit& one : all) {
        std::string name = "RLIMIT_" + one.name;
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        limits.push_back(
            {.type = name, .hard = static_cast<uint64_t>(one.hard), .soft = static_cast<uint64_t>(one.soft)});
    }
    return limits;
}

bool is_number(const std::string& text) {
    return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

model::oci::User user_of(const std::string& name, const model::HostConfig& host) {
    model::oci::User user;
    // By text, so that root gets the groups that /etc/group of the image gives it.
    user.username = name.empty() ? "0" : name;
    for (const std::string& group : host.group_add) {
        if (is_number(group) && group.size() < 10)
            user.additional_gids.push_back(static_cast<uint32_t>(std::stoul(group)));
        else
            user.additional_groups.push_back(group);
    }
    return user;
}

std::vector<std::string> base_environment(const model::ContainerSettings& settings, bool tty) {
    std::vector<std::string> env = {kDefaultPath, "HOSTNAME=" + settings.config.hostname};
    if (tty) env.emplace_back("TERM=xterm");
    if (runs_systemd(settings)) env.emplace_back(kSystemdEnvironment);
    return env;
}

std::vector<std::string> program_and_arguments(const SpecInput& input) {
    const model::ContainerSettings& settings = input.settings;
    std::vector<std::string> args;
    if (!input.init.empty()) args = {kInitInContainer, "--"};
    args.push_back(settings.path);
    args.insert(args.end(), settings.args.begin(), settings.args.end());
    return args;
}

std::optional<model::oci::Box> box(const std::vector<uint32_t>& size) {
    if (size.size() != 2 || size[0] == 0 || size[1] == 0) return std::nullopt;
    return model::oci::Box{.height = size[0], .width = size[1]};
}

} // namespace

std::vector<std::string> merge_environment(std::vector<std::string> base, const std::vector<std::string>& changes) {
    for (const std::string& change : changes) {
        size_t equals = change.find('=');
        std::string name = change.substr(0, equals);
        auto same = std::ranges::find_if(
            base, [&](const std::string& entry) { return entry.substr(0, entry.find('=')) == name; });
        if (equals == std::string::npos) {
            // "NAME" alone removes it.
            if (same != base.end()) base.erase(same);
        } else if (same != base.end()) {
            *same = change;
        } else {
            base.push_back(change);
        }
    }
    return base;
}

Result<SecurityOptions> parse_security_options(const model::HostConfig& host, const EngineOptions& options) {
    SecurityOptions out;
    out.no_new_privileges = options.no_new_privileges;
    out.seccomp = options.seccomp_profile;
    if (host.privileged) out.seccomp.clear();
    for (const std::string& option : host.security_opt) {
        size_t mark = option.find('=');
        // The old form is name:value.
        if (mark == std::string::npos) mark = option.find(':');
        std::string name = option.substr(0, mark);
        std::string value = mark == std::string::npos ? "" : option.substr(mark + 1);
        bool has_value = mark != std::string::npos;
        if (option == "no-new-privileges") {
            out.no_new_privileges = true;
        } else if (name == "no-new-privileges" && (value == "true" || value == "false")) {
            out.no_new_privileges = value == "true";
        } else if (!has_value || value.empty()) {
            return Error(ErrorKind::invalid_argument, "invalid --security-opt: \"" + option + "\"");
        } else if (name == "seccomp") {
            out.seccomp = value;
        } else if (name == "apparmor") {
            out.apparmor = value;
        } else if (name == "label") {
            // Without SELinux only "disable" means something; what asks for a
            // label can't be given one, and the runtime then says so.
            if (value != "disable") out.selinux_label = value;
        } else if (name == "systempaths" && value == "unconfined") {
            out.unmask_all = true;
        } else if (name == "writable-cgroups" && (value == "true" || value == "false")) {
            continue; // systemd_inside.h
        } else {
            return Error(ErrorKind::invalid_argument, "invalid --security-opt 2: \"" + option + "\"");
        }
    }
    // Where there is no such module Docker takes "unconfined" as said.
    if (out.apparmor.empty() && options.apparmor && !host.privileged) out.apparmor = options.apparmor_profile;
    if (out.apparmor == "unconfined") out.apparmor.clear();
    if (out.seccomp == "unconfined" && host.privileged) out.seccomp.clear();
    return out;
}

Result<model::oci::Process> build_process(const SpecInput& input) {
    const model::ContainerSettings& settings = input.settings;
    const model::HostConfig& host = settings.host_config;
    SecurityOptions security = TRY(parse_security_options(host, input.options));
    model::oci::Process process;
    process.terminal = settings.config.tty;
    process.console_size = box(host.console_size);
    process.user = user_of(settings.config.user, host);
    process.args = program_and_arguments(input);
    std::vector<std::string> env = base_environment(settings, settings.config.tty);
    env.insert(env.end(), input.link_env.begin(), input.link_env.end());
    process.env = merge_environment(std::move(env), settings.config.env);
    process.cwd = settings.config.working_dir.empty() ? "/" : settings.config.working_dir;
    process.capabilities = same_sets(TRY(container_capabilities(host, input.options.capabilities)));
    process.rlimits = TRY(build_rlimits(input.options.default_ulimits, host.ulimits));
    process.no_new_privileges = security.no_new_privileges;
    process.apparmor_profile = security.apparmor;
    process.selinux_label = security.selinux_label;
    if (host.oom_score_adj != 0) process.oom_score_adj = host.oom_score_adj;
    return process;
}

Result<model::oci::Process> build_exec_process(const model::ContainerSettings& settings, const EngineOptions& options,
                                               const ExecInput& input) {
    const model::HostConfig& host = settings.host_config;
    SecurityOptions security = TRY(parse_security_options(host, options));
    model::oci::Process process;
    process.terminal = input.tty;
    process.console_size = box(input.console_size);
    process.user = user_of(input.user.empty() ? settings.config.user : input.user, host);
    process.args = input.args;
    std::vector<std::string> env = base_environment(settings, input.tty);
    env.insert(env.end(), input.link_env.begin(), input.link_env.end());
    process.env = merge_environment(merge_environment(std::move(env), settings.config.env), input.env);
    process.cwd = !input.working_dir.empty()             ? input.working_dir
                  : !settings.config.working_dir.empty() ? settings.config.working_dir
                                                         : "/";
    process.capabilities = same_sets(input.privileged ? all_capabilities(options.capabilities)
                                                      : TRY(container_capabilities(host, options.capabilities)));
    process.rlimits = TRY(build_rlimits(options.default_ulimits, host.ulimits));
    process.no_new_privileges = security.no_new_privileges;
    if (!input.privileged) process.apparmor_profile = security.apparmor;
    process.selinux_label = security.selinux_label;
    if (host.oom_score_adj != 0) process.oom_score_adj = host.oom_score_adj;
    return process;
}

} // namespace hull::engine
