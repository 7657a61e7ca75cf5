// A start under way in the server: between `launch` and its answer.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "runtime/keeper/server.h"

namespace hull::keeper {

struct Server::Starting {
    uint64_t request = 0; // `unasked` when the engine that asked is gone
    TaskRecord record;
    std::vector<StreamOptions> streams;
    std::vector<UniqueFd> clients; // one for each of streams
    UniqueFd lifeline;             // inherited by what is forked, until it executes the program
    std::unique_ptr<Start> start;
    event::Watch watch; // of the report, then of a failed task's end
    StdioFds stdio;
    UniqueFd pidfd;
    std::optional<LogFile> log;
    std::vector<Step> steps;
    std::optional<Error> failure; // set: waiting for the process to be reaped
};

} // namespace hull::keeper
