// The containers of this engine: Docker's operations on them.
//
// Lifecycle: created -> running <-> paused -> exited -> (running | removed);
// running -> restarting -> running by the restart policy (lifecycle.h has the
// table). A name argument is a full id, a unique prefix of one, or a name with
// or without a leading slash. Common errors, with Docker's texts:
//   not_found         No such container: x
//   conflict          wrong state, name in use
//   not_modified      start of a running one, stop of a stopped one (304)
//   invalid_argument  the request is wrong, or an id prefix is ambiguous
//   no_such_program, not_executable   start: exit code 127, 126
// Thread-safe: one lock per container, none across containers during I/O.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/filters.h"
#include "engine/logs.h"
#include "engine/views.h"

namespace hull::engine {

struct CreateOptions {
    std::string name;       // empty: a random one
    std::string platform;   // "linux/amd64"; empty: any
    bool transient = false; // removed at the next start of the engine, should it be there still
};
struct Created {
    ContainerId id;
    std::vector<std::string> warnings;
};

struct ListOptions {
    bool all = false; // not only running ones
    int limit = 0;    // newest n, in any state; <= 0: no limit
    bool size = false;
    Filters filters; // id name label status ancestor before since exited health is-task network volume
                     // publish expose isolation
};

struct RemoveOptions {
    bool force = false;   // kill it first
    bool volumes = false; // anonymous volumes too
    bool link = false;    // remove the link, not the container
};

enum class WaitCondition : unsigned char { not_running, next_exit, removed };
Result<WaitCondition> parse_wait_condition(std::string_view text); // "" is not-running

struct WaitResult {
    int exit_code = 0;
    std::string error; // why the container couldn't be started, or the end isn't known
};

// A registered wait: what happens after wait() returned is never missed, so the
// caller may send its headers first.
class Waiter {
public:
    virtual ~Waiter() = default;
    // nullopt: stop was requested.
    virtual std::optional<WaitResult> get(std::stop_token stop) = 0;
};

class StatsSampler {
public:
    virtual ~StatsSampler() = default;
    // The first call answers at once (no previous), each later one a second
    // after the one before. nullopt: stop was requested or the container is gone.
    virtual Result<std::optional<StatsView>> next(std::stop_token stop) = 0;
};

// What an attach request may be told before the upgrade.
struct AttachInfo {
    ContainerId id;
    bool tty = false;
    // Keep until after attach(): a start in between waits for the socket.
    std::shared_ptr<void> expected;
};

// By "80/tcp". To remove: no bindings are all of that port; an empty member of a
// binding fits any.
struct PortChanges {
    using Bindings = std::map<std::string, std::vector<model::PortBinding>>;
    Bindings add, remove;
};

class Containers {
public:
    virtual ~Containers() = default;

    virtual Result<Created> create(model::CreateRequest request, CreateOptions options) = 0;
    virtual Result<std::vector<ContainerSummary>> list(const ListOptions& options) = 0; // newest first
    virtual Result<ContainerView> inspect(const std::string& name, bool size) = 0;

    virtual Result<void> start(const std::string& name) = 0;
    // timeout: seconds; nullopt: the container's own; -1: wait for ever. signal: empty: the container's own.
    virtual Result<void> stop(const std::string& name, std::optional<int> timeout, const std::string& signal) = 0;
    virtual Result<void> restart(const std::string& name, std::optional<int> timeout, const std::string& signal) = 0;
    // signal: name with or without SIG, or number; empty: KILL.
    virtual Result<void> kill(const std::string& name, const std::string& signal) = 0;
    virtual Result<void> pause(const std::string& name) = 0;
    virtual Result<void> unpause(const std::string& name) = 0;
    virtual Result<void> rename(const std::string& name, const std::string& new_name) = 0;
    virtual Result<void> resize(const std::string& name, uint16_t rows, uint16_t columns) = 0;
    // Resources and restart policy of changes where they aren't zero, and ports. A
    // container that runs has all of it at once, or, on an error, nothing of it.
    // Warnings. Errors: conflict (a port is taken), not_found (not published), ...
    virtual Result<std::vector<std::string>> update(const std::string& name, const model::HostConfig& changes,
                                                    const PortChanges& ports) = 0;
    virtual Result<void> remove(const std::string& name, const RemoveOptions& options) = 0;
    virtual Result<PruneReport> prune(const Filters& filters) = 0; // until label label!

    virtual Result<std::unique_ptr<Waiter>> wait(const std::string& name, WaitCondition condition) = 0;
    virtual Result<std::unique_ptr<LogStream>> logs(const std::string& name, const LogOptions& options) = 0;
    virtual Result<TopView> top(const std::string& name, const std::string& ps_args) = 0; // empty: -ef
    virtual Result<std::unique_ptr<StatsSampler>> stats(const std::string& name) = 0;

    // attach in two halves: first whether it may be (404, 409 paused), then,
    // after the upgrade, the socket. Created containers may be attached: the
    // streams wait for the start. The rest of a failed second half is a closed socket.
    virtual Result<AttachInfo> check_attach(const std::string& name) = 0;
    virtual Result<void> attach(const ContainerId& id, Streams streams) = 0;
};

} // namespace hull::engine
