// Containers as the API sees them: looks the container up, then leaves the work
// to the parts below.
#pragma once

#include <string>

#include "engine/containers.h"
#include "engine/core.h"
#include "engine/log_settings.h"
#include "engine/runner.h"

namespace hull::engine {

class ContainersService : public Containers {
public:
    ContainersService(Core& core, Runner& runner) : core_(core), runner_(runner) {}

    Result<Created> create(model::CreateRequest request, CreateOptions options) override; // create.cc
    Result<std::vector<ContainerSummary>> list(const ListOptions& options) override;      // list.cc
    Result<ContainerView> inspect(const std::string& name, bool size) override;

    Result<void> start(const std::string& name) override;
    Result<void> stop(const std::string& name, std::optional<int> timeout, const std::string& signal) override;
    Result<void> restart(const std::string& name, std::optional<int> timeout, const std::string& signal) override;
    Result<void> kill(const std::string& name, const std::string& signal) override;
    Result<void> pause(const std::string& name) override;
    Result<void> unpause(const std::string& name) override;
    Result<void> rename(const std::string& name, const std::string& new_name) override;
    Result<void> resize(const std::string& name, uint16_t rows, uint16_t columns) override;
    Result<std::vector<std::string>> update(const std::string& name, const model::HostConfig& changes,
                                            const PortChanges& ports) override; // update.cc
    Result<void> remove(const std::string& name, const RemoveOptions& options) override;
    Result<PruneReport> prune(const Filters& filters) override;

    Result<std::unique_ptr<Waiter>> wait(const std::string& name, WaitCondition condition) override; // wait.cc
    Result<std::unique_ptr<LogStream>> logs(const std::string& name,
                                            const LogOptions& options) override;       // log_stream.cc
    Result<TopView> top(const std::string& name, const std::string& ps_args) override; // top.cc
    Result<std::unique_ptr<StatsSampler>> stats(const std::string& name) override;     // stats.cc
    Result<AttachInfo> check_attach(const std::string& name) override;
    Result<void> attach(const ContainerId& id, Streams streams) override;

private:
    Core& core_;
    Runner& runner_;
};

// log_stream.cc
std::unique_ptr<LogStream> make_log_stream(Core& core, ContainerPtr container, const LogOptions& options,
                                           const LogSettings& settings);

// inspect.cc
ContainerView make_view(const Core& core, const Container& container);
std::vector<MountPointView> view_mounts(const ContainerSettings& settings);
std::map<std::string, model::EndpointSettings> view_networks(const Core& core, const ContainerSettings& settings,
                                                             const ContainerState& state);
std::vector<PortView> view_ports(const ContainerSettings& settings, const ContainerState& state);
// Those of them that are shown: who has no network of its own exposes nothing.
std::vector<PortView> shown_ports(const ContainerSettings& settings, const ContainerState& state);
Result<SizeView> measure(const Core& core, const Container& container);

// "Up 3 minutes (healthy)", "Exited (0) 2 hours ago", as docker ps words it.
std::string status_text(const ContainerState& state, HealthStatus health, WallTime now);
// "Less than a second", "5 seconds", "About a minute", ...
std::string human_duration(int64_t seconds);

// "10m", "2006-01-02T15:04:05", seconds since the epoch: a point in time for
// the filter until. Errors: invalid_argument.
Result<WallTime> parse_time_filter(const std::string& text, WallTime now);

} // namespace hull::engine
