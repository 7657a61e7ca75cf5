// A container as the engine keeps it: what it was made of and where it stands,
// in two texts of JSON, since only the small second one changes often
// (docs/formats/container-record.md).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/container.h"

namespace hull::model {

// Created -> running -> exited ...: engine/lifecycle.h has the table.
enum class ContainerStatus : unsigned char { created, starting, running, paused, restarting, removing, exited, dead };

// One resolved mount of a container.
struct MountPoint {
    std::string type;        // bind volume tmpfs image
    std::string name;        // of a volume; of an image, as it was asked for
    std::string driver;      // of a volume; empty: one of an earlier release, in the container's folder
    std::string source;      // on the host; empty for tmpfs; of an image its id
    std::string chain_id;    // of an image's top layer
    std::string destination; // absolute, clean
    std::string mode;        // the options as given: "ro,z"
    bool rw = true;
    std::string propagation;    // rprivate ...
    bool create_source = false; // made when missing (-v)
    bool non_recursive = false;
    bool read_only_non_recursive = false;
    bool from_mounts = false;  // HostConfig.Mounts, not Binds
    std::string tmpfs_options; // mount options of a tmpfs
    std::string subpath;       // of a volume or image: the part that is mounted
    // What a volume is made with when there is none; not on record.
    bool no_copy = false;
    Labels volume_labels;
    std::map<std::string, std::string> volume_options;
};

// What a running container has on one network. Addresses are texts.
struct EndpointRecord {
    std::string network_id, endpoint_id;
    std::string network; // its name
    std::string ip_address;
    int prefix_length = 0;
    std::string gateway, mac_address;
    std::string interface, host_interface;
    std::string ipv6_address{}; // empty: none; so is ip_address on a network without IPv4
    int ipv6_prefix_length = 0;
    std::string ipv6_gateway{};

    bool leads_outside() const { return !gateway.empty() || !ipv6_gateway.empty(); }
};

// A port of a running container on the host.
struct PublishedPort {
    std::string protocol; // tcp udp sctp
    int container_port = 0, host_port = 0;
    std::string host_ip;
    bool operator==(const PublishedPort&) const = default;
};

// The part that never changes, except for the name.
struct ContainerSettings {
    std::string id, name;
    WallTime created;
    std::string image_id;     // sha256:...
    std::string chain_id;     // of its layers' top; empty: no layers
    std::string architecture; // of its image, when that isn't the machine's
    std::string path;
    StringList args;
    ContainerConfig config;
    HostConfig host_config;
    NetworkingConfig networking;
    std::vector<MountPoint> mounts;
    bool transient = false; // of whoever made it in this engine's life: the next one removes it
};

struct ContainerState {
    ContainerStatus status = ContainerStatus::created;
    int pid = 0;
    int exit_code = 0;
    bool oom_killed = false;
    std::string error;
    WallTime started_at, finished_at;
    int restart_count = 0;
    bool manually_stopped = false;       // the restart policy leaves it alone
    uint32_t id_first = 0, id_count = 0; // of its user namespace while it runs; 0: the host's, or another container's
    std::optional<EndpointRecord> endpoint; // on the default bridge, from the start
    std::vector<EndpointRecord> endpoints;  // on other networks, and on that one when it came later
    std::vector<PublishedPort> ports;
    // Networks by name, as asked for; nullopt: those it was created with.
    std::optional<std::map<std::string, EndpointSettings>> networks;
};

std::string print_container_settings(const ContainerSettings& settings);
std::string print_container_state(const ContainerState& state);
// Errors: corrupt.
Result<ContainerSettings> parse_container_settings(std::string_view json);
Result<ContainerState> parse_container_state(std::string_view json);

} // namespace hull::model
