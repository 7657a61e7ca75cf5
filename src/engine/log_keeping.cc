#include "engine/log_keeping.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>
#include <vector>

#include "base/log.h"
#include "engine/service.h"

namespace hull::engine {
namespace {

constexpr const char* kPositionFile = "log-position";
constexpr int64_t kSaveIntervalNs = 1'000'000'000;
constexpr int64_t kMaxRetryWaitMs = 5000, kCompressMs = 3000;
constexpr std::chrono::seconds kLastLines{5};

// Lines may share a time: how many with the last one's were sent.
struct Position {
    int64_t time = 0, count = 0;
};

Position parse_position(const std::string& text) {
    Position position;
    const char* end = text.data() + text.size();
    auto first = std::from_chars(text.data(), end, position.time);
    if (first.ec == std::errc() && first.ptr != end) std::from_chars(first.ptr + 1, end, position.count);
    return position;
}

class Sender : public LogConsumer {
public:
    Sender(Core& core, const Container& container, logs::Target& target, std::stop_token stop)
        : core_(core), container_(container), target_(target), stop_(std::move(stop)) {
        auto text = core.host.read_file(core.dirs->path(container.id) + "/" + kPositionFile, 256);
        if (text.ok()) position_ = parse_position(*text);
        skip_ = position_;
    }
    ~Sender() override { save(); }

    WallTime since() const { return {skip_.time}; }

    bool line(const LogLine& line) override {
        if (line.time.ns == skip_.time && skip_.count > 0) {
            --skip_.count;
            return true;
        }
        logs::Line out{.is_stderr = line.is_stderr, .partial = true, .time = line.time, .text = line.text};
        if (out.text.ends_with('\n')) {
            out.partial = false;
            out.text.remove_suffix(1);
        }
        if (!send(out)) return false;
        if (position_.time != line.time.ns) position_ = {.time = line.time.ns, .count = 0};
        ++position_.count;
        changed_ = true;
        if (monotonic_ns() - saved_at_ > kSaveIntervalNs) save();
        return true;
    }

    bool flush() override {
        if (monotonic_ns() - saved_at_ > kSaveIntervalNs) save();
        return !stop_.stop_requested();
    }

private:
    // False: stopped, the line wasn't sent.
    bool send(const logs::Line& line) {
        int64_t wait_ms = target_.retry_wait_ms;
        for (int64_t tries = 0;; ++tries) {
            auto sent = target_.send(line);
            if (sent.ok()) {
                failing_ = false;
                return true;
            }
            if (!std::exchange(failing_, true))
                log::warning("send the log of container " + container_.id.str(), sent.error());
            if (target_.max_retries >= 0 && tries >= target_.max_retries) return true;
            if (!sleep(wait_ms)) return false;
            wait_ms = std::min(wait_ms * 2, kMaxRetryWaitMs);
        }
    }

    // False: stopped.
    bool sleep(int64_t ms) {
        std::unique_lock lock(mutex_);
        std::condition_variable_any never;
        return !never.wait_for(lock, stop_, std::chrono::milliseconds(ms), [this] { return stop_.stop_requested(); });
    }

    void save() {
        saved_at_ = monotonic_ns();
        if (!std::exchange(changed_, false)) return;
        std::string text = std::to_string(position_.time) + " " + std::to_string(position_.count);
        (void)core_.dirs->write_file(container_.id, kPositionFile, text); // the folder may be gone
    }

    Core& core_;
    const Container& container_;
    logs::Target& target_;
    std::stop_token stop_;
    std::mutex mutex_;
    Position position_, skip_;
    int64_t saved_at_ = 0;
    bool changed_ = false, failing_ = false;
};

Error driver_error(const Error& error) {
    // Not of the API's own kinds: Docker answers 500.
    return {ErrorKind::system, "failed to initialize logging driver: " + error.message()};
}

} // namespace

Result<void> LogKeeping::prepare(const Container& container, const LogSettings& settings) {
    if (settings.target.driver.empty()) return {};
    auto target = logs::make_target(settings.target);
    if (!target.ok()) return driver_error(target.error());
    if (!(*target)->starts_unconnected)
        if (auto connected = (*target)->connect(); !connected.ok()) return driver_error(connected.error());
    std::lock_guard lock(mutex_);
    JobPtr& job = jobs_[container.id.str()];
    if (job && job->running) return {}; // a restart: it goes on with the connection it has
    job = std::make_shared<Job>();
    job->target = std::move(*target);
    return {};
}

void LogKeeping::begin(const ContainerPtr& container) {
    auto settings = log_settings(container->settings());
    if (!settings.ok() || !settings->enabled) return;
    if (settings->compress) watch_for_rotation(container);
    if (settings->target.driver.empty()) return;
    std::lock_guard lock(mutex_);
    if (closed_) return;
    JobPtr& job = jobs_[container->id.str()];
    if (job && job->running) {
        job->again = true;
        return;
    }
    if (!job) job = std::make_shared<Job>();
    if (!job->target) {
        // One that was adopted: its collector may come back later.
        auto target = logs::make_target(settings->target);
        if (!target.ok()) return;
        job->target = std::move(*target);
    }
    job->container = container;
    job->running = true;
    std::thread([this, job] { run(job); }).detach(); // close() waits for it
}

void LogKeeping::run(const JobPtr& job) {
    for (;;) {
        auto shipped = ship(*job);
        if (!shipped.ok()) log::error("read the log of container " + job->container->id.str(), shipped.error());
        std::lock_guard lock(mutex_);
        if (std::exchange(job->again, false) && !job->stop.stop_requested()) continue;
        job->running = false;
        auto mine = jobs_.find(job->container->id.str());
        if (mine != jobs_.end() && mine->second == job) jobs_.erase(mine);
        ended_.notify_all();
        return;
    }
}

Result<void> LogKeeping::ship(Job& job) {
    std::stop_token stop = job.stop.get_token();
    Sender sender(core_, *job.container, *job.target, stop);
    LogOptions options{.stdout_ = true, .stderr_ = true, .follow = true, .since = sender.since()};
    auto settings = TRY(log_settings(job.container->settings()));
    auto stream = make_log_stream(core_, job.container, options, settings);
    return stream->run(sender, stop);
}

void LogKeeping::finish(const ContainerId& id) {
    std::unique_lock lock(mutex_);
    auto found = jobs_.find(id.str());
    if (found == jobs_.end()) return;
    JobPtr job = found->second;
    auto ended = [&] { return !job->running; };
    if (!ended_.wait_for(lock, kLastLines, ended)) {
        job->stop.request_stop();
        ended_.wait(lock, ended);
    }
    jobs_.erase(id.str());
}

void LogKeeping::close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    compressed_.clear();
    for (auto& [id, job] : jobs_) job->stop.request_stop();
    ended_.wait(
        lock, [this] { return std::ranges::none_of(jobs_, [](const auto& entry) { return entry.second->running; }); });
}

void LogKeeping::watch_for_rotation(const ContainerPtr& container) {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    compressed_.insert(container);
    if (std::exchange(ticking_, true)) return;
    core_.scheduler.after(kCompressMs, [this] { compress(); });
}

void LogKeeping::compress() {
    std::vector<ContainerPtr> containers;
    {
        std::lock_guard lock(mutex_);
        containers.assign(compressed_.begin(), compressed_.end());
    }
    for (const ContainerPtr& container : containers) {
        // Asked before: what ends meanwhile is looked at once more.
        bool over = !is_active(container->status());
        auto settings = log_settings(container->settings());
        std::string path = core_.dirs->path(container->id) + "/" + container->id.str() + "-json.log";
        auto done = settings.ok() ? core_.host.compress_rotated(path, settings->max_files) : Result<void>();
        if (!done.ok() && done.error().kind() != ErrorKind::not_found && done.error().kind() != ErrorKind::conflict)
            log::warning("compress the log of container " + container->id.str(), done.error());
        std::lock_guard lock(mutex_);
        if (over) compressed_.erase(container);
    }
    std::lock_guard lock(mutex_);
    ticking_ = !compressed_.empty() && !closed_;
    if (ticking_) core_.scheduler.after(kCompressMs, [this] { compress(); });
}

} // namespace hull::engine
