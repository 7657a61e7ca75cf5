#include "engine/service.h"
#include "engine/links.h"

#include <csignal>

#include "engine/container_networks.h"
#include "engine/names.h"

namespace hull::engine {

Result<void> ContainersService::start(const std::string& name) {
    ContainerPtr container = TRY(core_.registry.find(name));
    return runner_.start(container);
}

Result<void> ContainersService::stop(const std::string& name, std::optional<int> timeout, const std::string& signal) {
    ContainerPtr container = TRY(core_.registry.find(name));
    return runner_.stop(container, timeout, signal);
}

Result<void> ContainersService::restart(const std::string& name, std::optional<int> timeout,
                                        const std::string& signal) {
    ContainerPtr container = TRY(core_.registry.find(name));
    return runner_.restart(container, timeout, signal);
}

Result<void> ContainersService::kill(const std::string& name, const std::string& signal) {
    ContainerPtr container = TRY(core_.registry.find(name).context([&] { return "cannot kill container: " + name; }));
    int number = signal.empty() ? SIGKILL : TRY(parse_signal(signal));
    return runner_.kill(container, number);
}

Result<void> ContainersService::pause(const std::string& name) {
    ContainerPtr container = TRY(core_.registry.find(name));
    return runner_.pause(container);
}

Result<void> ContainersService::unpause(const std::string& name) {
    ContainerPtr container = TRY(core_.registry.find(name));
    return runner_.unpause(container);
}

Result<void> ContainersService::rename(const std::string& name, const std::string& new_name) {
    ContainerPtr container = TRY(core_.registry.find(name));
    if (new_name.empty()) return Error(ErrorKind::invalid_argument, "Neither old nor new names may be empty");
    std::lock_guard operation(container->operation());
    constexpr const char* doing = "Error when allocating new name";
    std::string fresh = TRY(check_container_name(new_name).context(doing));
    std::string old = container->name();
    if (fresh == old)
        return Error(ErrorKind::invalid_argument, "Renaming a container with the same name as its current name");
    TRY(core_.registry.reserve(fresh, container->id).context(doing));
    container->set_name(fresh);
    auto saved = core_.save_settings(*container);
    if (!saved.ok()) {
        container->set_name(old);
        core_.registry.free_name(fresh, container->id);
        return std::move(saved).context("rename container");
    }
    core_.registry.free_name(old, container->id);
    if (auto member = make_member(core_, *container); member.ok()) core_.networks->rename(*member);
    core_.publish(*container, "rename", {{"oldName", "/" + old}});
    return {};
}

Result<void> ContainersService::resize(const std::string& name, uint16_t rows, uint16_t columns) {
    ContainerPtr container = TRY(core_.registry.find(name));
    if (!has_processes(container->status())) return not_running(*container);
    TRY(core_.runtime.resize(container->id, rows, columns));
    core_.publish(*container, "resize", {{"height", std::to_string(rows)}, {"width", std::to_string(columns)}});
    return {};
}

Result<void> ContainersService::remove(const std::string& name, const RemoveOptions& options) {
    if (options.link) return remove_link(core_, name);
    ContainerPtr container = TRY(core_.registry.find(name));
    return runner_.remove(container, options.force, options.volumes);
}

Result<PruneReport> ContainersService::prune(const Filters& filters) {
    constexpr std::array<std::string_view, 3> names = {"until", "label", "label!"};
    TRY(filters.check_names(names));
    std::optional<WallTime> until;
    for (const std::string& text : filters.get("until")) until = TRY(parse_time_filter(text, wall_now()));
    PruneReport report;
    for (const ContainerPtr& container : core_.registry.all()) {
        ContainerStatus status = container->status();
        if (status != ContainerStatus::created && status != ContainerStatus::exited && status != ContainerStatus::dead)
            continue;
        const ContainerSettings& settings = container->settings();
        if (until && settings.created >= *until) continue;
        if (!filters.labels("label", settings.config.labels)) continue;
        if (filters.has("label!") && filters.labels("label!", settings.config.labels)) continue;
        auto size = measure(core_, *container);
        if (!runner_.remove(container, false, false).ok()) continue; // it was started meanwhile
        report.deleted.push_back(container->id.str());
        if (size.ok()) report.space_reclaimed += size->rw;
    }
    core_.events.publish({.type = "container",
                          .action = "prune",
                          .actor = "",
                          .attributes = {{"reclaimed", std::to_string(report.space_reclaimed)}},
                          .time = {}});
    return report;
}

Result<AttachInfo> ContainersService::check_attach(const std::string& name) {
    ContainerPtr container = TRY(core_.registry.find(name));
    switch (container->status()) {
    case ContainerStatus::paused:
        return Error(ErrorKind::conflict,
                     "container " + container->id.str() + " is paused, unpause the container before attach");
    case ContainerStatus::restarting:
        return Error(ErrorKind::conflict,
                     "container " + container->id.str() + " is restarting, wait until the container is running");
    case ContainerStatus::removing:
    case ContainerStatus::dead:
        return Error(ErrorKind::conflict, "container " + container->id.str() + " is marked for removal");
    case ContainerStatus::exited: {
        // The clean-up of its last life closes clients that wait; let it go first.
        std::lock_guard operation(container->operation());
        runner_.clean_up(container);
        break;
    }
    default: break;
    }
    return AttachInfo{.id = container->id,
                      .tty = container->settings().config.tty,
                      .expected = core_.runtime.expect_attach(container->id)};
}

Result<void> ContainersService::attach(const ContainerId& id, Streams streams) {
    ContainerPtr container = core_.registry.by_id(id);
    if (!container) return no_such_container(id.str());
    // What isn't open has no stdin to give.
    if (!container->settings().config.open_stdin) streams.stdin_ = false;
    core_.publish(*container, "attach");
    return core_.runtime.attach(id, std::move(streams));
}

} // namespace hull::engine
