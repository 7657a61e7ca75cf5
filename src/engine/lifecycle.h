// The lifecycle of a container as a table: which step leads where. A step that
// isn't in the table can't be taken in that state.
//
//   created --start--> starting --launched--> running <--pause/resume--> paused
//      ^                  |                     |  |
//      +--never_ran-------+--launch_failed--> exited <--ended-- (running, paused)
//                                               |      restart: -> restarting --start-->
//   created, exited, dead --remove--> removing --removal_failed--> dead
#pragma once

#include <optional>

#include "model/container_record.h"

namespace hull::engine {

using model::ContainerStatus;

enum class Step : unsigned char {
    start,
    launched,
    never_ran,     // the first launch failed
    launch_failed, // a later one did
    pause,
    resume,
    ended,
    ended_restarts, // and the restart policy will start it again
    give_up,        // no restart after all
    remove,
    removal_failed,
};

// nullopt: not possible in this status.
std::optional<ContainerStatus> next_status(ContainerStatus from, Step step);

// running and paused: there are processes.
constexpr bool has_processes(ContainerStatus status) {
    return status == ContainerStatus::running || status == ContainerStatus::paused;
}
// What `wait` for not-running waits for.
constexpr bool is_active(ContainerStatus status) {
    return has_processes(status) || status == ContainerStatus::starting || status == ContainerStatus::restarting;
}

} // namespace hull::engine
