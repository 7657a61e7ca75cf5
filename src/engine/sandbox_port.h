// The engine's view of networks and id ranges: namespaces for a container that
// starts, joined to the bridge when it wants that. BridgeSandboxes implements it
// over the sandbox pool and net/; tests implement a fake. Thread-safe; calls may
// block.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/id_pool.h"
#include "engine/runtime_port.h"
#include "engine/sandbox_pool.h"
#include "model/container_record.h"

namespace hull::engine {

using model::EndpointRecord;

struct SandboxRequest {
    std::string ip_address;              // empty: any
    std::string mac_address;             // empty: any
    std::vector<uint32_t> more_ids = {}; // beyond its range: see IdRange::mappings()
};

struct TakenSandbox {
    Sandbox sandbox;
    IdRange ids; // empty with SandboxUsers::host
    std::optional<EndpointRecord> endpoint;
};

// What a container on record holds while it runs.
struct HeldSandbox {
    IdRange ids;
    std::optional<EndpointRecord> endpoint;
};

class SandboxPort {
public:
    virtual ~SandboxPort() = default;
    // Once, before the first take(), after the runtime was started: these run
    // on; everything else of ours on the machine is removed.
    virtual Result<void> recover(const std::vector<HeldSandbox>& running) = 0;
    // Errors: no_space, conflict or invalid_argument (address), unsupported (no
    // bridge). Nothing is left behind then.
    virtual Result<TakenSandbox> take(SandboxNetwork network, SandboxUsers users, const SandboxRequest& address) = 0;
    // The container ended, or wasn't started after all. Idempotent.
    virtual void release(const HeldSandbox& held) = 0;
    // The bridge's address on the host ("host-gateway"); empty: no bridge.
    virtual std::string host_gateway() const = 0;
    // 64 digits, the same over restarts.
    virtual std::string network_id() const = 0;
};

// bridge may be null (--bridge none); both are borrowed for its life.
Result<std::unique_ptr<SandboxPort>> make_bridge_sandboxes(RuntimePort& runtime, net::Bridge* bridge,
                                                           const IdPoolConfig& ids, const SandboxPoolConfig& pool);

} // namespace hull::engine
