// The keeper: parent of all tasks, server of hulld. One thread, one loop.
//
//   create | resume -> run -> (returns when it may end)
//
// It ends when it has no task left and hulld said quit_when_idle, or has been
// gone for idle_ns. A hulld that connects anew takes the place of the one
// before.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "event/loop.h"
#include "runtime/keeper/channel.h"
#include "runtime/keeper/starter.h"
#include "runtime/keeper/state_files.h"
#include "runtime/keeper/task.h"

namespace hull::keeper {

struct ServerOptions {
    std::string exec_root;
    int64_t idle_ns = 5'000'000'000; // how long to wait for a new hulld without tasks
};

// The peer that sends requests and gets answers. Never blocks: what the socket
// doesn't take is queued.
class EngineConnection {
public:
    EngineConnection(event::Loop& loop, UniqueFd socket) : loop_(loop), socket_(std::move(socket)) {}
    ~EngineConnection() { loop_.remove(watch_); }
    void send(MessageType type, uint64_t request, const std::string& content, std::vector<UniqueFd> fds = {});
    bool flush(); // false: the peer is gone
    bool idle() const { return queue_.empty(); }
    // While not listening, requests wait in the socket.
    void set_listening(bool listening);
    UniqueFd& socket() { return socket_; }
    void set_watch(event::Watch watch) { watch_ = watch; }
    event::Watch watch() const { return watch_; }

private:
    struct Queued {
        MessageType type;
        uint64_t request;
        std::string content;
        std::vector<UniqueFd> fds;
    };
    event::Loop& loop_;
    UniqueFd socket_;
    event::Watch watch_;
    std::list<Queued> queue_;
    bool listening_ = true;
    void update_watch();
};

class Server : private TaskListener {
public:
    // connection: a first hulld's socket, or invalid.
    static Result<std::unique_ptr<Server>> create(ServerOptions options, Starter& starter, UniqueFd connection);
    // Goes on where the process was before it executed this program; state is
    // the memory file that it left (see upgrade in server_upgrade.cc).
    static Result<std::unique_ptr<Server>> resume(Starter& starter, BorrowedFd state);
    ~Server() override;

    Result<void> run();

private:
    struct Starting;
    static constexpr uint64_t unasked = 0;
    Server(ServerOptions options, Starter& starter, std::unique_ptr<event::Loop> loop, StateFiles files);
    Result<void> prepare();

    // server.cc: connections and requests
    Result<void> listen();
    void on_connect();
    Result<void> serve(UniqueFd socket);
    void on_engine_ready(uint32_t events);
    void disconnect();
    void handle(Packet packet);
    Result<void> dispatch(Packet& packet);
    void hello(const Packet& packet);
    Result<void> list(uint64_t request);
    void list_if_settled();
    void end_orphaned_starts();
    Result<void> adopt(Packet& packet);
    Result<void> attach(Packet& packet);
    void answer(uint64_t request, MessageType type, const std::string& content = {}, std::vector<UniqueFd> fds = {});
    void answer_failure(uint64_t request, const Error& error);
    void consider_quitting();

    // server_start.cc
    Result<void> launch(Packet& packet);
    Result<void> make_stdio(Starting& starting, ProgramStdio& program, std::vector<UniqueFd>& program_ends);
    void on_start_event(std::list<Starting>::iterator at);
    void start_succeeded(std::list<Starting>::iterator at);
    Result<Launched> make_task(Starting& starting, std::vector<UniqueFd>& fds);
    void start_failed(std::list<Starting>::iterator at, Error error);
    void reap_intermediates();

    // server_end.cc
    void on_task_stdin_closed(Task& task) override;
    void on_task_detached(Task& task) override;
    void on_task_finished(Task& task, ExitReport report) override;
    void ended(const ExitReport& report);
    Result<void> recover();
    void ended_unseen(const TaskRecord& record);

    // server_upgrade.cc
    void upgrade_if_quiet();
    Result<void> execute_upgrade();
    Result<void> restore(BorrowedFd state);

    Result<Task*> add_task(TaskRecord record, Parentage parentage, TaskFds fds, std::optional<LogFile> log);
    std::optional<LogFile> open_log(const TaskRecord& record);
    Task* find(const TaskKey& key);

    ServerOptions options_;
    Starter& starter_;
    std::unique_ptr<event::Loop> loop_;
    StateFiles files_;
    LineBuffer lines_;
    std::vector<char> chunk_;
    LastOutput last_output_;
    TaskStreams::Host host_;
    UniqueFd null_, listener_;
    event::Watch listener_watch_;
    std::unique_ptr<EngineConnection> engine_;
    std::list<Starting> starting_;
    uint64_t list_request_ = unasked; // waits for the starts of an engine before
    event::Timer list_timer_;
    std::vector<pid_t> intermediates_;
    std::map<TaskKey, std::unique_ptr<Task>> tasks_;
    std::map<TaskKey, ExitReport> ended_; // not yet acknowledged
    event::Timer idle_timer_;
    bool quit_when_idle_ = false;
    UniqueFd upgrade_program_; // valid: an upgrade waits for a quiet moment
    uint64_t upgrade_request_ = 0;
};

} // namespace hull::keeper
