// What a client asks of BuildKit's Control and LLBBridge services, as far as
// Dockerfiles need it. Sources: control.proto, frontend/gateway's gateway.proto.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hull::build::wire {

using Attributes = std::map<std::string, std::string>;

struct TypedAttributes { // an exporter, a cache
    std::string type;
    Attributes attributes;
};

struct FrontendRequest { // LLBBridge.Solve, and a part of Control.Solve
    std::string frontend;
    Attributes attributes;
    std::vector<TypedAttributes> cache_imports;
    bool has_definition = false; // an LLB graph of the client's own making
    bool has_inputs = false;
};

struct SolveRequest { // Control.Solve
    std::string ref, session;
    FrontendRequest frontend;
    std::vector<TypedAttributes> exporters, cache_exports;
    std::vector<std::string> entitlements;
    bool has_policy = false;
};

struct ReturnRequest { // LLBBridge.Return
    std::string ref;   // of a result; empty: there is none
    bool several = false;
    bool failed = false;
    int code = 0;
    std::string message;
};

struct PruneRequest {
    std::vector<std::string> filters;
    bool all = false;
    int64_t keep_duration = 0; // ns
    int64_t reserved_space = 0, max_used_space = 0, min_free_space = 0;
};

// Errors: invalid_argument (malformed).
Result<SolveRequest> parse_solve_request(std::string_view message);
Result<FrontendRequest> parse_frontend_request(std::string_view message);
Result<ReturnRequest> parse_return_request(std::string_view message);
Result<PruneRequest> parse_prune_request(std::string_view message);
Result<std::string> parse_ref(std::string_view message); // StatusRequest

std::string print_solve_response(const Attributes& response);
std::string print_frontend_response(const std::string& ref);
struct WorkerPlatform {
    std::string os, architecture, variant;
};
std::string print_workers(const std::string& id, const WorkerPlatform& platform, const std::string& version);
std::string print_info(const std::string& version);
std::string print_pong();
std::string print_usage_record(const std::string& id, uint64_t bytes);

} // namespace hull::build::wire
