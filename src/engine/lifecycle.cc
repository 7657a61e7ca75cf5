#include "engine/lifecycle.h"

#include <array>

namespace hull::engine {
namespace {

using enum ContainerStatus;

struct Row {
    ContainerStatus from;
    Step step;
    ContainerStatus to;
};

constexpr std::array kTable = {
    Row{created, Step::start, starting},
    Row{exited, Step::start, starting},
    Row{restarting, Step::start, starting},
    Row{starting, Step::launched, running},
    Row{starting, Step::never_ran, created},
    Row{starting, Step::launch_failed, exited},
    Row{running, Step::pause, paused},
    Row{paused, Step::resume, running},
    Row{running, Step::ended, exited},
    Row{paused, Step::ended, exited},
    Row{running, Step::ended_restarts, restarting},
    Row{paused, Step::ended_restarts, restarting},
    Row{restarting, Step::give_up, exited},
    Row{created, Step::remove, removing},
    Row{exited, Step::remove, removing},
    Row{dead, Step::remove, removing},
    Row{removing, Step::removal_failed, dead},
};

} // namespace

std::optional<ContainerStatus> next_status(ContainerStatus from, Step step) {
    for (const Row& row : kTable)
        if (row.from == from && row.step == step) return row.to;
    return std::nullopt;
}

} // namespace hull::engine
