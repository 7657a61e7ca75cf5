#include "runtime/keeper/task.h"

#include <csignal>

#include <fcntl.h>

#include "base/clock.h"
#include "base/log.h"
#include "runtime/keeper/orphan.h"
#include "sys/file.h"
#include "sys/nonblocking.h"
#include "sys/process.h"

namespace hull::keeper {

namespace {

// An orphan's status can take a moment: until its parent has reaped it, or
// hulld has said.
constexpr int64_t look_interval_ns = 10'000'000;
constexpr int max_looks = 100;

// SIGKILL to each process listed; false when there was none.
bool kill_listed(const std::string& folder) {
    auto listed = sys::read_file(folder + "/cgroup.procs");
    if (!listed.ok()) return false;
    bool any = false;
    for (size_t at = 0; at < listed->size();) {
        size_t end = std::min(listed->find('\n', at), listed->size());
        if (int pid = std::atoi(listed->substr(at, end - at).c_str()); pid > 0) {
            any = true;
            if (auto fd = sys::pidfd_open(pid); fd.ok()) (void)sys::pidfd_signal(*fd, SIGKILL);
        }
        at = end + 1;
    }
    return any;
}

} // namespace

Task::Task(TaskStreams::Host& host, TaskListener& listener, TaskRecord record, Parentage parentage, UniqueFd pidfd)
    : host_(host), listener_(listener), record_(std::move(record)), parentage_(parentage), pidfd_(std::move(pidfd)) {}

Result<std::unique_ptr<Task>> Task::create(TaskStreams::Host& host, TaskListener& listener, TaskRecord record,
                                           Parentage parentage, UniqueFd pidfd, StdioFds stdio,
                                           std::optional<LogFile> log) {
    std::unique_ptr<Task> task(new Task(host, listener, std::move(record), parentage, std::move(pidfd)));
    TaskStreams::Options options{task->record_.terminal, task->record_.stdin_once};
    task->streams_ = TRY(TaskStreams::create(host, options, std::move(stdio), std::move(log), *task));
    task->process_watch_ = TRY(host.loop.add_process(task->pidfd_, [raw = task.get()] { raw->on_ended(); }));
    return task;
}

Task::~Task() {
    host_.loop.cancel(status_timer_);
    host_.loop.remove(process_watch_);
}

Result<TaskFds> Task::duplicate_fds() const {
    TaskFds copies;
    const StdioFds& mine = streams_->fds();
    copies.pidfd = TRY(sys::duplicate(pidfd_));
    // With a terminal one copy of the master serves both ways.
    if (mine.in && !record_.terminal) copies.in = TRY(sys::duplicate(mine.in));
    if (mine.out) copies.out = TRY(sys::duplicate(mine.out));
    if (mine.err) copies.err = TRY(sys::duplicate(mine.err));
    return copies;
}

void Task::on_ended() {
    ending_ = true;
    process_watch_ = {};
    report_.finished_at = wall_now().ns;
    look_for_status();
}

void Task::look_for_status() {
    if (auto status = orphan_status(pidfd_, record_.pid)) return on_status(status->code, true, {});
    if (++looks_ == max_looks) return on_status(255, false, "it ended while nobody could see how");
    status_timer_ = host_.loop.after(look_interval_ns, [this] { look_for_status(); });
}

void Task::learn_status(int code) {
    if (!ending_) {
        ending_ = true;
        host_.loop.remove(process_watch_);
        process_watch_ = {};
        report_.finished_at = wall_now().ns;
    } else if (!status_timer_.valid()) {
        return; // known already
    }
    on_status(code, true, {});
}

void Task::on_status(int code, bool known, std::string error) {
    host_.loop.cancel(status_timer_);
    status_timer_ = {};
    report_.key = record_.key;
    report_.note = record_.note;
    report_.code = code;
    report_.known = known;
    report_.error = std::move(error);
    if (record_.shared_pids && record_.key.exec.empty()) kill_the_rest();
    streams_->drain();
}

// Docker's rule: with the first process the container ends. In a pid namespace
// of its own the kernel sees to it.
void Task::kill_the_rest() {
    for (const std::string& folder : record_.cgroups) {
        if (sys::write_existing(folder + "/cgroup.kill", "1").ok()) return;
        // Those killed are listed until they are gone; new ones may be forked meanwhile.
        for (int rounds = 0; rounds < 10 && kill_listed(folder); ++rounds) {}
        if (sys::exists(folder)) return;
    }
}

void Task::on_streams_drained() {
    streams_->end_log();
    listener_.on_task_finished(*this, report_);
}

void Task::release() {
    (void)pidfd_.release();
    streams_->release();
}

} // namespace hull::keeper
