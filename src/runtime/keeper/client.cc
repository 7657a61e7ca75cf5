#include "runtime/keeper/client.h"

#include <array>
#include <chrono>
#include <cstdlib>

#include <fcntl.h>

#include "base/log.h"
#include "sys/file.h"
#include "sys/nonblocking.h"
#include "sys/ready.h"
#include "sys/socket.h"
#include "sys/spawn.h"
#include "sys/stream_socket.h"

namespace hull::keeper {

namespace {

constexpr int hello_timeout_ms = 10'000;
constexpr int cut_off_ms = 10'000;
constexpr int connection_number = 3; // in the keeper

Error lost_error() { return Error(ErrorKind::unavailable, "the keeper is gone"); }

} // namespace

Result<std::unique_ptr<Client>> Client::connect(UniqueFd socket, ClientEvents& events) {
    std::unique_ptr<Client> client(new Client(std::move(socket), events));
    client->reader_ = std::thread([raw = client.get()] { raw->read(); });
    Packet answer =
        TRY(client->call(MessageType::hello, to_bytes(Hello{protocol_version, HULL_VERSION}), {}, hello_timeout_ms));
    client->welcome_ = TRY(from_bytes<Welcome>(answer.content, "welcome"));
    return client;
}

Client::~Client() {
    {
        std::lock_guard lock(mutex_);
        closing_ = true;
    }
    sys::shut_down(socket_);
    if (reader_.joinable()) reader_.join();
}

Result<void> Client::send(MessageType type, uint64_t request, const std::string& content,
                          std::span<const BorrowedFd> fds) {
    std::lock_guard lock(sending_);
    auto sent = send_packet(socket_, type, request, content, fds);
    if (!sent.ok() && (sent.error().code() == EPIPE || sent.error().code() == ECONNRESET)) return lost_error();
    return sent;
}

Result<Packet> Client::call(MessageType type, const std::string& content, std::span<const BorrowedFd> fds,
                            int timeout_ms) {
    uint64_t request = 0;
    {
        std::lock_guard lock(mutex_);
        if (lost_) return lost_error();
        request = next_request_++;
        waiting_[request];
    }
    auto sent = send(type, request, content, fds);
    std::unique_lock lock(mutex_);
    auto forget = [&] {
        auto node = waiting_.extract(request);
        return std::move(node.mapped());
    };
    if (!sent.ok()) {
        forget();
        return std::move(sent).error();
    }
    auto ready = [&] { return waiting_[request].answer || waiting_[request].lost; };
    if (timeout_ms < 0)
        answered_.wait(lock, ready);
    else
        answered_.wait_for(lock, std::chrono::milliseconds(timeout_ms), ready);
    Waiter waiter = forget();
    if (waiter.lost) return lost_error();
    if (!waiter.answer) return Error(ErrorKind::unavailable, "the keeper doesn't answer");
    if (waiter.answer->type == MessageType::failed)
        return error_of(TRY(from_bytes<Failure>(waiter.answer->content, "failure")));
    return std::move(*waiter.answer);
}

void Client::read() {
    for (;;) {
        auto packet = receive_packet(socket_);
        if (!packet.ok() || !packet->has_value()) {
            std::lock_guard lock(mutex_);
            if (!packet.ok() && !closing_ && packet.error().code() != ECONNRESET)
                log::error("receive from the keeper", packet.error());
            break;
        }
        handle(std::move(**packet));
    }
    lose();
}

void Client::lose() {
    bool tell = false;
    {
        std::lock_guard lock(mutex_);
        lost_ = true;
        for (auto& [request, waiter] : waiting_) waiter.lost = true;
        tell = !closing_;
    }
    answered_.notify_all();
    if (tell) events_.on_lost();
}

bool Client::lost() {
    std::lock_guard lock(mutex_);
    return lost_;
}

void Client::handle(Packet packet) {
    switch (packet.type) {
    case MessageType::task: {
        auto content = from_bytes<Adopt>(packet.content, "task");
        if (!content.ok()) return log::error("receive from the keeper", content.error());
        auto fds = take_fds(content->fds, packet.fds);
        if (!fds.ok()) return log::error("receive from the keeper", fds.error());
        return events_.on_task(std::move(content->record), std::move(*fds));
    }
    case MessageType::exited: {
        auto report = from_bytes<ExitReport>(packet.content, "exited");
        if (!report.ok()) return log::error("receive from the keeper", report.error());
        return events_.on_exited(std::move(*report));
    }
    case MessageType::stdin_closed: {
        auto key = from_bytes<TaskKey>(packet.content, "stdin_closed");
        if (key.ok()) events_.on_stdin_closed(*key);
        return;
    }
    case MessageType::detached: {
        auto key = from_bytes<TaskKey>(packet.content, "detached");
        if (key.ok()) events_.on_detached(*key);
        return;
    }
    default: break;
    }
    {
        std::lock_guard lock(mutex_);
        auto at = waiting_.find(packet.request);
        if (at == waiting_.end()) return;
        at->second.answer = std::move(packet);
    }
    answered_.notify_all();
}

// ---- requests --------------------------------------------------------------

Result<Client::Started> Client::launch(const Launch& request, std::span<const BorrowedFd> plan_fds,
                                       std::span<const BorrowedFd> clients) {
    std::vector<BorrowedFd> fds(plan_fds.begin(), plan_fds.end());
    fds.insert(fds.end(), clients.begin(), clients.end());
    auto [ended, lifeline] = TRY(sys::make_pipe());
    fds.push_back(lifeline);
    auto answer = call(MessageType::launch, to_bytes(request), fds);
    lifeline.reset();
    if (!answer.ok()) {
        // What a dead keeper forked may still be at work.
        std::array wait{sys::Readiness{ended}};
        if (answer.error().kind() == ErrorKind::unavailable) TRY(sys::wait_ready(wait, cut_off_ms));
        return std::move(answer).error();
    }
    Started started;
    started.launched = TRY(from_bytes<Launched>(answer->content, "launched"));
    started.fds = TRY(take_fds(started.launched.fds, answer->fds));
    return started;
}

Result<void> Client::attach(const Attach& request, BorrowedFd socket) {
    TRY(call(MessageType::attach, to_bytes(request), std::span(&socket, 1)));
    return {};
}

Result<void> Client::adopt(const TaskRecord& record, const TaskFds& fds) {
    TRY(call(MessageType::adopt, to_bytes(Adopt{record, set_of(fds)}), list_of(fds)));
    return {};
}

Result<void> Client::recover() {
    TRY(call(MessageType::recover, {}));
    return {};
}

Result<void> Client::list() {
    TRY(call(MessageType::list, {}));
    return {};
}

Result<Welcome> Client::upgrade(BorrowedFd program) {
    Packet answer = TRY(call(MessageType::upgrade, {}, std::span(&program, 1)));
    return from_bytes<Welcome>(answer.content, "welcome");
}

// A keeper that died meanwhile says so by on_lost().
void Client::acknowledge(const ExitReport& report) {
    (void)send(MessageType::ack, 0, to_bytes(Ack{report.key, report.finished_at}));
}
void Client::orphan_ended(const TaskKey& key, int code) {
    (void)send(MessageType::orphan_ended, 0, to_bytes(OrphanEnd{key, code}));
}
void Client::quit_when_idle() { (void)send(MessageType::quit_when_idle, 0, {}); }

// ---- starting one ----------------------------------------------------------

Result<StartedKeeper> start_keeper(const std::string& program, const std::string& exec_root) {
    TRY(sys::mkdir_parents(exec_root, 0700));
    auto [ours, theirs] = TRY(sys::socket_pair(sys::SocketType::seqpacket));
    UniqueFd null = TRY(sys::open("/dev/null", O_RDWR));
    sys::SpawnRequest request;
    request.program = program;
    request.args = {"hull-keeper", "--exec-root", exec_root, "--connection", std::to_string(connection_number)};
    request.fds = {{null, 0}, {null, 1}, {theirs, connection_number}};
    UniqueFd log;
    if (!std::getenv("JOURNAL_STREAM")) {
        log = TRY(sys::open(exec_root + "/keeper.log", O_WRONLY | O_CREAT | O_APPEND, 0600));
        request.fds.emplace_back(log, 2);
    }
    StartedKeeper started;
    started.pid = TRY(sys::spawn(request).context("start the keeper"));
    started.socket = std::move(ours);
    return started;
}

} // namespace hull::keeper
