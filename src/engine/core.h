// What the parts of the engine share: ports, records, events, the containers.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "engine/container.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/network_keeper.h"
#include "engine/registry.h"
#include "engine/scheduler.h"
#include "engine/volumes.h"
#include "store/container_dirs.h"
#include "store/records.h"

namespace hull::engine {

struct Core {
    Core(EngineOptions given, const EnginePorts& ports, std::unique_ptr<store::ContainerDirs> container_dirs)
        : options(std::move(given)), runtime(ports.runtime), images(ports.images), records(ports.records),
          sandboxes(ports.sandboxes), host(ports.host), volume_drivers(ports.volume_drivers),
          dirs(std::move(container_dirs)) {}

    const EngineOptions options; // as they were at the start; see current()
    RuntimePort& runtime;
    image::Images& images;
    store::Records& records;
    SandboxPort& sandboxes;
    HostPort& host;
    VolumeDrivers* const volume_drivers; // null: only "local"
    std::unique_ptr<store::ContainerDirs> dirs;
    EventBus events;
    Registry registry;
    std::unique_ptr<VolumeKeeper> volumes; // these two are set while the engine comes up
    std::unique_ptr<NetworkKeeper> networks;
    std::atomic<uint64_t> health_checks{0}, health_failures{0}; // since the start
    event::WorkerPool workers{{.threads = 64, .queued = 65536}};
    Scheduler scheduler{workers};

    // The options with what a reload changed: labels, runtimes, logs.
    std::shared_ptr<const EngineOptions> current() const {
        std::lock_guard held(current_mutex_);
        return current_;
    }
    void set_current(EngineOptions changed) {
        auto made = std::make_shared<const EngineOptions>(std::move(changed));
        std::lock_guard held(current_mutex_);
        current_ = std::move(made);
    }

    // The read-only trees that a container's is made of, topmost first.
    std::vector<std::string> lower_of(const Container& container) const;

    // Writes the container's state as it stands. A failure is logged: the state
    // in memory is the truth while the engine runs.
    void save(const Container& container);
    // Writes what it was made of.
    Result<void> save_settings(const Container& container);
    // Erases both; from then on nothing is written of it.
    Result<void> erase(const Container& container);

    // A container event with Docker's attributes (image, name, labels) and more.
    static Event event_of(const Container& container, std::string action, std::map<std::string, std::string> more = {});
    void publish(const Container& container, std::string action, std::map<std::string, std::string> more = {});

private:
    mutable std::mutex current_mutex_;
    std::shared_ptr<const EngineOptions> current_ = std::make_shared<const EngineOptions>(options);
};

// The state of a container is kept under its id with this behind it.
inline constexpr const char* kStateKey = ".state";

// Setting of a container that is paused for a moment, by the engine itself.
inline const std::string kHeldStill = "held-still.";

// The name of the network of a mode: default is bridge.
std::string network_name(const std::string& mode);
// "container:x" gives x, anything else nothing.
std::string joined_container(const std::string& mode);

// Signal names with or without SIG, any case, or numbers, RTMIN+n too. Errors:
// invalid_argument "Invalid signal: x".
Result<int> parse_signal(const std::string& text);
std::string signal_name(int signal); // "SIGTERM", or the number

} // namespace hull::engine
