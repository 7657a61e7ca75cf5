// The engine: containers, execs, images, events, and facts about itself. api/
// talks to this; apps/hulld makes one and gives it its ports.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/check.h"
#include "engine/containers.h"
#include "engine/events.h"
#include "engine/execs.h"
#include "engine/files.h"
#include "engine/host_port.h"
#include "engine/image_service.h"
#include "engine/networks.h"
#include "engine/runtime_port.h"
#include "engine/sandbox_port.h"
#include "engine/views.h"
#include "engine/volumes.h"
#include "net/address_pool.h"

namespace hull::store {
class Records;
}

namespace hull::net {
class Bridge;
}

namespace hull::engine {

struct EngineOptions {
    std::string data_root = "/var/lib/hull"; // containers/<id>/ live below
    std::string exec_root = "/run/hull";
    std::string version; // of the engine, for info
    model::Labels labels;
    std::string cgroup_parent = "/hull";   // of containers that name none
    bool systemd_cgroups = false;          // parents are slices
    bool user_namespaces = true;           // false: every container is in the host's
    std::string seccomp_profile;           // "": ours; "unconfined"; or JSON text
    std::string init_path;                 // static init for --init; empty: looked for in the usual places
    std::vector<std::string> capabilities; // "CAP_CHOWN" ... that the engine itself has; empty: all
    int64_t default_shm_size = 64 << 20;
    int64_t default_pids_limit = 2048; // <= 0: none
    std::string storage_size;          // of writable layers that don't say: "10G"; empty: no limit
    std::vector<model::Ulimit> default_ulimits;
    model::LogConfig default_log; // empty: json-file, 5 x 10 MiB
    std::vector<std::string> dns, dns_options, dns_search;
    std::string default_cgroupns_mode = "private", default_ipc_mode = "private";
    std::string detach_keys; // empty: ctrl-p,ctrl-q
    int shutdown_timeout = 15;
    bool live_restore = true; // containers run on when the engine stops (always so here)
    bool no_new_privileges = false;
    bool bridge_network = true;                 // false: --bridge none
    std::map<std::string, OciRuntime> runtimes; // besides our own, "hull"
    std::string default_runtime = "hull";
    std::vector<std::string> cdi_folders = {"/etc/cdi", "/var/run/cdi"};
    bool apparmor = false;                      // the kernel has it enabled
    std::string apparmor_profile;               // loaded, of containers that say nothing; empty: none
    std::vector<net::SubnetPool> address_pools; // of networks without a subnet of their own; empty: Docker's
    std::map<std::string, std::string> bridge_network_options; // of networks with the driver bridge
    bool ip6tables = true;                                     // rules for IPv6, too
    std::string publish_ip;                                    // of ports of the default bridge; empty: every address
    std::vector<std::string> host_gateway; // what "host-gateway" stands for; empty: the bridge's address
    bool experimental = false;
    std::map<std::string, bool> features;
};

// What the engine stands on; all outlive it.
struct EnginePorts {
    RuntimePort& runtime;
    image::Images& images;
    store::Records& records;
    SandboxPort& sandboxes;
    HostPort& host;
    net::Bridge* bridge = nullptr;           // the default network; null: --bridge none
    VolumeDrivers* volume_drivers = nullptr; // null: only "local"
};

class Engine {
public:
    virtual ~Engine() = default;

    // Reads the records, starts the runtime, and brings both in line: what runs
    // on is adopted, what ended meanwhile gets its exit, what was half-made is
    // cleaned, and what the restart policies want is started.
    static Result<std::unique_ptr<Engine>> open(EngineOptions options, EnginePorts ports);

    virtual Containers& containers() = 0;
    virtual Execs& execs() = 0;
    virtual Files& files() = 0;
    virtual EventBus& events() = 0;
    virtual InfoView info() = 0;
    virtual std::shared_ptr<const EngineOptions> options() const = 0;
    // Takes over what may change while it runs: labels, runtimes, log settings
    // (of containers created from then on), features, the shutdown timeout.
    virtual void reload(const EngineOptions& options) = 0;

    // Images: what changes them goes through here (events); refusing to delete
    // what is in use is seen to. Reading goes to images().images().
    virtual ImageService& images() = 0;

    virtual Volumes& volumes() = 0;
    virtual Networks& networks() = 0;

    // Records, disk and kernel against each other; mends what can be with Repair::yes.
    virtual Result<CheckReport> check(CheckDepth depth, Repair repair) = 0;

    // The machine goes down: stops all containers, side by side, each with its own
    // signal and time. Restart policies start them again with the next engine.
    virtual void stop_containers() = 0;

    // Nothing new is begun, subscriptions and waits end; containers run on.
    virtual void close() = 0;
};

} // namespace hull::engine
