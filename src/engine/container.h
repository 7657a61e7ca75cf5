// One container in memory: its settings, its state, and who waits for it.
//
// Two locks. operation(): held by start, pause, remove... for their whole
// length, across I/O; only they take each other's turn. The inner mutex: held
// for moments, guards the state. Never the other way round, never two
// containers' at once.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/strong.h"
#include "engine/lifecycle.h"
#include "engine/runtime_port.h"
#include "engine/sandbox_port.h"
#include "engine/views.h"
#include "image/images.h"
#include "model/container_record.h"

namespace hull::engine {

using model::ContainerSettings;
using model::ContainerState;

// What the engine remembers of a container only as long as it runs itself.
struct Volatile {
    std::optional<ExitRecord> early_exit; // it ended before its launch returned
    bool restart_cancelled = false;       // stop was asked for: the policy is off until the next start
    int64_t backoff_ms = 0;               // of the last restart; 0: none yet
    uint64_t restart_timer = 0;           // in the scheduler; 0: none
    std::optional<HealthView> health;
    uint64_t health_timer = 0;
    unsigned health_run = 0; // counts starts, so that a late probe of an earlier life is ignored
    std::set<std::string> execs;
    std::optional<HeldSandbox> to_clean; // it ended, and this is still to be given back
    uint64_t ends = 0;                   // how often it ended
    std::optional<int> last_exit;        // and with which code the last time
    bool removed = false;
    bool keep = false; // auto-remove is off for the length of a restart
};

class Container {
public:
    // mounted: of the images that it mounts besides.
    Container(ContainerSettings settings, ContainerState state, image::Lease lease,
              std::vector<image::Lease> mounted = {});

    const ContainerId id;

    // As of the last update; valid as long as the container, also after the next.
    const ContainerSettings& settings() const { return *settings_.load(std::memory_order_acquire); }
    // Precondition: operation() is held. The name stays as it is.
    void set_host_config(model::HostConfig config);
    std::string name() const;
    // Only the registry renames, when the new name is reserved.
    void set_name(std::string name);

    std::mutex& operation() { return operation_; }

    ContainerState state() const;
    ContainerStatus status() const;

    // Runs change(state, volatile) under the lock and wakes everybody who waits.
    template <class F>
    auto update(F&& change) {
        std::lock_guard lock(mutex_);
        Waker waker{changed_};
        return change(state_, volatile_);
    }
    template <class F>
    auto look(F&& read) const {
        std::lock_guard lock(mutex_);
        return read(state_, volatile_);
    }

    // The texts of the record as they are now.
    std::string settings_text() const;
    std::string state_text() const;
    // Held from reading a text until it is written, so that no older one comes
    // last and none comes after the record was erased.
    struct Writing {
        std::mutex mutex;
        bool erased = false; // under mutex
    };
    Writing& writing() const { return writing_; }

    // Blocks until done(state, volatile) or stop. False: stopped.
    template <class F>
    bool wait(std::stop_token stop, F&& done) const {
        std::unique_lock lock(mutex_);
        return changed_.wait(lock, stop, [&] { return done(state_, volatile_); });
    }
    // The same with a limit; false: timed out.
    template <class F>
    bool wait_for(std::chrono::nanoseconds limit, F&& done) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, limit, [&] { return done(state_, volatile_); });
    }

    const image::Lease& lease() const { return lease_; }

private:
    struct Waker {
        std::condition_variable_any& changed;
        ~Waker() { changed.notify_all(); }
    };

    // All versions, since readers have no lock; an update is rare and small.
    std::vector<std::unique_ptr<ContainerSettings>> versions_; // under mutex_, as is the last one's name
    std::atomic<const ContainerSettings*> settings_;
    image::Lease lease_;
    std::vector<image::Lease> mounted_; // held only
    std::mutex operation_;
    mutable Writing writing_;

    mutable std::mutex mutex_;
    mutable std::condition_variable_any changed_;
    ContainerState state_;
    Volatile volatile_;
};

using ContainerPtr = std::shared_ptr<Container>;

// The status as answers show it.
Status view_status(const ContainerState& state);

} // namespace hull::engine
