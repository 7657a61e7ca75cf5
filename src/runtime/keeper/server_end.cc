// Ends of tasks, and what earlier keepers left.
#include "base/clock.h"
#include "base/log.h"
#include "runtime/keeper/orphan.h"
#include "runtime/keeper/server.h"
#include "runtime/keeper/starting.h"

namespace hull::keeper {

void Server::on_task_detached(Task& task) { answer(0, MessageType::detached, to_bytes(task.record().key)); }
void Server::on_task_stdin_closed(Task& task) { answer(0, MessageType::stdin_closed, to_bytes(task.record().key)); }

void Server::on_task_finished(Task& task, ExitReport report) {
    TaskKey key = task.record().key;
    // Told before the clients see the end: they ask for the exit code next.
    ended(report);
    task.streams().end();
    tasks_.erase(key);
    consider_quitting();
    upgrade_if_quiet();
}

// On disk first: whoever is told may die at once, and so may we.
void Server::ended(const ExitReport& report) {
    if (auto saved = files_.save_exit(report); !saved.ok()) log::error("save an exit record", saved.error());
    files_.forget_running(report.key);
    ended_[report.key] = report;
    answer(0, MessageType::exited, to_bytes(report));
}

Result<void> Server::recover() {
    for (TaskRecord& record : TRY(files_.running())) {
        if (find(record.key)) continue;
        // A crash between saving the exit and forgetting the task.
        if (ended_.contains(record.key)) {
            files_.forget_running(record.key);
            continue;
        }
        auto found = find_task(record);
        if (!found.ok()) {
            ended_unseen(record);
            continue;
        }
        auto log = open_log(record);
        TaskKey key = record.key;
        auto added = add_task(std::move(record), Parentage::orphan, std::move(*found), std::move(log));
        if (!added.ok()) log::error("take over container " + key.container, added.error());
    }
    return {};
}

void Server::ended_unseen(const TaskRecord& record) {
    ExitReport report{record.key, 255, false, wall_now().ns, "it ended while neither hulld nor the keeper ran",
                      record.note};
    ended(report);
}

} // namespace hull::keeper
