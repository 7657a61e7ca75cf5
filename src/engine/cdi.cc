#include "engine/cdi.h"

#include <algorithm>

#include "engine/host_port.h"
#include "engine/spec_builder.h"

namespace hull::engine {
namespace {

constexpr const char* kGpus = "nvidia.com/gpu";

bool is_part(std::string_view text, std::string_view more) {
    if (text.empty() || !std::isalnum(static_cast<unsigned char>(text[0]))) return false;
    return std::ranges::all_of(text, [&](unsigned char c) { return std::isalnum(c) || more.find(c) != more.npos; });
}

Error no_driver(const model::DeviceRequest& request) {
    std::string capabilities;
    for (const model::StringList& list : request.capabilities) {
        std::string words;
        for (const std::string& one : list) words += (words.empty() ? "" : " ") + one;
        capabilities += (capabilities.empty() ? "[" : " [") + words + "]";
    }
    return invalid("could not select device driver \"" + request.driver + "\" with capabilities: [" + capabilities +
                   "]");
}

bool wants_gpus(const model::DeviceRequest& request) {
    if (request.driver == "nvidia") return true;
    return request.driver.empty() && std::ranges::any_of(request.capabilities, [](const model::StringList& list) {
               return std::ranges::find(list, "gpu") != list.end();
           });
}

Result<void> add_gpus(const model::DeviceRequest& request, std::vector<std::string>& names) {
    if (request.count != 0 && !request.device_ids.empty())
        return invalid("cannot set both Count and DeviceIDs on device request");
    for (const std::string& id : request.device_ids)
        names.push_back(is_cdi_name(id) ? id : std::string(kGpus) + "=" + id);
    if (request.count < 0) names.push_back(std::string(kGpus) + "=all");
    for (int i = 0; i < request.count; ++i) names.push_back(std::string(kGpus) + "=" + std::to_string(i));
    return {};
}

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
    to.insert(to.end(), from.begin(), from.end());
}

void merge_edits(const CdiEdits& from, CdiEdits& to) {
    append(to.env, from.env);
    append(to.nodes, from.nodes);
    append(to.mounts, from.mounts);
    append(to.hooks, from.hooks);
    append(to.gids, from.gids);
    if (to.unsupported.empty()) to.unsupported = from.unsupported;
}

Result<void> add_node(const CdiNode& node, HostPort& machine, model::oci::Linux& out) {
    model::oci::Device device{.path = node.path,
                              .type = node.type,
                              .major = node.major.value_or(0),
                              .minor = node.minor.value_or(0),
                              .file_mode = node.file_mode,
                              .uid = node.uid,
                              .gid = node.gid};
    if (node.type.empty() || !node.major || !node.minor || !node.file_mode) {
        const std::string& source = node.host_path.empty() ? node.path : node.host_path;
        DeviceNode found =
            TRY(machine.device(source).context("CDI device injection failed: failed to stat CDI host device"));
        if (node.type.empty()) device.type = std::string(1, found.type);
        if (!node.major || !node.minor) {
            device.major = found.major;
            device.minor = found.minor;
        }
        if (!node.file_mode) device.file_mode = found.mode;
        if (!node.uid) device.uid = found.uid;
        if (!node.gid) device.gid = found.gid;
    }
    if (device.type == "c" || device.type == "b")
        out.resources->devices.push_back({.allow = true,
                                          .type = device.type,
                                          .major = device.major,
                                          .minor = device.minor,
                                          .access = node.permissions.empty() ? "rwm" : node.permissions});
    std::erase_if(out.devices, [&](const model::oci::Device& one) { return one.path == device.path; });
    out.devices.push_back(std::move(device));
    return {};
}

Result<void> add_hook(const CdiHook& hook, model::oci::Hooks& hooks) {
    model::oci::Hook out{.path = hook.path, .args = hook.args, .env = hook.env, .timeout = hook.timeout};
    if (hook.name == "prestart")
        hooks.prestart.push_back(std::move(out));
    else if (hook.name == "createRuntime")
        hooks.create_runtime.push_back(std::move(out));
    else if (hook.name == "createContainer")
        hooks.create_container.push_back(std::move(out));
    else if (hook.name == "startContainer")
        hooks.start_container.push_back(std::move(out));
    else if (hook.name == "poststart")
        hooks.poststart.push_back(std::move(out));
    else if (hook.name == "poststop")
        hooks.poststop.push_back(std::move(out));
    else
        return invalid("CDI device injection failed: unknown hook name \"" + hook.name + "\"");
    return {};
}

} // namespace

bool is_cdi_name(const std::string& text) {
    size_t slash = text.find('/'), equals = text.find('=');
    if (slash == text.npos || equals == text.npos || equals < slash) return false;
    std::string_view view = text;
    return is_part(view.substr(0, slash), "._-") && is_part(view.substr(slash + 1, equals - slash - 1), "_-") &&
           is_part(view.substr(equals + 1), "._-:");
}

Result<std::vector<std::string>> cdi_names(const model::HostConfig& host) {
    std::vector<std::string> names;
    // Clients that don't know of CDI send its names as devices.
    for (const model::DeviceMapping& device : host.devices)
        if (is_cdi_name(device.path_on_host)) names.push_back(device.path_on_host);
    for (const model::DeviceRequest& request : host.device_requests) {
        if (request.driver == "cdi") {
            if (request.count != 0) return invalid("invalid device request: CDI devices can't be counted");
            if (!request.options.empty()) return invalid("invalid device request: CDI devices take no options");
            for (const std::string& id : request.device_ids) {
                if (!is_cdi_name(id)) return invalid("invalid CDI device name \"" + id + "\"");
                names.push_back(id);
            }
        } else if (wants_gpus(request)) {
            TRY(add_gpus(request, names));
        } else {
            return no_driver(request);
        }
    }
    return names;
}

Result<CdiEdits> find_cdi_edits(const std::vector<std::string>& names, const std::vector<CdiSpec>& specs) {
    CdiEdits edits;
    std::vector<const CdiSpec*> used;
    std::string missing;
    for (const std::string& name : names) {
        size_t equals = name.find('=');
        std::string kind = name.substr(0, equals), device = name.substr(equals + 1);
        const CdiSpec* found = nullptr;
        // Of files that say the same the last one counts: /var/run before /etc.
        for (const CdiSpec& spec : specs)
            if (spec.kind == kind && spec.devices.contains(device)) found = &spec;
        if (!found) {
            missing += (missing.empty() ? "" : ", ") + name;
            continue;
        }
        if (std::ranges::find(used, found) == used.end()) {
            used.push_back(found);
            merge_edits(found->edits, edits);
        }
        merge_edits(found->devices.at(device), edits);
    }
    if (!missing.empty())
        return Error(ErrorKind::not_found, "CDI device injection failed: unresolvable CDI devices " + missing);
    return edits;
}

Result<void> apply_cdi(const CdiEdits& edits, HostPort& machine, Hooks hooks, model::oci::Spec& spec) {
    if (!edits.unsupported.empty())
        return unsupported("CDI device injection failed: \"" + edits.unsupported + "\" is not supported");
    spec.process->env = merge_environment(std::move(spec.process->env), edits.env);
    for (const CdiNode& node : edits.nodes) TRY(add_node(node, machine, *spec.linux_));
    for (const CdiMount& mount : edits.mounts) {
        std::vector<std::string> options = mount.options;
        bool bind = std::ranges::any_of(options, [](const auto& one) { return one == "bind" || one == "rbind"; });
        if (mount.type.empty() && !bind) options.emplace_back("rbind");
        spec.mounts.push_back({.destination = mount.container_path,
                               .type = mount.type.empty() ? "bind" : mount.type,
                               .source = mount.host_path,
                               .options = std::move(options),
                               .uid_mappings = {},
                               .gid_mappings = {}});
    }
    append(spec.process->user.additional_gids, edits.gids);
    if (edits.hooks.empty()) return {};
    if (hooks == Hooks::refused)
        return unsupported("CDI device injection failed: it has hooks (" + edits.hooks[0].path +
                           "), which Hull's own runtime does not run: use another one with --runtime");
    if (!spec.hooks) spec.hooks.emplace();
    for (const CdiHook& hook : edits.hooks) TRY(add_hook(hook, *spec.hooks));
    return {};
}

} // namespace hull::engine
