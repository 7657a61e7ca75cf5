#include "build/session/control.h"

#include <array>
#include <chrono>
#include <thread>

#include "base/random.h"
#include "codec/protobuf.h"
#include "image/platform.h"
#include "sys/socket.h"
#include "sys/stream_socket.h"

namespace hull::build {

namespace {

using namespace std::chrono_literals;

constexpr auto job_patience = 5s;
constexpr size_t most_progress_bytes = size_t{16} << 20; // of a build that nobody watches
constexpr size_t most_ended = 32, most_jobs = 1000, most_asked = 100;
constexpr std::string_view control_service = "/moby.buildkit.v1.Control/";
constexpr std::string_view bridge_service = "/moby.buildkit.v1.frontend.LLBBridge/";
constexpr std::string_view session_prefix = "x-docker-expose-session-";

Result<std::string> one_request(rpc::Call& call) {
    auto request = TRY(call.receive());
    if (!request) return invalid(call.path() + ": no request came");
    return std::move(*request);
}

std::string bytes_message(std::string_view bytes) {
    protobuf::Writer out;
    return out.text(1, bytes).take();
}

} // namespace

// One build, by its ref.
struct Control::Job {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::deque<std::string> progress; // messages that were not forgotten
    size_t forgotten = 0, bytes = 0;
    bool ended = false;
    // Of the gateway:
    std::map<std::string, wire::FrontendRequest> asked; // by the names of their results
    std::optional<wire::ReturnRequest> returned;

    void end() {
        std::lock_guard lock(mutex);
        ended = true;
        changed.notify_all();
    }
};

class Control::Progress : public Output {
public:
    explicit Progress(JobPtr job) : job_(std::move(job)) {}
    Result<void> text(std::string_view) override { return {}; }
    Result<void> image(const Digest&) override { return {}; }
    Result<void> pull(const image::TransferLine&) override { return {}; }
    Result<void> progress(const wire::Progress& progress) override {
        std::string message = wire::print(progress);
        std::lock_guard lock(job_->mutex);
        job_->bytes += message.size();
        job_->progress.push_back(std::move(message));
        while (job_->bytes > most_progress_bytes) {
            job_->bytes -= job_->progress.front().size();
            job_->progress.pop_front();
            ++job_->forgotten;
        }
        job_->changed.notify_all();
        return {};
    }

private:
    JobPtr job_;
};

Control::~Control() {
    {
        std::unique_lock lock(mutex_);
        closing_ = true;
        changed_.notify_all();
    }
    std::map<uint64_t, std::shared_ptr<rpc::Connection>> connections;
    {
        std::lock_guard lock(connections_->mutex);
        connections_->closed = true;
        connections.swap(connections_->all);
    }
    for (auto& [number, connection] : connections) {
        connection->close();
        connection->wait_closed();
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return calls_ == 0; });
}

Result<void> Control::serve(UniqueFd socket, std::string early, const std::string& version) {
    auto connection = TRY(rpc::Connection::server(std::move(socket), std::move(early),
                                                  [this, version](const auto& call) { serve_call(call, version); }));
    uint64_t number = 0;
    {
        std::lock_guard lock(connections_->mutex);
        if (connections_->closed) return Error(ErrorKind::unavailable, "the engine is stopping");
        number = connections_->next++;
        connections_->all.emplace(number, connection);
    }
    connection->on_closed([all = connections_, number] {
        std::shared_ptr<rpc::Connection> gone;
        std::lock_guard held(all->mutex);
        auto it = all->all.find(number);
        if (it == all->all.end()) return;
        gone = std::move(it->second);
        all->all.erase(it);
    });
    return {};
}

void Control::serve_call(const rpc::CallPtr& call, const std::string& version) {
    {
        std::lock_guard lock(mutex_);
        if (closing_) return call->finish(Error(ErrorKind::unavailable, "the engine is stopping"));
        ++calls_;
    }
    call->finish(route(call, version));
    std::lock_guard lock(mutex_);
    --calls_;
    changed_.notify_all();
}

Result<void> Control::route(const rpc::CallPtr& call, const std::string& version) {
    const std::string& path = call->path();
    if (path.starts_with(control_service)) {
        std::string_view method = std::string_view(path).substr(control_service.size());
        if (method == "Solve") return solve(call);
        if (method == "Status") return status(*call);
        if (method == "Session") return session(call);
        if (method == "Prune") return prune(*call);
        model::Platform host = image::host_platform();
        if (method == "Info") return call->send(wire::print_info(version));
        if (method == "ListWorkers")
            return call->send(wire::print_workers("hull", {host.os, host.architecture, host.variant}, version));
    }
    if (path.starts_with(bridge_service)) {
        std::string request = TRY(one_request(*call));
        return call->send(TRY(bridge(path.substr(bridge_service.size()), *call, request)));
    }
    if (path == "/grpc.health.v1.Health/Check") {
        protobuf::Writer serving;
        return call->send(serving.number(1, 1).bytes());
    }
    return unsupported("unknown method " + path);
}

Result<Control::JobPtr> Control::find(const std::string& ref) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, job_patience, [&] { return closing_ || jobs_.contains(ref); }))
        return Error(ErrorKind::not_found, "no such job " + ref);
    if (closing_) return Error(ErrorKind::unavailable, "the engine is stopping");
    return jobs_.at(ref);
}

Result<void> Control::solve(const rpc::CallPtr& call) {
    wire::SolveRequest request = TRY(wire::parse_solve_request(TRY(one_request(*call))));
    if (request.ref.empty() || request.ref.size() > 256) return invalid("a build needs a ref");
    auto job = std::make_shared<Job>();
    {
        std::lock_guard lock(mutex_);
        if (jobs_.size() >= most_jobs) return Error(ErrorKind::too_large, "too many builds at the same time");
        if (!jobs_.emplace(request.ref, job).second)
            return Error(ErrorKind::conflict, "job ID " + request.ref + " exists");
        changed_.notify_all();
    }
    std::stop_source stop;
    // In a thread of its own: a call's has a small stack, and waits here for the client to leave.
    std::jthread worker([&] {
        auto answer = run(request, job, stop.get_token());
        job->end();
        Result<void> done;
        if (answer.ok())
            done = call->send(*answer);
        else if (stop.stop_requested())
            done = Error(ErrorKind::cancelled, "context canceled");
        else
            done = std::move(answer).error();
        call->finish(done);
    });
    call->wait_over();
    stop.request_stop();
    worker.join();
    // A client may ask how it went when it is over already.
    std::lock_guard lock(mutex_);
    ended_.push_back(request.ref);
    if (ended_.size() > most_ended) {
        jobs_.erase(ended_.front());
        ended_.pop_front();
    }
    return {};
}

// What is to be built; nullopt: nothing, the client found its answer otherwise.
Result<std::optional<wire::FrontendRequest>> Control::asked(const wire::SolveRequest& request, Job& job,
                                                            const std::stop_token& stop) {
    if (!request.frontend.frontend.empty() || request.frontend.has_definition) return std::optional(request.frontend);
    std::unique_lock lock(job.mutex);
    if (!job.changed.wait(lock, stop, [&] { return job.returned.has_value(); }))
        return Error(ErrorKind::cancelled, "context canceled");
    const wire::ReturnRequest& returned = *job.returned;
    if (returned.failed) return rpc::error_of(static_cast<rpc::Code>(returned.code), returned.message);
    if (returned.several) return unsupported("a result of several images is not supported");
    if (returned.ref.empty()) return std::optional<wire::FrontendRequest>();
    auto found = job.asked.find(returned.ref);
    if (found == job.asked.end()) return Error(ErrorKind::not_found, "no such ref: " + returned.ref);
    return std::optional(found->second);
}

Result<std::string> Control::run(const wire::SolveRequest& request, const JobPtr& job, const std::stop_token& stop) {
    auto frontend = TRY(asked(request, *job, stop));
    if (!frontend) return wire::print_solve_response({});
    BuildOptions options = TRY(options_of(*frontend, request));
    const Entitlements& may = builder_.ports().may;
    for (const std::string& name : options.allow)
        if (!(name == "network.host" && may.network_host) && !(name == "security.insecure" && may.security_insecure))
            return Error(ErrorKind::forbidden, name + " is not allowed");
    auto client = builder_.client_of(TRY(builder_.sessions().get(request.session, stop)));
    options.client = client.get();
    std::shared_ptr<Context> context;
    if (auto remote = frontend->attributes.find("context"); remote != frontend->attributes.end())
        context = TRY(builder_.download_context(remote->second, options, stop));
    Progress progress(job);
    Digest id = TRY(builder_.build(options, std::move(context), progress, stop));
    wire::Attributes response;
    if (!id.empty()) {
        response["containerimage.digest"] = response["containerimage.config.digest"] = id.str();
        std::string names;
        for (const std::string& tag : options.tags) {
            auto reference = TRY(model::Reference::parse(tag));
            if (reference.tag.empty()) reference.tag = "latest";
            names += (names.empty() ? "" : ",") + reference.full();
        }
        if (!names.empty()) response["image.name"] = names;
    }
    return wire::print_solve_response(response);
}

Result<void> Control::status(rpc::Call& call) {
    JobPtr job = TRY(find(TRY(wire::parse_ref(TRY(one_request(call))))));
    for (size_t next = 0;;) {
        std::string message;
        {
            std::unique_lock lock(job->mutex);
            job->changed.wait(lock, [&] { return job->ended || next < job->forgotten + job->progress.size(); });
            next = std::max(next, job->forgotten);
            if (next == job->forgotten + job->progress.size()) return {};
            message = job->progress[next++ - job->forgotten];
        }
        TRY(call.send(message));
    }
}

// The client's own server, behind a stream of bytes.
Result<void> Control::session(const rpc::CallPtr& call) {
    auto session = std::make_shared<Session>();
    for (const auto& [name, value] : call->metadata()) {
        if (!name.starts_with(session_prefix)) continue;
        std::string what = name.substr(session_prefix.size());
        if (what == "uuid") session->id = value;
        if (what == "sharedkey") session->shared_key = value;
        if (what == "grpc-method") session->methods.insert(value);
    }
    auto [ours, theirs] = TRY(sys::socket_pair(sys::SocketType::stream));
    session->connection = TRY(rpc::Connection::client(std::move(theirs), {}));
    TRY(builder_.sessions().add(session));
    session.reset(); // it is there until its connection ends
    std::jthread to_client([&, &socket = ours] {
        std::string buffer(size_t{32} << 10, '\0');
        for (;;) {
            auto size = sys::receive(socket, buffer);
            if (!size.ok() || *size == 0) break;
            if (!call->send(bytes_message(std::string_view(buffer).substr(0, *size))).ok()) break;
        }
        call->finish({});
    });
    auto pump = [&]() -> Result<void> {
        while (auto message = TRY(call->receive())) {
            protobuf::Reader reader(*message);
            protobuf::Field field;
            while (TRY(reader.next(field))) {
                if (!field.is_text(1)) continue;
                std::array<std::string_view, 1> parts{field.text};
                TRY(sys::send_all(ours, parts));
            }
        }
        return {};
    };
    (void)pump(); // that the client left is how sessions end
    sys::shut_down(ours);
    return {};
}

Result<void> Control::prune(rpc::Call& call) {
    wire::PruneRequest request = TRY(wire::parse_prune_request(TRY(one_request(call))));
    CachePrune prune{.all = request.all,
                     .reserved_bytes = static_cast<uint64_t>(std::max<int64_t>(request.reserved_space, 0)),
                     .max_used_bytes = static_cast<uint64_t>(std::max<int64_t>(request.max_used_space, 0)),
                     .min_free_bytes = static_cast<uint64_t>(std::max<int64_t>(request.min_free_space, 0))};
    if (!request.filters.empty()) prune.fits = TRY(record_filter(request.filters));
    if (request.keep_duration > 0) prune.unused_since = WallTime{wall_now().ns - request.keep_duration};
    Pruned pruned = TRY(builder_.prune_cache(prune));
    uint64_t bytes = pruned.bytes; // what each of them had is not known
    for (const std::string& id : pruned.deleted) TRY(call.send(wire::print_usage_record(id, std::exchange(bytes, 0))));
    return {};
}

// In the name of a build: what is to be built, and that it is decided.
Result<std::string> Control::bridge(const std::string& method, rpc::Call& call, std::string_view request) {
    JobPtr job = TRY(find(std::string(call.metadata("buildkit-controlapi-buildid"))));
    if (method == "Ping") return wire::print_pong();
    if (method == "Solve") {
        wire::FrontendRequest asked = TRY(wire::parse_frontend_request(request));
        TRY(options_of(asked, {})); // what can't be is said at once
        std::string name = random_hex(16);
        std::lock_guard lock(job->mutex);
        if (job->asked.size() >= most_asked) return Error(ErrorKind::too_large, "too many results in one build");
        job->asked.emplace(name, std::move(asked));
        return wire::print_frontend_response(name);
    }
    if (method == "Return") {
        wire::ReturnRequest returned = TRY(wire::parse_return_request(request));
        std::lock_guard lock(job->mutex);
        if (job->returned) return invalid("the build has its result already");
        job->returned = std::move(returned);
        job->changed.notify_all();
        return std::string();
    }
    return unsupported("LLBBridge." + method + " is not supported");
}

} // namespace hull::build
