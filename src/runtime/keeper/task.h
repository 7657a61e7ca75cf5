// One running task of the keeper: a process, its streams, and how it ends.
//
//   running -> ended (status known or given up) -> streams drained -> finished
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "event/loop.h"
#include "runtime/keeper/channel.h"
#include "runtime/keeper/protocol.h"
#include "runtime/keeper/task_streams.h"

namespace hull::keeper {

class Task;

class TaskListener {
public:
    virtual ~TaskListener() = default;
    virtual void on_task_stdin_closed(Task& task) = 0;
    virtual void on_task_detached(Task&) {}
    // Once, when the log is complete; the clients are still connected. The
    // listener ends the streams and destroys the task.
    virtual void on_task_finished(Task& task, ExitReport report) = 0;
};

enum class Parentage : uint8_t { child, orphan };

class Task : private TaskStreamsListener {
public:
    static Result<std::unique_ptr<Task>> create(TaskStreams::Host& host, TaskListener& listener, TaskRecord record,
                                                Parentage parentage, UniqueFd pidfd, StdioFds stdio,
                                                std::optional<LogFile> log);
    ~Task() override;

    const TaskRecord& record() const { return record_; }
    Parentage parentage() const { return parentage_; }
    BorrowedFd pidfd() const { return pidfd_; }
    TaskStreams& streams() { return *streams_; }
    bool ending() const { return ending_; }

    // Copies of the task's descriptors for hulld.
    Result<TaskFds> duplicate_fds() const;
    // hulld reaped it and says how it ended.
    void learn_status(int code);

    // For re-execution: pidfd and streams stay open when this is destroyed.
    void release();

private:
    Task(TaskStreams::Host& host, TaskListener& listener, TaskRecord record, Parentage parentage, UniqueFd pidfd);
    void on_ended();
    void look_for_status();
    void on_status(int code, bool known, std::string error);
    void kill_the_rest();
    void on_stdin_closed() override { listener_.on_task_stdin_closed(*this); }
    void on_detached() override { listener_.on_task_detached(*this); }
    void on_streams_drained() override;

    TaskStreams::Host& host_;
    TaskListener& listener_;
    TaskRecord record_;
    Parentage parentage_;
    UniqueFd pidfd_;
    event::Watch process_watch_;
    event::Timer status_timer_;
    std::unique_ptr<TaskStreams> streams_;
    ExitReport report_;
    int looks_ = 0; // for the status of an orphan
    bool ending_ = false;
};

} // namespace hull::keeper
