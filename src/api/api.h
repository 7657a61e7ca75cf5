// The Docker Engine API, versions 1.24 to 1.55, on top of the engine: routes,
// wire shapes, streams. Source: the Engine API's specification and change log,
// and what a Docker engine answers where they leave room.
//
// A request is matched in routes.cc, becomes a Call, and is answered by one
// handler; a handler that returns an Error before it has answered gets it
// mapped to a status by errors.cc.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "http/server.h"

namespace hull::build {
class Builder;
}

namespace hull::api {

// A network that clients may list.
struct NetworkFacts {
    std::string name, id, driver; // bridge bridge, host host, none null
    std::string subnet = {};      // of the bridge: "172.17.0.0/16"
    std::string gateway = {};
    std::string subnet6 = {}, gateway6 = {}; // empty: no IPv6
    std::map<std::string, std::string> options = {};
    WallTime created = {};
};

// Of this process, now.
struct ProcessUsage {
    int descriptors = -1, threads = 0;
};

struct ApiOptions {
    std::string version; // of the program
    std::vector<NetworkFacts> networks;
    bool default_init = false; // --init for containers that don't say
    bool experimental = false; // only shown
    std::function<ProcessUsage()> usage = {};
};

class Api {
public:
    // Both outlive it. Without a builder there is nothing to build with.
    static std::unique_ptr<Api> create(ApiOptions options, engine::Engine& engine, build::Builder* builder = nullptr);
    virtual ~Api() = default;

    // Answers one request. Thread-safe.
    virtual void handle(http::Exchange& exchange) = 0;

    // In Prometheus' text format: Docker's metrics of the engine, and ours of requests.
    virtual std::string metrics() = 0;
};

} // namespace hull::api
