// Starting tasks: pipes, the launcher's events, and what becomes of them.
#include <csignal>

#include <sys/epoll.h>

#include "base/log.h"
#include "runtime/keeper/server.h"
#include "runtime/keeper/starting.h"
#include "sys/file_at.h"
#include "sys/nonblocking.h"
#include "sys/pidfd.h"
#include "sys/process.h"

namespace hull::keeper {

Result<void> Server::launch(Packet& packet) {
    auto request = TRY(from_bytes<Launch>(packet.content, "launch"));
    const TaskKey& key = request.record.key;
    if (packet.fds.size() != request.plan_fds + request.streams.size() + 1)
        return Error(ErrorKind::corrupt, "launch with a wrong number of descriptors");
    bool taken = find(key) != nullptr;
    for (Starting& other : starting_) taken = taken || other.record.key == key;
    if (taken) return Error(ErrorKind::conflict, "container is running already");
    Task* container = key.exec.empty() ? nullptr : find(TaskKey{key.container, {}});
    if (!key.exec.empty() && (!container || container->ending()))
        return Error(ErrorKind::conflict, "container is not running");

    Starting starting;
    starting.request = packet.request;
    starting.record = std::move(request.record);
    starting.streams = std::move(request.streams);
    starting.lifeline = std::move(packet.fds.back());
    packet.fds.pop_back();
    for (size_t i = request.plan_fds; i < packet.fds.size(); ++i) starting.clients.push_back(std::move(packet.fds[i]));
    packet.fds.resize(request.plan_fds);
    if (starting.record.log.enabled) starting.log = TRY(LogFile::open(starting.record.log, lines_));

    ProgramStdio program;
    std::vector<UniqueFd> program_ends;
    TRY(make_stdio(starting, program, program_ends));
    if (container)
        starting.start = TRY(starter_.exec(container->pidfd(), request.plan, program));
    else
        starting.start = TRY(starter_.launch(request.plan, borrow_all(packet.fds), program));

    if (pid_t pid = starting.start->intermediate(); pid > 0) intermediates_.push_back(pid);
    starting_.push_back(std::move(starting));
    auto at = std::prev(starting_.end());
    auto watch = loop_->add(at->start->fd(), EPOLLIN, [this, at](uint32_t) { on_start_event(at); });
    if (watch.ok())
        at->watch = *watch;
    else
        start_failed(at, std::move(watch).error());
    return {};
}

Result<void> Server::make_stdio(Starting& starting, ProgramStdio& program, std::vector<UniqueFd>& program_ends) {
    TaskRecord& record = starting.record;
    if (record.terminal) return {};
    program = {null_, null_, null_};
    if (record.dropped_output) return {};
    auto output = [&](UniqueFd& ours, BorrowedFd& theirs, uint64_t& inode) -> Result<void> {
        auto [reading, writing] = TRY(sys::make_pipe());
        inode = TRY(sys::inode_of(reading));
        ours = std::move(reading);
        theirs = writing;
        program_ends.push_back(std::move(writing));
        return {};
    };
    TRY(output(starting.stdio.out, program.out, record.stdout_inode));
    TRY(output(starting.stdio.err, program.err, record.stderr_inode));
    if (!record.open_stdin) return {};
    auto [reading, writing] = TRY(sys::make_pipe());
    starting.stdio.in = std::move(writing);
    program.in = reading;
    program_ends.push_back(std::move(reading));
    return {};
}

void Server::on_start_event(std::list<Starting>::iterator at) {
    using Kind = runtime::LaunchEvent::Kind;
    for (runtime::LaunchEvent& event : at->start->events()) {
        switch (event.kind) {
        case Kind::step: at->steps.push_back({event.name, event.ns}); break;
        case Kind::pid:
            at->record.pid = event.pid;
            at->pidfd = std::move(event.fd);
            break;
        case Kind::terminal: at->stdio.out = std::move(event.fd); break;
        case Kind::executed: return start_succeeded(at);
        case Kind::failed: return start_failed(at, std::move(event.error));
        case Kind::at_hooks:
        case Kind::listener: // the starter's
        case Kind::at_gate: return start_failed(at, Error(ErrorKind::internal, "unexpected stop of a start"));
        }
    }
}

void Server::start_succeeded(std::list<Starting>::iterator at) {
    loop_->remove(at->watch);
    std::vector<UniqueFd> fds;
    auto launched = make_task(*at, fds);
    if (!launched.ok()) return start_failed(at, std::move(launched).error());
    if (at->request != unasked) answer(at->request, MessageType::launched, to_bytes(*launched), std::move(fds));
    Task& task = *find(at->record.key);
    for (size_t i = 0; i < at->streams.size(); ++i) {
        auto attached = task.streams().attach(std::move(at->clients[i]), at->streams[i]);
        if (!attached.ok()) log::error("attach a client", attached.error());
    }
    starting_.erase(at);
    list_if_settled();
    upgrade_if_quiet();
}

Result<Launched> Server::make_task(Starting& starting, std::vector<UniqueFd>& fds) {
    TaskRecord& record = starting.record;
    if (!starting.pidfd) return Error(ErrorKind::internal, "a start without a process");
    if (record.terminal && !starting.stdio.out) return Error(ErrorKind::internal, "a terminal without its master side");
    record.started_at = wall_now().ns;
    record.start_ticks = TRY(sys::start_ticks(record.pid));
    TaskFds task_fds{TRY(sys::duplicate(starting.pidfd)), std::move(starting.stdio.in), std::move(starting.stdio.out),
                     std::move(starting.stdio.err)};
    TRY(files_.save_running(record));
    auto added = add_task(record, Parentage::child, std::move(task_fds), std::move(starting.log));
    if (!added.ok()) {
        files_.forget_running(record.key);
        return std::move(added).error();
    }
    Launched launched{record, {}, std::move(starting.steps)};
    auto copies = (*added)->duplicate_fds();
    if (!copies.ok()) {
        tasks_.erase(record.key);
        files_.forget_running(record.key);
        return std::move(copies).error();
    }
    launched.fds = set_of(*copies);
    for (UniqueFd* fd : {&copies->pidfd, &copies->in, &copies->out, &copies->err})
        if (fd->valid()) fds.push_back(std::move(*fd));
    return launched;
}

// The answer comes when nothing is left: after the process, if it came to be,
// has been reaped.
void Server::start_failed(std::list<Starting>::iterator at, Error error) {
    loop_->remove(at->watch);
    at->watch = {};
    at->failure = std::move(error);
    auto finish = [this, at] {
        if (at->pidfd) (void)sys::reap_pidfd(at->pidfd);
        if (at->request != unasked) answer_failure(at->request, *at->failure);
        starting_.erase(at);
        list_if_settled();
        consider_quitting();
        upgrade_if_quiet();
    };
    if (!at->pidfd) return finish();
    (void)sys::pidfd_signal(at->pidfd, SIGKILL);
    auto watch = loop_->add_process(at->pidfd, finish);
    if (watch.ok())
        at->watch = *watch;
    else
        finish();
}

void Server::reap_intermediates() { std::erase_if(intermediates_, sys::reap_child); }

} // namespace hull::keeper
