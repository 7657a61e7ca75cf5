// Becoming another version of this program in place: the process, its children
// and its descriptors stay.
//
// The state goes to a memory file; every descriptor in it loses close-on-exec
// and is found again by its number. A new program that can't read the state
// executes the old one again, which can.
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "runtime/keeper/server.h"
#include "runtime/keeper/starting.h"
#include "sys/file.h"
#include "sys/nonblocking.h"
#include "sys/process.h"

namespace hull::keeper {

namespace {

constexpr uint32_t state_version = 1;
constexpr size_t max_state_bytes = size_t{256} << 20;

struct TaskState {
    TaskRecord record;
    Parentage parentage = Parentage::child;
    int32_t pidfd = -1;
    StreamsState streams;
};
void fields(auto& io, Of<TaskState> auto& v) { all(io, v.record, v.parentage, v.pidfd, v.streams); }

struct ServerState {
    uint32_t version = state_version;
    std::string exec_root;
    int64_t idle_ns = 0;
    int32_t listener = -1, engine = -1;
    bool quit_when_idle = false;
    uint64_t request = 0; // the upgrade's
    std::vector<TaskState> tasks;
    std::vector<ClientState> last_output;
    std::vector<int32_t> intermediates;
};
void fields(auto& io, Of<ServerState> auto& v) {
    all(io, v.version, v.exec_root, v.idle_ns, v.listener, v.engine, v.quit_when_idle, v.request, v.tasks,
        v.last_output, v.intermediates);
}

std::vector<int> descriptors_of(const ServerState& state) {
    std::vector<int> fds{state.listener, state.engine};
    for (const TaskState& task : state.tasks) {
        fds.insert(fds.end(), {task.pidfd, task.streams.in, task.streams.out, task.streams.err});
        for (const ClientState& client : task.streams.clients) fds.push_back(client.fd);
    }
    for (const ClientState& client : state.last_output) fds.push_back(client.fd);
    std::erase(fds, -1);
    return fds;
}

} // namespace

// Quiet: nothing is half done, so that the state is tasks and clients only.
void Server::upgrade_if_quiet() {
    if (!upgrade_program_) return;
    if (engine_) engine_->set_listening(false);
    if (!starting_.empty() || (engine_ && !engine_->idle())) return;
    for (auto& [key, task] : tasks_)
        if (task->ending()) return;
    auto failed = execute_upgrade();
    upgrade_program_.reset();
    if (engine_) engine_->set_listening(true);
    if (!failed.ok()) answer_failure(upgrade_request_, failed.error());
}

Result<void> Server::execute_upgrade() {
    ServerState state{state_version,
                      options_.exec_root,
                      options_.idle_ns,
                      listener_.get(),
                      engine_ ? engine_->socket().get() : -1,
                      quit_when_idle_,
                      upgrade_request_,
                      {},
                      {},
                      {intermediates_.begin(), intermediates_.end()}};
    for (auto& [key, task] : tasks_)
        state.tasks.push_back({task->record(), task->parentage(), task->pidfd().get(), task->streams().state()});
    for (auto& client : last_output_.clients()) state.last_output.push_back(client->state());

    UniqueFd file = TRY(sys::make_memfd("hull-keeper-state", to_bytes(state)));
    UniqueFd old_program = TRY(sys::open("/proc/self/exe", O_PATH));
    std::vector<int> kept = descriptors_of(state);
    kept.insert(kept.end(), {file.get(), old_program.get()});
    for (int fd : kept) TRY(sys::set_close_on_exec(BorrowedFd(fd), false));
    std::vector<std::string> args{"hull-keeper",
                                  "--exec-root",
                                  options_.exec_root,
                                  "--resume",
                                  std::to_string(file.get()),
                                  "--fallback",
                                  std::to_string(old_program.get())};
    Error error = sys::exec_fd(upgrade_program_, args, {});
    for (int fd : kept) (void)sys::set_close_on_exec(BorrowedFd(fd), true);
    return error;
}

Result<std::unique_ptr<Server>> Server::resume(Starter& starter, BorrowedFd state_file) {
    auto bytes = TRY(sys::read_memfd(state_file, max_state_bytes));
    auto state = TRY(from_bytes<ServerState>(bytes, "state of the keeper"));
    if (state.version != state_version)
        return Error(ErrorKind::unsupported, "state of the keeper has version " + std::to_string(state.version));
    auto files = TRY(StateFiles::open(state.exec_root));
    auto loop = TRY(event::Loop::create());
    ServerOptions options{state.exec_root, state.idle_ns};
    std::unique_ptr<Server> server(new Server(std::move(options), starter, std::move(loop), std::move(files)));
    TRY(server->prepare());
    for (int fd : descriptors_of(state)) TRY(sys::set_close_on_exec(BorrowedFd(fd), true));
    TRY(server->restore(state_file));
    return server;
}

Result<void> Server::restore(BorrowedFd state_file) {
    auto bytes = TRY(sys::read_memfd(state_file, max_state_bytes));
    auto state = TRY(from_bytes<ServerState>(bytes, "state of the keeper"));
    listener_ = UniqueFd(state.listener);
    listener_watch_ = TRY(loop_->add(listener_, EPOLLIN, [this](uint32_t) { on_connect(); }));
    intermediates_.assign(state.intermediates.begin(), state.intermediates.end());
    for (TaskState& task : state.tasks) {
        TaskKey key = task.record.key;
        TaskFds fds{UniqueFd(task.pidfd), UniqueFd(task.streams.in), UniqueFd(task.streams.out),
                    UniqueFd(task.streams.err)};
        auto log = open_log(task.record);
        auto added = add_task(std::move(task.record), task.parentage, std::move(fds), std::move(log));
        auto restored = added.ok() ? (*added)->streams().restore(task.streams) : Result<void>(added.error());
        if (!restored.ok()) log::error("restore container " + key.container, restored.error());
    }
    for (ClientState& client : state.last_output) {
        auto restored = ClientStream::create(*loop_, last_output_, UniqueFd(client.fd), client);
        if (restored.ok()) last_output_.add(std::move(*restored));
    }
    if (state.engine >= 0) {
        auto served = serve(UniqueFd(state.engine));
        if (!served.ok()) log::error("go on with hulld", served.error());
    }
    quit_when_idle_ = state.quit_when_idle;
    answer(state.request, MessageType::welcome,
           to_bytes(Welcome{protocol_version, HULL_VERSION, static_cast<int32_t>(::getpid())}));
    reap_intermediates();
    return {};
}

} // namespace hull::keeper
