// hulld's end of the connection to the keeper. Many threads may have requests
// under way at once; each waits for its own answer.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime/keeper/channel.h"
#include "runtime/keeper/protocol.h"

namespace hull::keeper {

// Called from the client's reading thread; must not block, nor call the client.
class ClientEvents {
public:
    virtual ~ClientEvents() = default;
    virtual void on_task(TaskRecord record, TaskFds fds) = 0; // answers to list()
    virtual void on_exited(ExitReport report) = 0;
    virtual void on_stdin_closed(const TaskKey& key) = 0;
    virtual void on_detached(const TaskKey&) {}
    virtual void on_lost() = 0; // the keeper is gone; once, the last call
};

class Client {
public:
    // Says hello. unavailable: nobody answered; unsupported: the keeper speaks
    // another version (see upgrade()).
    static Result<std::unique_ptr<Client>> connect(UniqueFd socket, ClientEvents& events);
    // Ends the connection; tasks go on. on_lost() is not called.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    const Welcome& welcome() const { return welcome_; }
    bool lost();

    // All block until the answer is there; unavailable when the keeper dies. A launch
    // then ends when all that the keeper forked for it has ended or runs the program.
    struct Started {
        Launched launched;
        TaskFds fds;
    };
    Result<Started> launch(const Launch& request, std::span<const BorrowedFd> plan_fds,
                           std::span<const BorrowedFd> clients);
    Result<void> attach(const Attach& request, BorrowedFd socket);
    Result<void> adopt(const TaskRecord& record, const TaskFds& fds);
    Result<void> recover();
    Result<void> list();
    // The keeper becomes this program; everything else stays.
    Result<Welcome> upgrade(BorrowedFd program);

    // No answer is waited for.
    void acknowledge(const ExitReport& report);
    void orphan_ended(const TaskKey& key, int code);
    void quit_when_idle();

private:
    struct Waiter {
        std::optional<Packet> answer;
        bool lost = false;
    };
    Client(UniqueFd socket, ClientEvents& events) : socket_(std::move(socket)), events_(events) {}
    Result<Packet> call(MessageType type, const std::string& content, std::span<const BorrowedFd> fds = {},
                        int timeout_ms = -1);
    Result<void> send(MessageType type, uint64_t request, const std::string& content,
                      std::span<const BorrowedFd> fds = {});
    void read();
    void handle(Packet packet);
    void lose();

    UniqueFd socket_;
    ClientEvents& events_;
    Welcome welcome_;
    std::mutex sending_; // held over one sendmsg
    std::mutex mutex_;   // what follows
    std::condition_variable answered_;
    std::map<uint64_t, Waiter> waiting_;
    uint64_t next_request_ = 1;
    bool lost_ = false, closing_ = false;
    std::thread reader_;
};

// Starts a keeper in a session of its own; the socket is its first connection.
// Its messages go to <exec_root>/keeper.log, or to where ours go when that is
// the journal.
struct StartedKeeper {
    UniqueFd socket;
    pid_t pid = 0; // a child of ours
};
Result<StartedKeeper> start_keeper(const std::string& program, const std::string& exec_root);

} // namespace hull::keeper
