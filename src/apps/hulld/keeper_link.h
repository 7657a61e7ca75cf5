// hulld's connection to the keeper that is always there: found or started at
// the beginning, started anew when it dies, and handed everything it needs to
// go on. Holds copies of every task's descriptors (the other half of the
// two-man rule). Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "event/loop.h"
#include "runtime/keeper/client.h"
#include "sys/pidfd.h"

namespace hull {

struct KeeperLinkOptions {
    std::string exec_root;
    std::string keeper_program;
};

class KeeperLink : private keeper::ClientEvents {
public:
    // ended: called once for each task that ended, from one thread; the keeper
    // forgets the end when it returns.
    using Ended = std::function<void(const keeper::ExitReport& report)>;
    // A client of a task left by its keys; called in the loop's thread.
    using Detached = std::function<void(const keeper::TaskKey& key)>;
    // The loop runs in another thread, which has ended when this is destroyed.
    KeeperLink(KeeperLinkOptions options, event::Loop& loop) : options_(std::move(options)), loop_(loop) {}
    ~KeeperLink() override;

    // Once. Returns what runs already; ended() is called from after deliver().
    Result<std::vector<keeper::TaskRecord>> start(Ended ended, Detached detached = {});
    void deliver();

    // unavailable: the keeper died meanwhile. It isn't known then whether the
    // task started; the caller kills what there may be of it and calls settle().
    Result<keeper::Launched> launch(const keeper::Launch& request, std::span<const BorrowedFd> plan_fds,
                                    std::span<const BorrowedFd> clients);
    Result<void> attach(const keeper::Attach& request, BorrowedFd socket);

    // After such a launch: returns when a keeper is there, and nothing of that
    // task; its end, if it came to be, is not reported.
    Result<void> settle(const keeper::TaskKey& key);

    std::optional<keeper::TaskRecord> find(const keeper::TaskKey& key);
    std::vector<std::string> containers(); // ids of those that the keeper has
    // Not running: conflict.
    Result<void> signal(const keeper::TaskKey& key, int signal);
    Result<void> resize(const keeper::TaskKey& key, uint16_t rows, uint16_t columns);

private:
    struct Kept {
        keeper::TaskRecord record;
        keeper::TaskFds fds;
    };
    struct Ending {
        keeper::ExitReport report;
        bool wanted = true; // else only to be acknowledged
    };
    struct Launching { // what happened before its launch() has returned
        std::optional<keeper::ExitReport> exit;
        bool stdin_closed = false;
    };

    void on_task(keeper::TaskRecord record, keeper::TaskFds fds) override;
    void on_exited(keeper::ExitReport report) override;
    void on_stdin_closed(const keeper::TaskKey& key) override;
    void on_detached(const keeper::TaskKey& key) override;
    void on_lost() override;

    Result<std::shared_ptr<keeper::Client>> connect();
    Result<std::shared_ptr<keeper::Client>> connect_running();
    Result<std::shared_ptr<keeper::Client>> start_new();
    Result<void> hand_over(keeper::Client& client);
    void watch_orphan(const keeper::TaskKey& key, UniqueFd pidfd);
    Result<std::shared_ptr<keeper::Client>> client(); // waits for a new keeper
    void supervise();
    void end_strangers();
    void reap_when_ended(UniqueFd pidfd, std::function<void(std::optional<sys::WaitStatus>)> then);
    void deliver_all();
    void queue_exit(keeper::ExitReport report);

    KeeperLinkOptions options_;
    event::Loop& loop_;
    Ended ended_;
    Detached detached_;
    std::mutex mutex_; // all below
    std::condition_variable changed_;
    std::shared_ptr<keeper::Client> client_;
    bool stopping_ = false, delivering_ = false;
    std::set<pid_t> keepers_; // children of ours
    std::map<keeper::TaskKey, std::shared_ptr<Kept>> kept_;
    std::map<keeper::TaskKey, Launching> launching_;
    std::map<keeper::TaskKey, int> orphan_ends_; // statuses of tasks that we reaped
    // Launches whose outcome is unknown; true: the task is known to run.
    std::map<keeper::TaskKey, bool> abandoned_;
    std::deque<Ending> exits_;
    std::vector<keeper::ExitReport> unacknowledged_; // for want of a keeper
    // Ends delivered, as a keeper that missed the acknowledgement tells again.
    std::deque<std::pair<keeper::TaskKey, int64_t>> delivered_;
    std::thread supervisor_, deliverer_;
};

} // namespace hull
