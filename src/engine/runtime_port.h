// The engine's view of what makes containers: the only way from engine/ to the
// kernel. apps/hulld implements it over the keeper; tests implement a fake.
//
// Lifecycle of one container as seen here:
//
//   (attach)* -> launch -> running <-> paused -> exit (exactly one on_exit)
//                   \-> error: nothing is left behind, pending attaches are closed
//
// Glossary. keeper: the process that is the parent of all containers. sandbox:
// a pair of user namespace and network namespace, made ahead of the container.
// All calls are thread-safe and may block; none holds a lock of the engine's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/strong.h"
#include "base/unique_fd.h"
#include "model/oci_spec.h"
#include "store/id_shift.h"

namespace hull::engine {

// The rootfs of a container: overlay of read-only lower trees and one writable.
struct Rootfs {
    std::vector<std::string> lower; // absolute paths, topmost layer first
    std::string upper, work;        // absolute paths on one file system
    bool readonly = false;
    // The container is removed when it ends: what it writes need not reach the
    // disk. work is fresh then.
    bool discarded = false;
};

struct Stdio {
    bool terminal = false;
    bool open_stdin = false; // a stdin that attach can feed; else /dev/null
    bool stdin_once = false; // stdin closes when the first attached client's stdin ends
    uint16_t rows = 0, columns = 0;
};

struct LogSink {
    bool enabled = true;            // false: driver "none"
    std::string path;               // json-file: <container dir>/<id>-json.log; rotated files get .1 .2 ...
    uint64_t max_bytes = 10u << 20; // of one file; 0 is unlimited
    unsigned max_files = 5;
    std::map<std::string, std::string> attributes; // "attrs" of each line; usually empty
};

// A user namespace and a network namespace; open descriptors keep them alive.
struct Sandbox {
    UniqueFd user_ns; // invalid: the host's user namespace
    UniqueFd net_ns;
};

// Another OCI runtime, used through its command line.
struct OciRuntime {
    std::string path;              // absolute, or looked for in PATH
    std::vector<std::string> args; // before the command
};

struct LaunchRequest {
    ContainerId id;
    const model::oci::Spec* spec = nullptr; // borrowed for the call
    Rootfs rootfs;
    // Of the spec's bind mounts, by destination: those whose source is several folders, topmost
    // first, as read-only lower trees.
    std::map<std::string, std::vector<std::string>> image_mounts = {};
    Stdio stdio;
    LogSink log;
    // When set, its namespaces are used for the "user" and "network" entries of
    // the spec that have no path.
    const Sandbox* sandbox = nullptr;
    std::optional<OciRuntime> runtime = {}; // nullopt: our own
};

struct StepTime {
    std::string name; // "overlay", "pivot_root", ...
    int64_t ns = 0;
};

struct Launched {
    int pid = 0; // of the container's init, as the host sees it
    WallTime started_at;
    std::vector<StepTime> steps; // in order
};

// Bytes that end an attached terminal session, e.g. ctrl-p ctrl-q = {16, 17}; empty: none.
using DetachKeys = std::vector<uint8_t>;

// A client's own socket, handed over after its HTTP upgrade. The keeper copies
// bytes between it and the container and closes it at the end.
struct Streams {
    UniqueFd client;
    std::string already_read; // bytes of stdin that came with the HTTP request
    bool stdin_ = false, stdout_ = false, stderr_ = false;
    DetachKeys detach_keys;
    // Whether output is framed (Engine API, "Stream format"); not said: without a terminal.
    std::optional<bool> framed = {};
};

struct ExecRequest {
    ContainerId container;
    ExecId id;
    const model::oci::Process* process = nullptr; // borrowed for the call
    Stdio stdio;
    std::optional<Streams> streams; // nullopt: detached, output is dropped
};

struct ExitRecord {
    ContainerId container;
    std::optional<ExecId> exec; // set: this exec ended, not the container
    int exit_code = 0;          // 128 + signal when killed by one
    bool oom_killed = false;
    bool status_known = true; // false: it ended while nobody could see how; exit_code is 255
    WallTime finished_at;
    std::string error; // why the status isn't known
};

struct Survivor { // a container that runs on from an earlier hulld
    ContainerId container;
    int pid = 0;
    WallTime started_at;
    bool paused = false;
    std::vector<ExecId> execs;
};

// The files of a container, for copying: its root and what is mounted in it.
struct FilesRequest {
    ContainerId id;
    int pid = 0; // of its init; 0: it doesn't run
    // Of one that doesn't run: what a start would mount.
    Rootfs rootfs = {};
    struct Bind {
        std::string source, destination;     // absolute; parents before what is below them
        std::vector<std::string> lower = {}; // in place of source: LaunchRequest::image_mounts
        bool readonly = false, recursive = true;
    };
    std::vector<Bind> binds = {};
};
struct OpenFiles {
    UniqueFd root; // O_PATH; the mounts are there as long as this and the next are open
    UniqueFd mount_ns;
    store::IdShifts ids; // files carry the ids that the machine knows, shifted by this
};

struct BlkioEntry {
    uint64_t major = 0, minor = 0;
    std::string op; // Read Write Sync Async Discard Total
    uint64_t value = 0;
};
struct NetworkCounters {
    uint64_t rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0;
    uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0;
};
struct ResourceUsage { // the same meaning on cgroup v1 and v2
    WallTime read;
    uint64_t cpu_total_ns = 0, cpu_user_ns = 0, cpu_kernel_ns = 0;
    std::vector<uint64_t> cpu_per_core_ns; // v1 only
    uint64_t throttled_periods = 0, periods = 0, throttled_ns = 0;
    uint64_t memory_usage = 0, memory_max_usage = 0, memory_limit = 0; // limit: the machine's when unlimited
    uint64_t memory_failcnt = 0;
    std::map<std::string, uint64_t> memory_stats; // memory.stat as the kernel names it
    uint64_t pids_current = 0, pids_limit = 0;
    std::vector<BlkioEntry> io_service_bytes, io_serviced;
    std::map<std::string, NetworkCounters> networks; // by interface; empty with the host's network
    uint64_t system_cpu_ns = 0;                      // of the whole machine, from /proc/stat
    unsigned online_cpus = 0;
};

class RuntimeListener {
public:
    virtual ~RuntimeListener() = default;
    // Called once per end, from one thread, after the last output was written.
    // The record is acknowledged to the keeper when this returns.
    virtual void on_exit(const ExitRecord& record) = 0;
    virtual void on_oom(const ContainerId& container) = 0;
    // A client left by its detach keys; exec: of an exec. Must not block.
    virtual void on_detach(const ContainerId& container, const std::optional<ExecId>& exec) = 0;
};

class RuntimePort {
public:
    virtual ~RuntimePort() = default;

    // Connects to the keeper of an earlier hulld, or starts one. Must be called
    // first, once; exits that happened meanwhile are then reported to listener
    // (from another thread). Survivors are those that still run.
    virtual Result<std::vector<Survivor>> start(RuntimeListener& listener) = 0;

    // A new pair of namespaces; mappings empty: the host's user namespace.
    virtual Result<Sandbox> make_sandbox(const std::vector<model::oci::IdMapping>& uid_mappings,
                                         const std::vector<model::oci::IdMapping>& gid_mappings) = 0;

    // Returns when the program was exec'ed. Errors: no_such_program (127),
    // not_executable (126), everything else 125/128 by Docker's rules; the
    // message is the one Docker's users know where there is one.
    virtual Result<Launched> launch(const LaunchRequest& request) = 0;

    // Before a client is told that it is attached. It may start the container as
    // soon as it knows, and its socket arrives a moment later: a launch waits
    // for that, up to 5 s. Let go of the result after attach(), or when it
    // isn't coming.
    virtual std::shared_ptr<void> expect_attach(const ContainerId&) { return nullptr; }
    // Before launch: kept until then. After the end: conflict.
    virtual Result<void> attach(const ContainerId& id, Streams streams) = 0;
    // Closes the clients that attached to a container that won't be launched.
    virtual void cancel_attach(const ContainerId& id) = 0;
    // The container's cgroups and mounts are gone when this returns; called
    // after on_exit, and for containers that a crash left half-made. Idempotent.
    virtual Result<void> cleanup(const ContainerId& id, const std::string& cgroup_parent) = 0;

    // What there still is of one that doesn't run, for people to read; and all that
    // run, whether the engine knows them or not.
    virtual std::vector<std::string> leftovers(const ContainerId&, const std::string&) { return {}; }
    virtual std::vector<ContainerId> known() { return {}; }

    virtual Result<void> kill(const ContainerId& id, int signal) = 0; // not running: conflict
    virtual Result<void> pause(const ContainerId& id) = 0;
    virtual Result<void> resume(const ContainerId& id) = 0;
    virtual Result<void> resize(const ContainerId& id, uint16_t rows, uint16_t columns) = 0;
    // New limits of a container that runs; those that are absent stay.
    virtual Result<void> update(const ContainerId& id, const model::oci::Resources& resources) = 0;
    virtual Result<std::vector<int>> processes(const ContainerId& id) = 0; // host pids
    virtual Result<ResourceUsage> usage(const ContainerId& id) = 0;

    // Nothing of it may start or end a start meanwhile when it doesn't run.
    virtual Result<OpenFiles> open_files(const FilesRequest& request) = 0;
    // A user of the container's, "name", "uid" or "user:group", by its own passwd and group.
    virtual Result<store::Owner> find_owner(const OpenFiles& files, const std::string& user) = 0;
    // Runs work, in this thread, as one who makes files that are the container's root's.
    virtual Result<void> as_root_of(const OpenFiles& files, const std::function<Result<void>()>& work) = 0;

    virtual Result<int> exec(ExecRequest request) = 0; // host pid; errors as launch
    virtual Result<void> resize_exec(const ContainerId& id, const ExecId& exec, uint16_t rows, uint16_t columns) = 0;
};

} // namespace hull::engine
