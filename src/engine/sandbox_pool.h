// A warm pool of sandboxes: user namespace with its id range, network
// namespace, and the link to the bridge, made before a container asks.
//
// An entry is used once and never comes back. The pool refills itself from a
// background thread that waits for quiet, so that it doesn't compete with
// starts. Nothing of it outlives the process: namespaces end with their
// descriptors (and the links with them); Bridge::recover removes the rest.
// Thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "base/result.h"
#include "engine/id_pool.h"
#include "engine/runtime_port.h"
#include "net/bridge.h"

namespace hull::engine {

enum class SandboxNetwork : unsigned char {
    bridge, // eth0 on the bridge, lo
    none,   // lo only
};
enum class SandboxUsers : unsigned char {
    own,  // a user namespace with an id range of its own
    host, // the host's user namespace; never pooled, made when asked for
};

struct PreparedSandbox {
    Sandbox sandbox;
    IdRange ids; // the taker's from now on: IdPool::release it when the container ended; empty with SandboxUsers::host
    std::optional<net::PreparedLink> link; // SandboxNetwork::bridge: hand it to Bridge::connect
};

struct SandboxPoolConfig {
    size_t bridge = 8, none = 4; // entries kept ready of each kind; 0: none
};

class SandboxPool {
public:
    // runtime, ids and bridge are borrowed for the pool's life; bridge may be
    // null (--bridge=none). Call start() once runtime is started.
    SandboxPool(const SandboxPoolConfig& config, RuntimePort& runtime, IdPool& ids, net::Bridge* bridge);
    // Stops the thread and drops what is in the pool.
    ~SandboxPool();
    SandboxPool(const SandboxPool&) = delete;
    SandboxPool& operator=(const SandboxPool&) = delete;

    // Begins to fill in the background.
    void start();
    // Idempotent; take() still works afterwards, without the pool.
    void stop();

    // One from the pool, or made now. Errors: no_space (ids), those of
    // make_sandbox and Bridge::prepare, unsupported (bridge asked for, none there).
    // more_ids: see IdRange::mappings(); with some it is made now.
    Result<PreparedSandbox> take(SandboxNetwork network, SandboxUsers users = SandboxUsers::own,
                                 const std::vector<uint32_t>& more_ids = {});

    size_t ready(SandboxNetwork network) const; // entries waiting

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace hull::engine
