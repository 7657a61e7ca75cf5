// What builds may beyond what any container may, if their client says so, too.
#pragma once

namespace hull::build {

struct Entitlements {
    bool network_host = true;       // network.host: RUN --network=host
    bool security_insecure = false; // security.insecure: RUN --security=insecure, a privileged container
};

} // namespace hull::build
