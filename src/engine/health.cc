#include "engine/health.h"

#include <algorithm>

namespace hull::engine {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kDefaultIntervalNs = 30 * kSecondNs, kDefaultTimeoutNs = 30 * kSecondNs,
                  kDefaultStartIntervalNs = 5 * kSecondNs;
constexpr int kDefaultRetries = 3;
constexpr size_t kMaxOutput = 4096, kMaxLog = 5;

int64_t value_or(int64_t value, int64_t fallback) { return value > 0 ? value : fallback; }

std::vector<std::string> command(const ContainerSettings& settings) {
    const model::Healthcheck& check = *settings.config.healthcheck;
    if (check.test[0] != "CMD-SHELL") return {check.test.begin() + 1, check.test.end()};
    std::vector<std::string> words = {"/bin/sh", "-c"};
    if (settings.config.shell && !settings.config.shell->empty()) words = *settings.config.shell;
    words.insert(words.end(), check.test.begin() + 1, check.test.end());
    return words;
}

// As Go prints a duration: "200ms", "30s", "1m30s".
std::string duration_text(int64_t ns) {
    constexpr int64_t kMillisecondNs = 1'000'000;
    auto decimals = [](int64_t value, int64_t unit, const char* name) {
        std::string fraction = std::to_string(unit + value % unit).substr(1);
        fraction.erase(fraction.find_last_not_of('0') + 1);
        return std::to_string(value / unit) + (fraction.empty() ? "" : "." + fraction) + name;
    };
    if (ns < kSecondNs) return decimals(ns, kMillisecondNs, "ms");
    int64_t minutes = ns / kSecondNs / 60;
    std::string text;
    if (minutes >= 60) text = std::to_string(minutes / 60) + "h";
    if (minutes > 0) text += std::to_string(minutes % 60) + "m";
    return text + decimals(ns % (60 * kSecondNs), kSecondNs, "s");
}

// Still in the grace time, and not yet healthy once.
bool in_start_period(const ContainerSettings& settings, const ContainerState& state, const HealthView& health) {
    return health.status == HealthStatus::starting &&
           wall_now().ns - state.started_at.ns < settings.config.healthcheck->start_period;
}

} // namespace

bool has_health_check(const ContainerSettings& settings) {
    const auto& check = settings.config.healthcheck;
    return check && check->test.size() > 1 && check->test[0] != "NONE";
}

void HealthMonitor::begin(const ContainerPtr& container) {
    if (!has_health_check(container->settings())) return;
    unsigned run = container->update([](ContainerState&, Volatile& v) {
        v.health = HealthView{.status = HealthStatus::starting, .failing_streak = 0, .log = {}};
        return v.health_run;
    });
    schedule(container, run);
}

void HealthMonitor::schedule(const ContainerPtr& container, unsigned run) {
    const ContainerSettings& settings = container->settings();
    const model::Healthcheck& check = *settings.config.healthcheck;
    container->update([&](ContainerState& state, Volatile& v) {
        if (v.health_run != run || !has_processes(state.status) || !v.health) return;
        int64_t delay = value_or(check.interval, kDefaultIntervalNs);
        if (in_start_period(settings, state, *v.health))
            delay = std::min(delay, value_or(check.start_interval, kDefaultStartIntervalNs));
        v.health_timer = core_.scheduler.after(delay / 1'000'000, [this, container, run] { probe(container, run); });
    });
}

void HealthMonitor::probe(const ContainerPtr& container, unsigned run) {
    auto state = container->look(
        [](const ContainerState& state, const Volatile& v) { return std::pair(state.status, v.health_run); });
    if (state.second != run) return;
    // Paused: asked again later.
    if (state.first == ContainerStatus::running) {
        HealthProbe result = run_probe(container);
        ++core_.health_checks;
        core_.health_failures += result.exit_code != 0;
        take(container, run, std::move(result));
    }
    schedule(container, run);
}

HealthProbe HealthMonitor::run_probe(const ContainerPtr& container) {
    int64_t timeout = value_or(container->settings().config.healthcheck->timeout, kDefaultTimeoutNs);
    HealthProbe probe;
    probe.start = wall_now();
    ExecConfig config;
    config.cmd = command(container->settings());
    config.attach_stdout = config.attach_stderr = true;
    auto ran = execs_.run_to_end(container->id, std::move(config), timeout, kMaxOutput);
    probe.end = wall_now();
    if (!ran.ok()) {
        probe.exit_code = -1;
        probe.output = ran.error().message();
        if (ran.error().kind() == ErrorKind::timed_out)
            probe.output = "Health check exceeded timeout (" + duration_text(timeout) + ")";
        return probe;
    }
    probe.exit_code = ran->exit_code;
    probe.output = std::move(ran->output);
    return probe;
}

void HealthMonitor::take(const ContainerPtr& container, unsigned run, HealthProbe probe) {
    const ContainerSettings& settings = container->settings();
    int retries = settings.config.healthcheck->retries > 0 ? settings.config.healthcheck->retries : kDefaultRetries;
    auto changed = container->update([&](ContainerState& state, Volatile& v) -> std::optional<HealthStatus> {
        if (v.health_run != run || !v.health) return std::nullopt;
        HealthView& health = *v.health;
        HealthStatus before = health.status;
        if (probe.exit_code == 0) {
            health.failing_streak = 0;
            health.status = HealthStatus::healthy;
        } else if (!in_start_period(settings, state, health)) {
            if (++health.failing_streak >= retries) health.status = HealthStatus::unhealthy;
        }
        health.log.push_back(std::move(probe));
        if (health.log.size() > kMaxLog) health.log.erase(health.log.begin());
        return health.status == before ? std::nullopt : std::optional(health.status);
    });
    if (changed) core_.publish(*container, std::string("health_status: ") + health_name(*changed));
}

} // namespace hull::engine
