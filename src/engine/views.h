// What the engine tells about its objects: plain data, everything that the
// API's JSON needs and nothing of its shape. Sizes are bytes, durations
// nanoseconds. A view is a copy: it doesn't change when the object does.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/strong.h"
#include "engine/runtime_port.h"
#include "model/container.h"

namespace hull::engine {

// The states of a container, in Docker's words (docs/formats/container-record.md).
enum class Status : unsigned char { created, running, paused, restarting, removing, exited, dead };
const char* status_name(Status status); // "created", ...

enum class HealthStatus : unsigned char { none, starting, healthy, unhealthy };
const char* health_name(HealthStatus status); // "none", "starting", ...

struct HealthProbe {
    WallTime start, end;
    int exit_code = 0;
    std::string output;
};
struct HealthView {
    HealthStatus status = HealthStatus::none;
    int failing_streak = 0;
    std::vector<HealthProbe> log; // oldest first, at most 5
};

struct StateView {
    Status status = Status::created;
    // More than one can hold: a paused container is running too.
    bool running = false, paused = false, restarting = false, oom_killed = false, dead = false;
    int pid = 0;
    int exit_code = 0;
    std::string error;
    WallTime started_at, finished_at; // 0: never
    std::optional<HealthView> health; // only when a health check is configured
};

struct MountPointView {
    std::string type; // bind volume tmpfs
    std::string name; // of a volume; anonymous ones have a 64-digit id
    std::string source, destination, driver, mode;
    bool rw = true;
    std::string propagation;
};

struct NetworkView {
    // What the container has on each network, by its name; in IpamConfig etc. what was asked for.
    std::map<std::string, model::EndpointSettings> networks;
    std::string sandbox_id, sandbox_key;
    std::string bridge; // always empty in Docker's answers too
};

// A port in the short list: exposed ones have no public part.
struct PortView {
    std::string ip;
    uint16_t private_port = 0;
    std::optional<uint16_t> public_port;
    std::string type; // tcp udp sctp
};

struct GraphDriverView {
    std::string name;                        // overlay2
    std::map<std::string, std::string> data; // LowerDir, MergedDir, UpperDir, WorkDir
};

struct SizeView {
    int64_t rw = 0;      // of the writable layer
    int64_t root_fs = 0; // of everything
};

// GET /containers/{id}/json
struct ContainerView {
    ContainerId id;
    std::string name; // without the leading slash
    WallTime created;
    std::string path;              // the program
    std::vector<std::string> args; // its arguments
    StateView state;
    std::string image_id;          // sha256:...
    model::ContainerConfig config; // as resolved with the image's
    model::HostConfig host_config; // with defaults filled in
    std::string resolv_conf_path, hostname_path, hosts_path, log_path;
    int restart_count = 0;
    std::string driver = "overlay2", platform = "linux";
    std::string mount_label, process_label, apparmor_profile;
    std::vector<std::string> exec_ids; // running ones
    GraphDriverView graph_driver;
    std::optional<SizeView> size; // when asked for
    std::vector<MountPointView> mounts;
    NetworkView network;
    std::vector<PortView> exposed_ports; // NetworkSettings.Ports: exposed, unpublished ones have no public part
};

// One line of GET /containers/json
struct ContainerSummary {
    ContainerId id;
    std::string name;
    std::vector<std::string> link_names; // "web/db": what links of others call it
    std::string image;                   // the reference as asked for, or the id when the tag moved on
    std::string image_id;                // sha256:...
    std::string command;                 // the program and its arguments, joined
    WallTime created;
    Status status = Status::created;
    std::string status_text; // "Up 3 minutes (healthy)", "Exited (0) 2 hours ago"
    HealthStatus health = HealthStatus::none;
    int failing_streak = 0;
    std::vector<PortView> ports;
    model::Labels labels;
    std::optional<SizeView> size;
    std::string network_mode;
    std::map<std::string, std::string> annotations;
    std::map<std::string, model::EndpointSettings> networks;
    std::vector<MountPointView> mounts;
};

struct ExecView {
    ExecId id;
    ContainerId container;
    bool running = false;
    std::optional<int> exit_code; // nullopt: not ended (or not started)
    int pid = 0;
    bool tty = false, privileged = false;
    bool open_stdin = false, open_stdout = false, open_stderr = false;
    bool can_remove = false;
    std::string entrypoint;
    std::vector<std::string> arguments;
    std::string user, working_dir;
    std::vector<std::string> env;
    std::vector<uint8_t> detach_keys;
    bool own_detach_keys = false; // asked for with the exec, not the engine's
};

struct TopView {
    std::vector<std::string> titles;
    std::vector<std::vector<std::string>> processes;
};

// GET /containers/{id}/stats: this sample and the one before.
struct StatsView {
    ContainerId id;
    std::string name;
    bool running = false;                  // false: everything else is zero
    ResourceUsage usage;                   // usage.read is the time of the sample
    std::optional<ResourceUsage> previous; // nullopt for the first sample
};

struct PruneReport {
    std::vector<std::string> deleted;
    int64_t space_reclaimed = 0;
};

// GET /info and GET /version, as far as the engine knows them; api/ adds its own.
// What is known of registries without asking one.
struct RegistryView {
    struct Index {
        std::string name;
        std::vector<std::string> mirrors; // URLs that end with a slash
        bool secure = true, official = false;
    };
    std::vector<std::string> insecure_blocks;      // CIDR
    std::vector<Index> indexes;                    // docker.io, and those that the settings name
    std::string http_proxy, https_proxy, no_proxy; // without their users and passwords
};

struct InfoView {
    std::string id; // of this engine, stable over restarts
    int containers = 0, running = 0, paused = 0, stopped = 0, images = 0;
    std::string storage_driver = "overlay2";
    std::vector<std::pair<std::string, std::string>> driver_status;
    std::string logging_driver;
    std::string cgroup_driver, cgroup_version; // "1" or "2"
    std::string kernel_version, operating_system, os_version, os_type = "linux", architecture;
    int cpus = 0;
    int64_t memory = 0;
    std::string data_root;
    std::string name; // of the host
    model::Labels labels;
    std::string server_version;
    std::string default_runtime = "hull";
    std::string init_binary;
    std::vector<std::string> security_options; // "name=seccomp,profile=builtin", ...
    std::vector<std::string> warnings;
    bool memory_limit = true, swap_limit = true, cpu_cfs = true, cpu_shares = true, cpuset = true, pids_limit = true,
         oom_kill_disable = true, ipv4_forwarding = true;
    int event_listeners = 0;
    WallTime system_time;
    RegistryView registries;
    uint64_t health_checks = 0, health_failures = 0; // since the start
    bool experimental = false;
    std::vector<std::string> cdi_devices; // that CDI files of this machine name
};

} // namespace hull::engine
