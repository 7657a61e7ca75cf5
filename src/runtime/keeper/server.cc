#include "runtime/keeper/server.h"

#include <csignal>

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "runtime/keeper/starting.h"
#include "sys/file.h"
#include "sys/nonblocking.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace hull::keeper {

namespace {

constexpr size_t chunk_bytes = size_t{256} << 10;
constexpr int max_packets_per_turn = 32; // so that tasks' streams get theirs
constexpr int64_t orphan_patience_ns = 5'000'000'000;

} // namespace

// ---- EngineConnection ------------------------------------------------------

void EngineConnection::send(MessageType type, uint64_t request, const std::string& content, std::vector<UniqueFd> fds) {
    queue_.push_back({type, request, content, std::move(fds)});
    if (queue_.size() == 1) (void)flush(); // a peer that is gone is noticed by the loop
}

bool EngineConnection::flush() {
    while (!queue_.empty()) {
        Queued& next = queue_.front();
        auto sent = send_packet(socket_, next.type, next.request, next.content, borrow_all(next.fds));
        if (!sent.ok() && sent.error().code() == EAGAIN) break;
        if (!sent.ok()) return false;
        queue_.pop_front();
    }
    update_watch();
    return true;
}

void EngineConnection::set_listening(bool listening) {
    listening_ = listening;
    update_watch();
}

void EngineConnection::update_watch() {
    uint32_t events = (listening_ ? EPOLLIN : 0u) | (queue_.empty() ? 0u : EPOLLOUT);
    (void)loop_.change(watch_, events);
}

// ---- life ------------------------------------------------------------------

Server::Server(ServerOptions options, Starter& starter, std::unique_ptr<event::Loop> loop, StateFiles files)
    : options_(std::move(options)), starter_(starter), loop_(std::move(loop)), files_(std::move(files)),
      chunk_(chunk_bytes), host_{*loop_, lines_, chunk_, last_output_} {}

Server::~Server() {
    if (listener_) (void)sys::unlink(options_.exec_root + "/keeper.sock");
}

Result<std::unique_ptr<Server>> Server::create(ServerOptions options, Starter& starter, UniqueFd connection) {
    auto files = TRY(StateFiles::open(options.exec_root));
    auto loop = TRY(event::Loop::create());
    std::unique_ptr<Server> server(new Server(std::move(options), starter, std::move(loop), std::move(files)));
    TRY(server->prepare());
    TRY(server->listen());
    if (connection) TRY(server->serve(std::move(connection)));
    return server;
}

Result<void> Server::prepare() {
    std::signal(SIGPIPE, SIG_IGN);
    null_ = TRY(sys::open("/dev/null", O_RDWR));
    // Ending on a signal would orphan every container; hulld asks by message.
    TRY(loop_->add_signals({SIGCHLD, SIGTERM, SIGINT, SIGHUP}, [this](int signal) {
        if (signal == SIGCHLD) return reap_intermediates();
        if (signal == SIGTERM || signal == SIGINT) {
            quit_when_idle_ = true;
            consider_quitting();
        }
    }));
    for (const ExitReport& report : TRY(files_.exits())) ended_[report.key] = report;
    return {};
}

Result<void> Server::listen() {
    listener_ = TRY(sys::listen_unix(options_.exec_root + "/keeper.sock", sys::SocketType::seqpacket, 0600));
    listener_watch_ = TRY(loop_->add(listener_, EPOLLIN, [this](uint32_t) { on_connect(); }));
    return {};
}

Result<void> Server::run() {
    consider_quitting();
    return loop_->run();
}

void Server::consider_quitting() {
    bool busy = !tasks_.empty() || !starting_.empty() || !last_output_.empty();
    loop_->cancel(idle_timer_);
    idle_timer_ = {};
    if (busy || (engine_ && !quit_when_idle_)) return;
    if (quit_when_idle_) return loop_->stop();
    idle_timer_ = loop_->after(options_.idle_ns, [this] {
        quit_when_idle_ = true;
        consider_quitting();
    });
}

// ---- connections -----------------------------------------------------------

void Server::on_connect() {
    auto socket = sys::accept(listener_);
    if (!socket.ok()) return log::warning("accept a connection", socket.error());
    auto peer = sys::peer_credentials(*socket);
    if (!peer.ok() || peer->uid != ::geteuid()) return;
    if (auto served = serve(std::move(*socket)); !served.ok()) log::warning("serve a connection", served.error());
}

Result<void> Server::serve(UniqueFd socket) {
    TRY(sys::make_nonblocking(socket));
    TRY(sys::set_close_on_exec(socket, true)); // one that was inherited is not
    sys::grow_send_buffer(socket, 1 << 20);
    disconnect();
    auto engine = std::make_unique<EngineConnection>(*loop_, std::move(socket));
    engine->set_watch(TRY(loop_->add(engine->socket(), EPOLLIN, [this](uint32_t events) { on_engine_ready(events); })));
    engine_ = std::move(engine);
    quit_when_idle_ = false;
    consider_quitting();
    return {};
}

// Its starts go on; what becomes of them is the next engine's to hear in the list.
void Server::disconnect() {
    engine_.reset();
    list_request_ = unasked;
    for (Starting& starting : starting_) starting.request = unasked;
    consider_quitting();
}

void Server::on_engine_ready(uint32_t events) {
    if (events & EPOLLOUT && !engine_->flush()) return disconnect();
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return upgrade_if_quiet();
    for (int i = 0; i < max_packets_per_turn && engine_ && !upgrade_program_; ++i) {
        auto packet = receive_packet(engine_->socket());
        if (!packet.ok() && packet.error().code() == EAGAIN) return;
        bool killed = !packet.ok() && packet.error().code() == ECONNRESET;
        if (!packet.ok() && !killed) log::error("receive from hulld", packet.error());
        if (!packet.ok() || !packet->has_value()) return disconnect();
        handle(std::move(**packet));
    }
    upgrade_if_quiet();
}

void Server::answer(uint64_t request, MessageType type, const std::string& content, std::vector<UniqueFd> fds) {
    if (engine_) engine_->send(type, request, content, std::move(fds));
}

void Server::answer_failure(uint64_t request, const Error& error) {
    answer(request, MessageType::failed, failure_of(error));
}

// ---- requests --------------------------------------------------------------

void Server::handle(Packet packet) {
    uint64_t request = packet.request;
    auto handled = dispatch(packet);
    if (!handled.ok()) answer_failure(request, handled.error());
}

Result<void> Server::dispatch(Packet& packet) {
    switch (packet.type) {
    case MessageType::hello: hello(packet); return {};
    case MessageType::adopt: return adopt(packet);
    case MessageType::recover:
        TRY(recover());
        answer(packet.request, MessageType::done);
        return {};
    case MessageType::list:
        list_request_ = packet.request;
        loop_->cancel(list_timer_);
        list_timer_ = loop_->after(orphan_patience_ns, [this] { end_orphaned_starts(); });
        list_if_settled();
        return {};
    case MessageType::launch: return launch(packet);
    case MessageType::attach: return attach(packet);
    case MessageType::ack: {
        auto ack = TRY(from_bytes<Ack>(packet.content, "ack"));
        auto at = ended_.find(ack.key);
        if (at == ended_.end() || at->second.finished_at != ack.finished_at) return {};
        files_.forget_exit(ack.key);
        ended_.erase(at);
        return {};
    }
    case MessageType::orphan_ended: {
        auto end = TRY(from_bytes<OrphanEnd>(packet.content, "orphan_ended"));
        if (Task* task = find(end.key); task && task->parentage() == Parentage::orphan) task->learn_status(end.code);
        return {};
    }
    case MessageType::quit_when_idle:
        quit_when_idle_ = true;
        consider_quitting();
        return {};
    case MessageType::upgrade:
        if (packet.fds.size() != 1) return Error(ErrorKind::invalid_argument, "upgrade without a program");
        upgrade_program_ = std::move(packet.fds[0]);
        upgrade_request_ = packet.request;
        return {};
    default: return Error(ErrorKind::unsupported, "unknown message type");
    }
}

void Server::hello(const Packet& packet) {
    auto theirs = from_bytes<Hello>(packet.content, "hello");
    if (!theirs.ok()) return answer_failure(packet.request, theirs.error());
    // Another version gets the same answer: it then knows to upgrade us.
    answer(packet.request, MessageType::welcome,
           to_bytes(Welcome{protocol_version, HULL_VERSION, static_cast<int32_t>(::getpid())}));
}

// An engine that was told before they are done would take them for lost, and
// clean up under their feet.
void Server::list_if_settled() {
    if (list_request_ == unasked) return;
    for (const Starting& starting : starting_)
        if (starting.request == unasked) return;
    loop_->cancel(list_timer_);
    list_timer_ = {};
    uint64_t request = std::exchange(list_request_, unasked);
    if (auto listed = list(request); !listed.ok()) answer_failure(request, listed.error());
}

// One that hangs must not keep the next engine from its work.
void Server::end_orphaned_starts() {
    for (auto at = starting_.begin(); at != starting_.end();) {
        auto one = at++;
        if (one->request == unasked && !one->failure)
            start_failed(one, Error(ErrorKind::timed_out, "the engine that asked for this start is gone"));
    }
}

Result<void> Server::list(uint64_t request) {
    for (auto& [key, task] : tasks_) {
        TaskFds copies = TRY(task->duplicate_fds());
        Adopt content{task->record(), set_of(copies)};
        std::vector<UniqueFd> fds;
        for (UniqueFd* fd : {&copies.pidfd, &copies.in, &copies.out, &copies.err})
            if (fd->valid()) fds.push_back(std::move(*fd));
        answer(request, MessageType::task, to_bytes(content), std::move(fds));
    }
    for (auto& [key, report] : ended_) answer(0, MessageType::exited, to_bytes(report));
    answer(request, MessageType::done);
    return {};
}

Task* Server::find(const TaskKey& key) {
    auto at = tasks_.find(key);
    return at == tasks_.end() ? nullptr : at->second.get();
}

Result<void> Server::attach(Packet& packet) {
    auto request = TRY(from_bytes<Attach>(packet.content, "attach"));
    if (packet.fds.size() != 1) return Error(ErrorKind::invalid_argument, "attach without a socket");
    Task* task = find(request.key);
    if (!task || task->ending()) return Error(ErrorKind::conflict, "container is not running");
    TRY(task->streams().attach(std::move(packet.fds[0]), request.options));
    answer(packet.request, MessageType::done);
    return {};
}

std::optional<LogFile> Server::open_log(const TaskRecord& record) {
    if (!record.log.enabled) return std::nullopt;
    auto log = LogFile::open(record.log, lines_);
    if (log.ok()) return std::move(*log);
    log::error("go on without the log of container " + record.key.container, log.error());
    return std::nullopt;
}

Result<Task*> Server::add_task(TaskRecord record, Parentage parentage, TaskFds fds, std::optional<LogFile> log) {
    TaskKey key = record.key;
    StdioFds stdio{std::move(fds.in), std::move(fds.out), std::move(fds.err)};
    if (record.terminal && stdio.out && !stdio.in) stdio.in = TRY(sys::duplicate(stdio.out));
    auto task = TRY(Task::create(host_, *this, std::move(record), parentage, std::move(fds.pidfd), std::move(stdio),
                                 std::move(log)));
    Task* added = task.get();
    tasks_[key] = std::move(task);
    return added;
}

Result<void> Server::adopt(Packet& packet) {
    auto request = TRY(from_bytes<Adopt>(packet.content, "adopt"));
    TaskFds fds = TRY(take_fds(request.fds, packet.fds));
    if (find(request.record.key)) return Error(ErrorKind::conflict, "the task is here already");
    if (!fds.pidfd) return Error(ErrorKind::invalid_argument, "adopt without a pidfd");
    auto log = open_log(request.record);
    TRY(add_task(std::move(request.record), Parentage::orphan, std::move(fds), std::move(log)));
    answer(packet.request, MessageType::done);
    return {};
}

} // namespace hull::keeper
