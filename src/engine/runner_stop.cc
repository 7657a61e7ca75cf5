#include "engine/runner.h"

#include <chrono>
#include <csignal>

namespace hull::engine {
namespace {

constexpr int kDefaultStopSeconds = 10;
// How long a killed container may take to be gone.
constexpr std::chrono::seconds kKillWait{10};

bool is_over(const ContainerState& state, const Volatile& v) { return v.removed || !has_processes(state.status); }

} // namespace

void Runner::cancel_restart(const ContainerPtr& container) {
    uint64_t timer = container->update([](ContainerState& state, Volatile& v) {
        v.restart_cancelled = true;
        if (state.status == ContainerStatus::restarting) state.status = ContainerStatus::exited;
        return std::exchange(v.restart_timer, 0);
    });
    core_.scheduler.cancel(timer);
}

Result<void> Runner::signal_container(const ContainerPtr& container, int signal) {
    bool paused = container->status() == ContainerStatus::paused;
    TRY(core_.runtime.kill(container->id, signal));
    core_.publish(*container, "kill", {{"signal", std::to_string(signal)}});
    // A frozen process takes no signal; one that is to end must thaw first.
    if (paused && (signal == SIGKILL || signal == SIGTERM)) {
        TRY(core_.runtime.resume(container->id));
        container->update([](ContainerState& state, Volatile&) {
            if (state.status == ContainerStatus::paused) state.status = ContainerStatus::running;
        });
    }
    return {};
}

Result<void> Runner::kill_and_wait(const ContainerPtr& container) {
    auto sent = signal_container(container, SIGKILL);
    if (!container->wait_for(kKillWait, is_over)) {
        TRY(std::move(sent));
        return Error(ErrorKind::timed_out, "tried to kill container, but did not receive an exit event");
    }
    return {};
}

Result<void> Runner::stop(const ContainerPtr& container, std::optional<int> timeout, const std::string& signal) {
    if (!is_active(container->status())) return Error(ErrorKind::not_modified, "container is already stopped");
    TRY(stop_running(container, timeout, signal));
    core_.publish(*container, "stop");
    return {};
}

Result<void> Runner::stop_for_now(const ContainerPtr& container) {
    if (!is_active(container->status())) return {};
    TRY(stop_running(container, {}, {}, StoppedBy::machine));
    core_.publish(*container, "stop");
    return {};
}

Result<void> Runner::stop_running(const ContainerPtr& container, std::optional<int> timeout, const std::string& signal,
                                  StoppedBy by) {
    const model::ContainerConfig& config = container->settings().config;
    const std::string& name = !signal.empty() ? signal : config.stop_signal;
    int number = name.empty() ? SIGTERM : TRY(parse_signal(name));
    int seconds = timeout ? *timeout : config.stop_timeout.value_or(kDefaultStopSeconds);
    // A start under way goes first.
    { std::lock_guard operation(container->operation()); }
    container->update([by](ContainerState& state, Volatile& v) {
        if (by == StoppedBy::hand) state.manually_stopped = true;
        v.restart_cancelled = true;
    });
    // Of those that wait for their restart the record says so: it is taken up again.
    if (container->status() == ContainerStatus::restarting && by == StoppedBy::machine) return {};
    if (container->status() == ContainerStatus::restarting) {
        cancel_restart(container);
        core_.save(*container);
        return {};
    }
    if (has_processes(container->status())) {
        auto sent = signal_container(container, number);
        bool over = false;
        if (!sent.ok() && sent.error().kind() != ErrorKind::conflict) {
            seconds = 0; // the signal can't be sent: try the one that needs no handler
        }
        if (seconds < 0)
            over = container->wait({}, is_over);
        else
            over = container->wait_for(std::chrono::seconds(seconds), is_over);
        if (!over) TRY(kill_and_wait(container));
    }
    // What it held is given back when this returns.
    std::lock_guard operation(container->operation());
    clean_up(container);
    return {};
}

Result<void> Runner::restart(const ContainerPtr& container, std::optional<int> timeout, const std::string& signal) {
    // A container that removes itself stays for its restart.
    container->update([](ContainerState&, Volatile& v) { v.keep = true; });
    auto restarted = [&]() -> Result<void> {
        if (is_active(container->status())) {
            TRY(stop_running(container, timeout, signal));
            core_.publish(*container, "stop");
        }
        return start(container);
    }();
    container->update([](ContainerState&, Volatile& v) { v.keep = false; });
    if (!restarted.ok() && restarted.error().kind() != ErrorKind::not_modified) return restarted;
    core_.publish(*container, "restart");
    return {};
}

Result<void> Runner::kill(const ContainerPtr& container, int signal) {
    if (container->status() == ContainerStatus::restarting && signal == SIGKILL) {
        cancel_restart(container);
        core_.save(*container);
        return {};
    }
    if (!has_processes(container->status()))
        return not_running(*container).context("cannot kill container: " + container->name());
    const std::string& stop_signal = container->settings().config.stop_signal;
    // Docker's rule: a container that names a stop signal is restarted after other signals.
    bool ends = signal == SIGKILL || stop_signal.empty();
    if (auto number = parse_signal(stop_signal); number.ok() && *number == signal) ends = true;
    if (ends)
        container->update([](ContainerState& state, Volatile& v) {
            state.manually_stopped = true;
            v.restart_cancelled = true;
        });
    if (signal == SIGKILL) {
        TRY(kill_and_wait(container).context([&] { return "cannot kill container: " + container->name(); }));
        std::lock_guard operation(container->operation());
        clean_up(container);
        return {};
    }
    return signal_container(container, signal).context([&] { return "cannot kill container: " + container->name(); });
}

Result<void> Runner::pause(const ContainerPtr& container) {
    std::lock_guard operation(container->operation());
    ContainerStatus status = container->status();
    if (status == ContainerStatus::paused)
        return Error(ErrorKind::conflict, "container " + container->id.str() + " is already paused");
    if (status == ContainerStatus::restarting)
        return Error(ErrorKind::conflict, "container " + container->id.str() +
                                              " is restarting, wait until the "
                                              "container is running");
    if (status != ContainerStatus::running) return not_running(*container);
    TRY(core_.runtime.pause(container->id).context([&] { return "cannot pause container " + container->id.str(); }));
    container->update([](ContainerState& state, Volatile&) {
        state.status = next_status(state.status, Step::pause).value_or(state.status);
    });
    core_.save(*container);
    core_.publish(*container, "pause");
    return {};
}

Result<void> Runner::unpause(const ContainerPtr& container) {
    std::lock_guard operation(container->operation());
    if (container->status() != ContainerStatus::paused)
        return Error(ErrorKind::conflict, "container " + container->id.str() + " is not paused");
    TRY(core_.runtime.resume(container->id).context([&] { return "cannot resume container " + container->id.str(); }));
    container->update([](ContainerState& state, Volatile&) {
        state.status = next_status(state.status, Step::resume).value_or(state.status);
    });
    core_.save(*container);
    core_.publish(*container, "unpause");
    return {};
}

} // namespace hull::engine
