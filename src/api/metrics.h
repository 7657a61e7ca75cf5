// Counters of what the API was asked and how long it took, and the engine's
// state in Prometheus' text format (version 0.0.4). Names as Docker's daemon has
// them (engine_daemon_...) where it has the like.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace hull::build {
class Builder;
}

namespace hull::api {

class Metrics {
public:
    Metrics();

    // A request was answered. route: its place in routes(). Thread-safe, no lock.
    void observe(size_t route, int status, int64_t ns);
    // builder may be null.
    std::string text(engine::Engine& engine, const build::Builder* builder, const std::string& version) const;

private:
    static constexpr std::array<double, 12> bounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                      0.1,   0.25,   0.5,   1,    2.5,   10}; // seconds
    struct Counts {
        std::array<std::atomic<uint64_t>, 5> by_class{}; // 1xx .. 5xx
        std::array<std::atomic<uint64_t>, bounds.size() + 1> buckets{};
        std::atomic<uint64_t> ns = 0;
    };
    void add_requests(std::string& out) const;
    void add_actions(std::string& out) const;

    std::vector<Counts> routes_;
};

} // namespace hull::api
