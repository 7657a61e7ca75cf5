#include "engine/runner.h"

#include <algorithm>
#include <csignal>

#include "base/log.h"
#include "engine/container_networks.h"

namespace hull::engine {
namespace {

constexpr int64_t kFirstBackoffMs = 100, kMaxBackoffMs = 60'000;
// One that ran this long is taken to have come up well.
constexpr int64_t kGoodRunNs = 10'000'000'000;

bool wants_restart(const model::RestartPolicy& policy, const ContainerState& state, int exit_code) {
    if (policy.name == "always" || policy.name == "unless-stopped") return true;
    if (policy.name != "on-failure" || exit_code == 0) return false;
    return policy.maximum_retry_count == 0 || state.restart_count < policy.maximum_retry_count;
}

} // namespace

void Runner::ended(const ExitRecord& record) {
    ContainerPtr container = core_.registry.by_id(record.container);
    if (!container) {
        // Not on record: an earlier engine was killed before it wrote it down.
        auto cleaned = core_.runtime.cleanup(record.container, core_.options.cgroup_parent);
        if (!cleaned.ok()) log::error("clean up container " + record.container.str(), cleaned.error());
        return;
    }
    bool early = container->update([&](ContainerState& state, Volatile& v) {
        if (state.status != ContainerStatus::starting) return false;
        v.early_exit = record;
        return true;
    });
    if (!early) finish(container, record);
}

void Runner::lost(const ContainerPtr& container) {
    ExitRecord record;
    record.container = container->id;
    auto early = container->update([](ContainerState& state, Volatile& v) {
        // A start under way when the engine was killed: it ran, or it didn't.
        if (state.status == ContainerStatus::starting) state.status = ContainerStatus::running;
        return std::exchange(v.early_exit, std::nullopt);
    });
    if (early) {
        finish(container, *early);
        return;
    }
    record.exit_code = 255;
    record.status_known = false;
    record.finished_at = wall_now();
    record.error = "the container ended while the engine was away; its exit code is not known";
    finish(container, record);
}

void Runner::finish(const ContainerPtr& container, const ExitRecord& record) {
    const ContainerSettings& settings = container->settings();
    struct Outcome {
        bool ended = false, restarts = false;
        int64_t delay_ms = 0, ran_ns = 0;
        uint64_t health_timer = 0;
    };
    Event die = Core::event_of(*container, "die", {{"exitCode", std::to_string(record.exit_code)}});
    Outcome outcome = container->update([&](ContainerState& state, Volatile& v) -> Outcome {
        if (!has_processes(state.status)) return {};
        Outcome out{.ended = true};
        out.ran_ns = state.started_at.ns ? std::max<int64_t>(record.finished_at.ns - state.started_at.ns, 0) : 0;
        out.restarts = !closing_ && !v.restart_cancelled &&
                       wants_restart(settings.host_config.restart_policy, state, record.exit_code);
        if (out.restarts) {
            bool grows = v.backoff_ms != 0 && out.ran_ns < kGoodRunNs;
            v.backoff_ms = grows ? std::min(v.backoff_ms * 2, kMaxBackoffMs) : kFirstBackoffMs;
            out.delay_ms = v.backoff_ms;
        }
        state.status = next_status(state.status, out.restarts ? Step::ended_restarts : Step::ended)
                           .value_or(ContainerStatus::exited);
        state.pid = 0;
        state.exit_code = record.exit_code;
        state.oom_killed = state.oom_killed || record.oom_killed;
        state.finished_at = record.finished_at.ns ? record.finished_at : wall_now();
        state.error = record.status_known ? std::string() : record.error;
        state.endpoints.clear();
        state.ports.clear();
        HeldSandbox held{.ids = {}, .endpoint = std::exchange(state.endpoint, std::nullopt)};
        const model::HostConfig& host = settings.host_config;
        bool joined = !joined_container(host.network_mode).empty() || !joined_container(host.pid_mode).empty() ||
                      !joined_container(host.ipc_mode).empty();
        if (!joined) held.ids = {.first = state.id_first, .count = state.id_count};
        state.id_first = state.id_count = 0;
        v.to_clean = std::move(held);
        out.health_timer = std::exchange(v.health_timer, 0);
        ++v.health_run;
        v.execs.clear();
        ++v.ends;
        v.last_exit = record.exit_code;
        // Before anybody can see that it ended, and remove it.
        die.attributes["execDuration"] = std::to_string(out.ran_ns / 1'000'000'000);
        core_.events.publish(std::move(die));
        return out;
    });
    if (!outcome.ended) return;
    core_.scheduler.cancel(outcome.health_timer);
    if (on_ended) on_ended(container);
    // One that is about to be removed needs no record of its end: after a crash
    // it is removed all the same.
    if (!settings.host_config.auto_remove) core_.save(*container);
    auto rest = [this, container, outcome] { after_end(container, outcome.restarts, outcome.delay_ms); };
    if (!core_.workers.submit(rest)) rest();
}

void Runner::after_end(const ContainerPtr& container, bool restarts, int64_t delay_ms) {
    std::lock_guard operation(container->operation());
    clean_up(container);
    if (restarts) {
        container->update([&](ContainerState& state, Volatile& v) {
            if (state.status != ContainerStatus::restarting || v.restart_cancelled) return;
            v.restart_timer = core_.scheduler.after(delay_ms, [this, container] { restart_now(container); });
        });
        return;
    }
    bool remove = container->settings().host_config.auto_remove &&
                  container->look([](const ContainerState& state, const Volatile& v) {
                      return state.status == ContainerStatus::exited && !v.removed && !v.keep;
                  });
    if (!remove) return;
    auto removed = remove_held(container, true);
    if (!removed.ok()) log::error("remove container " + container->id.str(), removed.error());
}

void Runner::restart_now(const ContainerPtr& container) {
    if (closing_) return;
    std::lock_guard operation(container->operation());
    bool still = container->look([](const ContainerState& state, const Volatile& v) {
        return state.status == ContainerStatus::restarting && !v.restart_cancelled && !v.removed;
    });
    if (!still) return;
    auto started = start_held(container, StartedBy::policy);
    if (!started.ok()) log::error("restart container " + container->id.str(), started.error());
}

void Runner::start_by_policy(const ContainerPtr& container) {
    bool begin = container->update([](ContainerState& state, Volatile& v) {
        if (state.status != ContainerStatus::exited && state.status != ContainerStatus::restarting) return false;
        state.status = ContainerStatus::restarting;
        v.restart_cancelled = false;
        return true;
    });
    if (begin) core_.scheduler.after(0, [this, container] { restart_now(container); });
}

void Runner::clean_up(const ContainerPtr& container) {
    auto held = container->update([](ContainerState&, Volatile& v) { return std::exchange(v.to_clean, std::nullopt); });
    if (!held) return;
    auto cleaned = core_.runtime.cleanup(container->id, cgroup_parent(*container, core_.options));
    if (!cleaned.ok()) log::error("clean up container " + container->id.str(), cleaned.error());
    auto endpoints = core_.networks->leave(container->id.str());
    core_.sandboxes.release(*held);
    core_.volumes->unmount(container->settings().mounts, container->id.str());
    for (const EndpointRecord& endpoint : endpoints) publish_network(core_, *container, endpoint, "disconnect");
}

} // namespace hull::engine
