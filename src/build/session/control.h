// BuildKit's Control service, its gateway (LLBBridge) and gRPC's health service,
// for clients of POST /grpc: what buildx speaks. A build is that of a Dockerfile
// (frontend dockerfile.v0); graphs of a client's own making are refused.
//
// Lifecycle of a build: Solve with a ref, and Status with the same one, in either
// order. A Solve without a frontend waits for what its client asks of LLBBridge in
// the name of the ref: Solve gives a result's name, Return says which one it is.
// Thread-safe; outlives its calls.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "build/builder.h"
#include "build/wire/control.h"
#include "rpc/connection.h"

namespace hull::build {

class Control {
public:
    explicit Control(Builder& builder) : builder_(builder) {}
    // Closes all connections, and waits for what their calls began.
    ~Control();
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;
    // Serves a client's connection, in threads of its own. early: what it sent already.
    // version: this program's.
    Result<void> serve(UniqueFd socket, std::string early, const std::string& version);

private:
    struct Job;
    using JobPtr = std::shared_ptr<Job>;
    class Progress;

    void serve_call(const rpc::CallPtr& call, const std::string& version);
    Result<void> route(const rpc::CallPtr& call, const std::string& version);
    Result<void> solve(const rpc::CallPtr& call);
    Result<std::string> run(const wire::SolveRequest& request, const JobPtr& job, const std::stop_token& stop);
    Result<std::optional<wire::FrontendRequest>> asked(const wire::SolveRequest& request, Job& job,
                                                       const std::stop_token& stop);
    Result<void> status(rpc::Call& call);
    Result<void> session(const rpc::CallPtr& call);
    Result<void> prune(rpc::Call& call);
    Result<std::string> bridge(const std::string& method, rpc::Call& call, std::string_view request);
    // Waits for the build's Solve. not_found "no such job ...".
    Result<JobPtr> find(const std::string& ref);

    Builder& builder_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool closing_ = false;
    size_t calls_ = 0;   // under way
    struct Connections { // outlives this with a connection that is just ending
        std::mutex mutex;
        std::map<uint64_t, std::shared_ptr<rpc::Connection>> all;
        uint64_t next = 0;
        bool closed = false;
    };
    std::shared_ptr<Connections> connections_ = std::make_shared<Connections>();
    std::map<std::string, JobPtr> jobs_;
    std::deque<std::string> ended_; // the first is forgotten first
};

// What a client's frontend attributes and exporters mean. Errors: invalid_argument, unsupported.
Result<BuildOptions> options_of(const wire::FrontendRequest& frontend, const wire::SolveRequest& solve);

} // namespace hull::build
