// What a container is asked to be: Docker's Config, HostConfig and
// NetworkingConfig as one set of plain types. The same types are read from API
// requests, kept in records and printed by inspect. Names are the Engine API's
// (1.55) in snake_case. Sizes are bytes, times nanoseconds, unless said.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/result.h"

namespace hull::model {

using Labels = std::map<std::string, std::string>;
using StringList = std::vector<std::string>;

struct Healthcheck {
    StringList test; // {"NONE"} | {"CMD", ...} | {"CMD-SHELL", text}; empty: inherit
    int64_t interval = 0, timeout = 0, start_period = 0, start_interval = 0;
    int retries = 0;
};

// The part that is portable between machines, also kept in an image.
struct ContainerConfig {
    std::string hostname, domainname, user;
    bool attach_stdin = false, attach_stdout = false, attach_stderr = false;
    std::vector<std::string> exposed_ports; // "80/tcp"; an object with empty values in JSON
    bool tty = false, open_stdin = false, stdin_once = false;
    StringList env;
    std::optional<StringList> cmd;
    std::optional<Healthcheck> healthcheck;
    bool args_escaped = false;
    std::string image;
    std::vector<std::string> volumes; // paths; an object with empty values in JSON
    std::string working_dir;
    std::optional<StringList> entrypoint; // {} resets the image's; nullopt inherits
    bool network_disabled = false;
    std::string mac_address;
    StringList on_build;
    Labels labels;
    std::string stop_signal;
    std::optional<int> stop_timeout; // seconds; -1 waits for ever
    std::optional<StringList> shell;
};

struct LogConfig {
    std::string type; // json-file, none, ...; empty: the engine's default
    std::map<std::string, std::string> config;
};

struct RestartPolicy {
    std::string name; // "", no, always, unless-stopped, on-failure
    int maximum_retry_count = 0;
};

struct PortBinding {
    std::string host_ip, host_port;
};

struct DeviceMapping {
    std::string path_on_host, path_in_container, cgroup_permissions;
};

struct DeviceRequest {
    std::string driver;
    int count = 0;
    StringList device_ids;
    std::vector<StringList> capabilities;
    std::map<std::string, std::string> options;
};

struct Ulimit {
    std::string name;
    int64_t hard = 0, soft = 0;
};

struct BindOptions {
    std::string propagation;
    bool non_recursive = false, create_mountpoint = false, read_only_non_recursive = false,
         read_only_force_recursive = false;
};
struct TmpfsOptions {
    int64_t size_bytes = 0;
    uint32_t mode = 0;
    std::vector<StringList> options;
};
struct ImageOptions {
    std::string subpath; // relative
};
struct MountRequest {
    std::string type; // bind volume tmpfs image npipe cluster
    std::string source, target;
    bool read_only = false;
    std::string consistency = {};
    std::optional<BindOptions> bind_options = {};
    std::optional<TmpfsOptions> tmpfs_options = {};
    std::string volume_options = {}; // JSON text, kept as it came; volumes have an issue of their own
    std::optional<ImageOptions> image_options = {};
};

struct BlkioWeightDevice {
    std::string path;
    uint16_t weight = 0;
};
struct BlkioRateDevice {
    std::string path;
    uint64_t rate = 0;
};

// The part that belongs to this machine.
struct HostConfig {
    StringList binds; // "src:dst[:options]"
    std::string container_id_file;
    LogConfig log_config;
    std::string network_mode;
    std::map<std::string, std::vector<PortBinding>> port_bindings;
    RestartPolicy restart_policy;
    bool auto_remove = false;
    std::string volume_driver;
    StringList volumes_from;
    std::vector<MountRequest> mounts;
    std::vector<uint32_t> console_size; // height, width
    std::map<std::string, std::string> annotations;
    StringList cap_add, cap_drop;
    std::string cgroupns_mode;
    StringList dns, dns_options, dns_search, extra_hosts, group_add;
    std::string ipc_mode, cgroup;
    StringList links;
    int oom_score_adj = 0;
    std::string pid_mode;
    bool privileged = false, publish_all_ports = false, readonly_rootfs = false;
    StringList security_opt;
    std::map<std::string, std::string> storage_opt, tmpfs;
    std::string uts_mode, userns_mode;
    int64_t shm_size = 0;
    std::map<std::string, std::string> sysctls;
    std::string runtime, isolation;
    std::optional<StringList> masked_paths, readonly_paths;
    // Resources.
    int64_t cpu_shares = 0, memory = 0, nano_cpus = 0;
    std::string cgroup_parent;
    uint16_t blkio_weight = 0;
    std::vector<BlkioWeightDevice> blkio_weight_device;
    std::vector<BlkioRateDevice> blkio_device_read_bps, blkio_device_write_bps, blkio_device_read_iops,
        blkio_device_write_iops;
    int64_t cpu_period = 0, cpu_quota = 0, cpu_realtime_period = 0, cpu_realtime_runtime = 0; // microseconds
    std::string cpuset_cpus, cpuset_mems;
    std::vector<DeviceMapping> devices;
    StringList device_cgroup_rules;
    std::vector<DeviceRequest> device_requests;
    int64_t memory_reservation = 0, memory_swap = 0;
    std::optional<int64_t> memory_swappiness;
    std::optional<bool> oom_kill_disable;
    std::optional<int64_t> pids_limit;
    std::vector<Ulimit> ulimits;
    std::optional<bool> init;
    // Of Windows; kept so that they can be refused, and shown as 0.
    int64_t cpu_count = 0, cpu_percent = 0;
    uint64_t io_maximum_iops = 0, io_maximum_bandwidth = 0;
};

struct EndpointIpamConfig {
    std::string ipv4_address, ipv6_address;
    StringList link_local_ips;
};
struct EndpointSettings {
    std::optional<EndpointIpamConfig> ipam_config;
    StringList links, aliases;
    std::string network_id, endpoint_id, gateway, ip_address, mac_address;
    int ip_prefix_len = 0;
    std::string ipv6_gateway, global_ipv6_address;
    int global_ipv6_prefix_len = 0;
    std::map<std::string, std::string> driver_opts;
    int gw_priority = 0;
    StringList dns_names;
};
struct NetworkingConfig {
    std::map<std::string, EndpointSettings> endpoints_config;
};

struct CreateRequest { // body of POST /containers/create
    ContainerConfig config;
    HostConfig host_config;
    NetworkingConfig networking_config;
};

// JSON, in the shape of Engine API 1.55. Errors: invalid_argument naming the field.
Result<CreateRequest> parse_create_request(std::string_view json);
Result<ContainerConfig> container_config_from_json(const boost::json::value& value);
boost::json::value to_json(const ContainerConfig& config);
Result<HostConfig> host_config_from_json(const boost::json::value& value);
boost::json::value to_json(const HostConfig& config);
boost::json::value to_json(const EndpointSettings& settings);
Result<EndpointSettings> endpoint_settings_from_json(const boost::json::value& value);

} // namespace hull::model
