#include "engine/container.h"

#include <array>
#include <utility>

namespace hull::engine {

const char* status_name(Status status) {
    constexpr std::array names = {"created", "running", "paused", "restarting", "removing", "exited", "dead"};
    return names.at(static_cast<size_t>(status));
}

const char* health_name(HealthStatus status) {
    constexpr std::array names = {"none", "starting", "healthy", "unhealthy"};
    return names.at(static_cast<size_t>(status));
}

Status view_status(const ContainerState& state) {
    switch (state.status) {
    case ContainerStatus::created: return Status::created;
    case ContainerStatus::starting:
        // Shown as what it was before; a restart shows as one.
        if (state.started_at.ns == 0) return Status::created;
        return state.restart_count > 0 ? Status::restarting : Status::exited;
    case ContainerStatus::running: return Status::running;
    case ContainerStatus::paused: return Status::paused;
    case ContainerStatus::restarting: return Status::restarting;
    case ContainerStatus::removing: return Status::removing;
    case ContainerStatus::exited: return Status::exited;
    case ContainerStatus::dead: return Status::dead;
    }
    return Status::dead;
}

Container::Container(ContainerSettings settings, ContainerState state, image::Lease lease,
                     std::vector<image::Lease> mounted)
    : id(settings.id), lease_(std::move(lease)), mounted_(std::move(mounted)), state_(std::move(state)) {
    versions_.push_back(std::make_unique<ContainerSettings>(std::move(settings)));
    settings_ = versions_.back().get();
}

std::string Container::name() const {
    std::lock_guard lock(mutex_);
    return versions_.back()->name;
}

void Container::set_name(std::string name) {
    std::lock_guard lock(mutex_);
    versions_.back()->name = std::move(name);
}

void Container::set_host_config(model::HostConfig config) {
    std::lock_guard lock(mutex_);
    auto next = std::make_unique<ContainerSettings>(*versions_.back());
    next->host_config = std::move(config);
    settings_.store(next.get(), std::memory_order_release);
    versions_.push_back(std::move(next));
}

ContainerState Container::state() const {
    std::lock_guard lock(mutex_);
    return state_;
}

ContainerStatus Container::status() const {
    std::lock_guard lock(mutex_);
    return state_.status;
}

std::string Container::settings_text() const {
    std::lock_guard lock(mutex_);
    return model::print_container_settings(*versions_.back());
}

std::string Container::state_text() const { return model::print_container_state(state()); }

} // namespace hull::engine
