// Starts, stops and removes containers, and sees to what follows when one ends:
// clean-up, restart policy, auto-remove. The only place that takes steps of the
// lifecycle (lifecycle.h).
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "engine/core.h"
#include "engine/log_settings.h"
#include "engine/namespaces.h"
#include "engine/net_files.h"
#include "engine/spec_builder.h"

namespace hull::engine {

class Runner {
public:
    explicit Runner(Core& core) : core_(core) {}

    // ---- runner_start.cc
    // Errors: those of Containers::start. on_started is told of every start.
    Result<void> start(const ContainerPtr& container);
    std::function<void(const ContainerPtr&)> on_started, on_ended;
    // An error fails the start.
    std::function<Result<void>(const Container&, const LogSettings&)> before_launch;
    // Also of one that has ended already.
    std::function<void(const ContainerPtr&)> on_launched;
    // Its files are still there.
    std::function<void(const ContainerId&)> before_removal;

    // ---- runner_exit.cc
    void ended(const ExitRecord& record);
    // At start: a container that the records say runs, and doesn't.
    void lost(const ContainerPtr& container);
    // Begins the restart that a policy wants when the engine comes up.
    void start_by_policy(const ContainerPtr& container);
    // Gives back what an ended container held. Precondition: operation() is held.
    void clean_up(const ContainerPtr& container);

    // ---- runner_stop.cc
    Result<void> stop(const ContainerPtr& container, std::optional<int> timeout, const std::string& signal);
    // As stop(), but the restart policy will have it again at the engine's next start.
    Result<void> stop_for_now(const ContainerPtr& container);
    Result<void> restart(const ContainerPtr& container, std::optional<int> timeout, const std::string& signal);
    Result<void> kill(const ContainerPtr& container, int signal);
    Result<void> pause(const ContainerPtr& container);
    Result<void> unpause(const ContainerPtr& container);

    // ---- runner_remove.cc
    // volumes: its anonymous volumes, too; those of an auto-remove container always go.
    Result<void> remove(const ContainerPtr& container, bool force, bool volumes);
    // Precondition: operation() is held, nothing of it runs.
    Result<void> remove_held(const ContainerPtr& container, bool volumes);

    // No restart begins after this.
    void close() { closing_ = true; }
    // Deletes in the background what remove() put aside, also an earlier engine's.
    void discard();

private:
    enum class StartedBy : unsigned char { user, policy };

    struct Prepared {
        TakenSandbox sandbox;
        bool has_sandbox = false;
        HeldSandbox held;             // what this container must give back
        NetworkKeeper::Joined joined; // its endpoints besides held.endpoint, and its ports
        IdRange ids;                  // that it runs under; may be another container's
        model::oci::Spec spec;
        std::map<std::string, UniqueFd> subpaths;                     // of volumes, until the launch is over
        std::map<std::string, std::vector<std::string>> image_mounts; // image_mount_sources(), by destination
    };

    Result<void> start_held(const ContainerPtr& container, StartedBy by);
    Result<void> launch(const ContainerPtr& container);
    Result<Prepared> prepare(Container& container);
    Result<void> join_networks(const Container& container, Prepared& prepared);
    Result<NetFiles> write_net_files(const Container& container, const NamespaceChoice& choice,
                                     const std::vector<std::string>& addresses);
    Result<std::string> find_init(const Container& container) const;
    Result<Launched> launch_prepared(const Container& container, const Prepared& prepared);
    void failed_start(const ContainerPtr& container, const Error& error, const HeldSandbox& held);

    // The end of a container that ran.
    void finish(const ContainerPtr& container, const ExitRecord& record);
    void after_end(const ContainerPtr& container, bool restarts, int64_t delay_ms);
    void restart_now(const ContainerPtr& container);

    enum class StoppedBy : unsigned char { hand, machine };
    Result<void> stop_running(const ContainerPtr& container, std::optional<int> timeout, const std::string& signal,
                              StoppedBy by = StoppedBy::hand);
    Result<void> signal_container(const ContainerPtr& container, int signal);
    Result<void> kill_and_wait(const ContainerPtr& container);
    void empty_trash();
    void cancel_restart(const ContainerPtr& container);

    Core& core_;
    std::atomic<bool> closing_{false};
    std::mutex trash_;                   // one at a time empties it
    std::atomic<unsigned> discarded_{0}; // folders put there so far
};

// The cgroup above the container's own.
std::string cgroup_parent(const Container& container, const EngineOptions& options);

Error not_running(const Container& container);

} // namespace hull::engine
