#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include <re2/re2.h>

#include "engine/links.h"
#include "engine/port_bindings.h"
#include "engine/service.h"

namespace hull::engine {
namespace {

constexpr std::array<std::string_view, 15> kFilters = {"ancestor", "before",    "exited",  "expose", "health",
                                                       "id",       "isolation", "is-task", "label",  "name",
                                                       "network",  "publish",   "since",   "status", "volume"};

struct Candidate {
    ContainerPtr container;
    ContainerState state;
    HealthStatus health = HealthStatus::none;
    int failing_streak = 0;
    std::string name;
};

// Filters that need looking up once, before the containers are gone through.
struct Prepared {
    const Filters& filters;
    std::optional<WallTime> before, since;
    std::vector<std::string> ancestors; // image ids
    std::vector<std::unique_ptr<RE2>> names;
    std::vector<int> exit_codes;
    std::optional<bool> is_task;
};

Result<std::optional<WallTime>> creation_of(const Registry& registry, std::span<const std::string> names) {
    std::optional<WallTime> time;
    for (const std::string& name : names) {
        ContainerPtr container = TRY(registry.find(name));
        time = container->settings().created;
    }
    return time;
}

Error bad_value(const char* name, const std::string& value) {
    return {ErrorKind::invalid_argument, std::string("invalid filter '") + name + "=" + value + "'"};
}

Result<Prepared> prepare(const Core& core, const Filters& filters) {
    TRY(filters.check_names(kFilters));
    Prepared out{
        .filters = filters, .before = {}, .since = {}, .ancestors = {}, .names = {}, .exit_codes = {}, .is_task = {}};
    out.before = TRY(creation_of(core.registry, filters.get("before")));
    out.since = TRY(creation_of(core.registry, filters.get("since")));
    for (const std::string& name : filters.get("ancestor"))
        if (auto image = core.images.resolve(name); image.ok()) out.ancestors.push_back((*image)->id.str());
    for (const std::string& pattern : filters.get("name")) {
        // Go's syntax, and no pattern takes more than linear time.
        auto name = std::make_unique<RE2>(pattern, RE2::Quiet);
        if (!name->ok()) return bad_value("name", pattern);
        out.names.push_back(std::move(name));
    }
    for (const std::string& text : filters.get("exited")) {
        int code = 0;
        auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), code);
        if (failed != std::errc() || end != text.data() + text.size()) return bad_value("exited", text);
        out.exit_codes.push_back(code);
    }
    constexpr std::array<std::string_view, 7> states = {"created",  "running", "paused", "restarting",
                                                        "removing", "exited",  "dead"};
    for (const std::string& text : filters.get("status"))
        if (std::ranges::find(states, text) == states.end())
            return Error(ErrorKind::invalid_argument, "invalid filter 'status=" + text + "'");
    constexpr std::array<std::string_view, 4> healths = {"none", "starting", "healthy", "unhealthy"};
    for (const std::string& text : filters.get("health"))
        if (std::ranges::find(healths, text) == healths.end())
            return Error(ErrorKind::invalid_argument, "invalid filter 'health=" + text + "'");
    for (const char* kind : {"expose", "publish"})
        for (const std::string& text : filters.get(kind))
            TRY(expand_ports(text).context(std::string("error while looking up for ") + kind + " " + text));
    if (filters.has("is-task")) out.is_task = TRY(filters.boolean("is-task", false));
    return out;
}

bool matches_ports(const Filters& filters, const ContainerSettings& settings, const ContainerState& state) {
    if (!filters.has("expose") && !filters.has("publish")) return true;
    auto ports = view_ports(settings, state);
    auto one_of = [&](const char* filter, auto number_of) {
        return filters.any(filter, [&](const std::string& wanted) {
            auto range = expand_ports(wanted);
            if (!range.ok()) return false;
            return std::ranges::any_of(ports, [&](const PortView& port) {
                return std::ranges::any_of(*range, [&](const ExposedPort& one) {
                    return one.port == number_of(port) && one.protocol == port.type;
                });
            });
        });
    };
    return one_of("expose", [](const PortView& port) { return port.private_port; }) &&
           one_of("publish", [](const PortView& port) { return port.public_port.value_or(0); });
}

bool matches_volume(const Filters& filters, const ContainerSettings& settings) {
    return filters.any("volume", [&](const std::string& wanted) {
        return std::ranges::any_of(settings.mounts, [&](const model::MountPoint& mount) {
            return mount.name == wanted || mount.source == wanted || mount.destination == wanted;
        });
    });
}

// An image is its own ancestor, as are those that it was made from (commit, build).
bool descends(const Core& core, const std::string& image_id, const std::vector<std::string>& ancestors) {
    constexpr int most_parents = 1000;
    std::string id = image_id;
    for (int i = 0; i < most_parents; ++i) {
        if (std::ranges::find(ancestors, id) != ancestors.end()) return true;
        auto image = core.images.resolve(id);
        if (!image.ok() || !(*image)->parent) return false;
        id = (*image)->parent->str();
    }
    return false;
}

bool matches(const Core& core, const Prepared& wanted, const Candidate& candidate) {
    const Filters& filters = wanted.filters;
    const ContainerSettings& settings = candidate.container->settings();
    if (wanted.before && settings.created >= *wanted.before) return false;
    if (wanted.since && settings.created <= *wanted.since) return false;
    if (wanted.is_task && *wanted.is_task) return false;
    if (!filters.any("id", [&](const std::string& id) { return settings.id.starts_with(id); })) return false;
    if (!wanted.names.empty() && !std::ranges::any_of(wanted.names, [&](auto& name) {
            return RE2::PartialMatch(candidate.name, *name) || RE2::PartialMatch("/" + candidate.name, *name);
        }))
        return false;
    if (!filters.labels("label", settings.config.labels)) return false;
    if (!filters.exact("status", status_name(view_status(candidate.state)))) return false;
    if (!filters.exact("health", health_name(candidate.health))) return false;
    if (!filters.any("isolation", [](const std::string& mode) { return mode.empty() || mode == "default"; }))
        return false;
    if (!wanted.exit_codes.empty()) {
        bool ended = candidate.state.status == ContainerStatus::exited && candidate.state.finished_at.ns != 0;
        if (!ended || std::ranges::find(wanted.exit_codes, candidate.state.exit_code) == wanted.exit_codes.end())
            return false;
    }
    if (filters.has("ancestor") && !descends(core, settings.image_id, wanted.ancestors)) return false;
    if (filters.has("network")) {
        const auto networks = view_networks(core, settings, candidate.state);
        if (!filters.any("network", [&](const std::string& wanted) {
                return std::ranges::any_of(networks, [&](const auto& one) {
                    return one.first == wanted || (wanted.size() >= 12 && one.second.network_id.starts_with(wanted));
                });
            }))
            return false;
    }
    return matches_volume(filters, settings) && matches_ports(filters, settings, candidate.state);
}

// The name asked for, as long as it still means the same image.
std::string image_text(const Core& core, const ContainerSettings& settings) {
    auto image = core.images.resolve(settings.config.image);
    if (image.ok() && (*image)->id.str() == settings.image_id) return settings.config.image;
    return settings.image_id;
}

std::string command_text(const ContainerSettings& settings) {
    std::string text = settings.path;
    for (const std::string& arg : settings.args) {
        bool plain = arg.find(' ') == std::string::npos;
        text += plain ? " " + arg : " '" + arg + "'";
    }
    return text;
}

Result<ContainerSummary> summarise(const Core& core, const Candidate& candidate, bool size) {
    const Container& container = *candidate.container;
    const ContainerSettings& settings = container.settings();
    ContainerSummary out;
    out.id = container.id;
    out.name = candidate.name;
    out.link_names = names_by_links(core, container);
    out.image = image_text(core, settings);
    out.image_id = settings.image_id;
    out.command = command_text(settings);
    out.created = settings.created;
    out.status = view_status(candidate.state);
    out.health = candidate.health;
    out.failing_streak = candidate.failing_streak;
    out.status_text = status_text(candidate.state, candidate.health, wall_now());
    if (has_processes(candidate.state.status)) out.ports = shown_ports(settings, candidate.state);
    out.labels = settings.config.labels;
    out.network_mode = settings.host_config.network_mode;
    out.annotations = settings.host_config.annotations;
    out.networks = view_networks(core, settings, candidate.state);
    out.mounts = view_mounts(settings);
    if (size) out.size = TRY(measure(core, container));
    return out;
}

Candidate look_at(const ContainerPtr& container) {
    Candidate candidate{
        .container = container, .state = {}, .health = {}, .failing_streak = 0, .name = container->name()};
    container->look([&](const ContainerState& state, const Volatile& v) {
        candidate.state = state;
        if (v.health) {
            candidate.health = v.health->status;
            candidate.failing_streak = v.health->failing_streak;
        }
    });
    return candidate;
}

} // namespace

Result<std::vector<ContainerSummary>> ContainersService::list(const ListOptions& options) {
    Prepared wanted = TRY(prepare(core_, options.filters));
    std::vector<ContainerPtr> containers = core_.registry.all();
    std::ranges::sort(containers, std::ranges::greater(),
                      [](const ContainerPtr& container) { return container->settings().created; });
    bool all = options.all || options.limit > 0 || options.filters.has("status") || options.filters.has("exited") ||
               options.filters.has("before") || options.filters.has("since");
    std::vector<ContainerSummary> list;
    for (const ContainerPtr& container : containers) {
        if (options.limit > 0 && list.size() >= static_cast<size_t>(options.limit)) break;
        Candidate candidate = look_at(container);
        bool running = has_processes(candidate.state.status) || view_status(candidate.state) == Status::restarting;
        if (!all && !running) continue;
        if (!matches(core_, wanted, candidate)) continue;
        list.push_back(TRY(summarise(core_, candidate, options.size)));
    }
    return list;
}

} // namespace hull::engine
