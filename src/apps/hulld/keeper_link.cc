#include "keeper_link.h"

#include <algorithm>
#include <chrono>
#include <csignal>

#include <fcntl.h>

#include "base/log.h"
#include "sys/children.h"
#include "sys/file.h"
#include "sys/nonblocking.h"
#include "sys/pidfd.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace hull {

using keeper::TaskKey;

namespace {

constexpr auto restart_pause = std::chrono::milliseconds(200);
constexpr auto max_wait = std::chrono::seconds(15);
constexpr size_t max_delivered = 1024;
constexpr int64_t second_ns = 1'000'000'000;

// Its memory holds the very bytes of the file: two builds may have one version.
// Where that can't be read, the version decides.
bool runs_program(pid_t pid, const std::string& program) {
    auto running = sys::read_file("/proc/" + std::to_string(pid) + "/exe");
    auto wanted = sys::read_file(program);
    return !running.ok() || !wanted.ok() || *running == *wanted;
}

Error not_running() { return Error(ErrorKind::conflict, "container is not running"); }

} // namespace

KeeperLink::~KeeperLink() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (supervisor_.joinable()) supervisor_.join();
    if (deliverer_.joinable()) deliverer_.join();
    if (client_) client_->quit_when_idle();
}

Result<std::vector<keeper::TaskRecord>> KeeperLink::start(Ended ended, Detached detached) {
    ended_ = std::move(ended);
    detached_ = std::move(detached);
    auto client = TRY(connect());
    std::vector<keeper::TaskRecord> running;
    std::lock_guard lock(mutex_);
    client_ = std::move(client);
    for (auto& [key, kept] : kept_) running.push_back(kept->record);
    supervisor_ = std::thread([this] { supervise(); });
    deliverer_ = std::thread([this] { deliver_all(); });
    return running;
}

void KeeperLink::deliver() {
    std::lock_guard lock(mutex_);
    delivering_ = true;
    changed_.notify_all();
}

// ---- connecting ------------------------------------------------------------

Result<std::shared_ptr<keeper::Client>> KeeperLink::connect() {
    // More than once, as an idle keeper may be about to leave: then it neither
    // answers nor gives way.
    constexpr int attempts = 20;
    constexpr auto pause = std::chrono::milliseconds(50);
    for (int attempt = 1;; ++attempt) {
        auto running = connect_running();
        if (running.ok()) return running;
        if (running.error().kind() != ErrorKind::not_found && running.error().kind() != ErrorKind::unavailable)
            log::warning("use the running keeper", running.error());
        auto fresh = start_new();
        if (fresh.ok() || attempt == attempts) return fresh;
        std::this_thread::sleep_for(pause);
    }
}

Result<std::shared_ptr<keeper::Client>> KeeperLink::connect_running() {
    std::string path = options_.exec_root + "/keeper.sock";
    auto socket = sys::connect_unix(path, sys::SocketType::seqpacket);
    if (!socket.ok()) {
        bool nobody = socket.error().code() == ECONNREFUSED || socket.error().code() == ENOENT;
        return nobody ? std::move(socket).error().with_kind(ErrorKind::not_found) : std::move(socket).error();
    }
    std::shared_ptr<keeper::Client> client = TRY(keeper::Client::connect(std::move(*socket), *this));
    const keeper::Welcome& welcome = client->welcome();
    if (welcome.version != keeper::protocol_version || welcome.program != HULL_VERSION ||
        !runs_program(welcome.pid, options_.keeper_program)) {
        UniqueFd program = TRY(sys::open(options_.keeper_program, O_PATH));
        auto after = TRY(client->upgrade(program).context("upgrade the keeper from " + welcome.program));
        if (after.version != keeper::protocol_version)
            return Error(ErrorKind::unsupported, "the keeper speaks protocol " + std::to_string(after.version));
        log::info("upgraded the keeper from " + welcome.program + " to " + after.program);
    }
    TRY(hand_over(*client));
    return client;
}

Result<std::shared_ptr<keeper::Client>> KeeperLink::start_new() {
    auto started = TRY(keeper::start_keeper(options_.keeper_program, options_.exec_root));
    {
        std::lock_guard lock(mutex_);
        keepers_.insert(started.pid);
    }
    if (auto opened = sys::pidfd_open(started.pid); opened.ok()) {
        auto shared = std::make_shared<UniqueFd>(std::move(*opened));
        loop_.post([this, pid = started.pid, shared] {
            reap_when_ended(std::move(*shared), [this, pid](std::optional<sys::WaitStatus>) {
                std::lock_guard lock(mutex_);
                keepers_.erase(pid);
            });
        });
    }
    auto client = keeper::Client::connect(std::move(started.socket), *this);
    if (!client.ok())
        return std::move(client).error().context("start the keeper, see " + options_.exec_root + "/keeper.log");
    TRY(hand_over(**client));
    return std::shared_ptr<keeper::Client>(std::move(*client));
}

// Gives the keeper what it lacks and learns from it what runs and what ended.
Result<void> KeeperLink::hand_over(keeper::Client& client) {
    std::vector<std::shared_ptr<Kept>> all;
    {
        std::lock_guard lock(mutex_);
        for (auto& [key, kept] : kept_) all.push_back(kept);
    }
    for (auto& kept : all) {
        auto adopted = client.adopt(kept->record, kept->fds);
        bool there = !adopted.ok() && adopted.error().kind() == ErrorKind::conflict;
        if (!adopted.ok() && !there) return adopted;
        if (there) continue;
        auto pidfd = sys::duplicate(kept->fds.pidfd);
        if (pidfd.ok()) watch_orphan(kept->record.key, std::move(*pidfd));
    }
    std::map<TaskKey, int> ends;
    {
        std::lock_guard lock(mutex_);
        ends = orphan_ends_;
    }
    for (auto& [key, code] : ends) client.orphan_ended(key, code);
    TRY(client.recover());
    return client.list();
}

// As the subreaper we may be the parent now: then we alone see how it ends.
void KeeperLink::watch_orphan(const TaskKey& key, UniqueFd pidfd) {
    auto shared = std::make_shared<UniqueFd>(std::move(pidfd));
    loop_.post([this, key, shared] {
        reap_when_ended(std::move(*shared), [this, key](std::optional<sys::WaitStatus> status) {
            if (!status) return;
            std::shared_ptr<keeper::Client> client;
            {
                std::lock_guard lock(mutex_);
                orphan_ends_[key] = status->code; // for a keeper that isn't there yet
                client = client_;
            }
            if (client) client->orphan_ended(key, status->code);
        });
    });
}

void KeeperLink::on_lost() {
    std::lock_guard lock(mutex_);
    changed_.notify_all();
}

void KeeperLink::supervise() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        if (client_ && !client_->lost()) {
            changed_.wait(lock);
            continue;
        }
        auto dead = std::exchange(client_, nullptr);
        lock.unlock();
        if (dead) log::warning("the keeper died; starting another");
        dead.reset();
        auto fresh = connect();
        if (!fresh.ok()) log::error("start the keeper", fresh.error());
        if (fresh.ok()) {
            // What a start under way leaves may yet be born.
            loop_.post([this] {
                for (int64_t seconds : {0, 1, 5}) loop_.after(seconds * second_ns, [this] { end_strangers(); });
            });
        }
        lock.lock();
        if (fresh.ok()) {
            client_ = std::move(*fresh);
            for (const keeper::ExitReport& report : std::exchange(unacknowledged_, {})) client_->acknowledge(report);
            changed_.notify_all();
        } else {
            changed_.wait_for(lock, restart_pause, [&] { return stopping_; });
        }
    }
}

// Processes of starts that a keeper's death cut off: nobody knows them, their
// askers were told that they failed, and a zombie among them would hold up the
// end of its container. As the subreaper we are their parent.
void KeeperLink::end_strangers() {
    auto children = sys::children_of_other_sessions();
    if (!children.ok()) return log::warning("look for what a dead keeper left", children.error());
    std::set<pid_t> known;
    {
        std::lock_guard lock(mutex_);
        known.insert(keepers_.begin(), keepers_.end());
        for (auto& [key, kept] : kept_) known.insert(kept->record.pid);
    }
    for (pid_t pid : *children) {
        if (known.contains(pid)) continue;
        if (auto pidfd = sys::pidfd_open(pid); pidfd.ok()) {
            (void)sys::pidfd_signal(*pidfd, SIGKILL);
            reap_when_ended(std::move(*pidfd), [](std::optional<sys::WaitStatus>) {});
        }
    }
}

// In the loop's thread.
void KeeperLink::reap_when_ended(UniqueFd pidfd, std::function<void(std::optional<sys::WaitStatus>)> then) {
    auto shared = std::make_shared<UniqueFd>(std::move(pidfd));
    auto watched = loop_.add_process(*shared, [shared, then = std::move(then)] { then(sys::reap_pidfd(*shared)); });
    if (!watched.ok()) log::warning("watch a process", watched.error());
}

Result<std::shared_ptr<keeper::Client>> KeeperLink::client() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, max_wait, [&] { return client_ && !client_->lost(); }))
        return Error(ErrorKind::unavailable, "the keeper can't be reached");
    return client_;
}

Result<void> KeeperLink::settle(const TaskKey& key) {
    TRY(client());
    std::unique_lock lock(mutex_);
    bool gone = changed_.wait_for(lock, max_wait, [&] {
        auto at = abandoned_.find(key);
        return at == abandoned_.end() || !at->second;
    });
    if (!gone) return Error(ErrorKind::timed_out, "container " + key.container + " is left from a failed start");
    abandoned_.erase(key);
    return {};
}

// ---- events ----------------------------------------------------------------

void KeeperLink::on_task(keeper::TaskRecord record, keeper::TaskFds fds) {
    std::lock_guard lock(mutex_);
    if (auto at = abandoned_.find(record.key); at != abandoned_.end()) {
        at->second = true;
        (void)sys::pidfd_signal(fds.pidfd, SIGKILL);
        return;
    }
    if (kept_.contains(record.key) || launching_.contains(record.key)) return;
    TaskKey key = record.key;
    kept_[key] = std::make_shared<Kept>(Kept{std::move(record), std::move(fds)});
}

void KeeperLink::on_stdin_closed(const TaskKey& key) {
    std::lock_guard lock(mutex_);
    if (auto at = launching_.find(key); at != launching_.end()) at->second.stdin_closed = true;
    // Nobody else looks at it now: hand_over() is over, or was not begun, when
    // a keeper speaks of the task.
    if (auto at = kept_.find(key); at != kept_.end()) at->second->fds.in.reset();
}

void KeeperLink::on_detached(const TaskKey& key) {
    if (detached_) detached_(key);
}

void KeeperLink::on_exited(keeper::ExitReport report) {
    std::lock_guard lock(mutex_);
    if (auto at = launching_.find(report.key); at != launching_.end()) {
        at->second.exit = std::move(report);
        return;
    }
    queue_exit(std::move(report));
}

void KeeperLink::queue_exit(keeper::ExitReport report) {
    auto same = [&](const Ending& other) {
        return other.report.key == report.key && other.report.finished_at == report.finished_at;
    };
    if (std::any_of(exits_.begin(), exits_.end(), same)) return; // told twice
    kept_.erase(report.key);
    orphan_ends_.erase(report.key);
    bool wanted = abandoned_.erase(report.key) == 0;
    exits_.push_back({std::move(report), wanted});
    changed_.notify_all();
}

void KeeperLink::deliver_all() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return stopping_ || (delivering_ && !exits_.empty()); });
        if (stopping_) return; // what isn't delivered is told to the next hulld
        Ending next = std::move(exits_.front());
        exits_.pop_front();
        std::pair name{next.report.key, next.report.finished_at};
        bool before = std::find(delivered_.begin(), delivered_.end(), name) != delivered_.end();
        lock.unlock();
        if (next.wanted && !before) ended_(next.report);
        lock.lock();
        if (!before) delivered_.push_back(std::move(name));
        if (delivered_.size() > max_delivered) delivered_.pop_front();
        auto client = client_;
        if (!client) {
            unacknowledged_.push_back(std::move(next.report));
            continue;
        }
        lock.unlock();
        client->acknowledge(next.report);
        client.reset();
        lock.lock();
    }
}

// ---- requests --------------------------------------------------------------

Result<keeper::Launched> KeeperLink::launch(const keeper::Launch& request, std::span<const BorrowedFd> plan_fds,
                                            std::span<const BorrowedFd> clients) {
    const TaskKey& key = request.record.key;
    {
        std::lock_guard lock(mutex_);
        if (kept_.contains(key) || !launching_.try_emplace(key).second)
            return Error(ErrorKind::conflict, "container is running already");
    }
    auto reachable = client();
    auto started = reachable.ok() ? (*reachable)->launch(request, plan_fds, clients)
                                  : Result<keeper::Client::Started>(reachable.error());
    std::lock_guard lock(mutex_);
    Launching meanwhile = std::move(launching_.extract(key).mapped());
    if (!started.ok()) {
        if (reachable.ok() && started.error().kind() == ErrorKind::unavailable) abandoned_[key] = false;
        if (meanwhile.exit) queue_exit(std::move(*meanwhile.exit));
        return std::move(started).error();
    }
    if (meanwhile.stdin_closed) started->fds.in.reset();
    kept_[key] = std::make_shared<Kept>(Kept{started->launched.record, std::move(started->fds)});
    if (meanwhile.exit) queue_exit(std::move(*meanwhile.exit));
    return std::move(started->launched);
}

Result<void> KeeperLink::attach(const keeper::Attach& request, BorrowedFd socket) {
    auto reachable = TRY(client());
    return reachable->attach(request, socket);
}

std::vector<std::string> KeeperLink::containers() {
    std::lock_guard lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& [key, task] : kept_)
        if (key.exec.empty()) ids.push_back(key.container);
    return ids;
}

std::optional<keeper::TaskRecord> KeeperLink::find(const TaskKey& key) {
    std::lock_guard lock(mutex_);
    auto at = kept_.find(key);
    if (at == kept_.end()) return std::nullopt;
    return at->second->record;
}

Result<void> KeeperLink::signal(const TaskKey& key, int signal) {
    std::shared_ptr<Kept> kept;
    {
        std::lock_guard lock(mutex_);
        auto at = kept_.find(key);
        if (at == kept_.end()) return not_running();
        kept = at->second;
    }
    auto sent = sys::pidfd_signal(kept->fds.pidfd, signal);
    if (!sent.ok() && sent.error().code() == ESRCH) return not_running();
    return sent;
}

Result<void> KeeperLink::resize(const TaskKey& key, uint16_t rows, uint16_t columns) {
    std::lock_guard lock(mutex_);
    auto at = kept_.find(key);
    if (at == kept_.end()) return not_running();
    if (!at->second->record.terminal || !at->second->fds.out) return {};
    return sys::set_terminal_size(at->second->fds.out, rows, columns);
}

} // namespace hull
