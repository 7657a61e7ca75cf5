#include "engine/json_line.h"
#include "engine/log_files.h"
#include "engine/log_settings.h"
#include "engine/service.h"

namespace hull::engine {
namespace {

constexpr int kPollMs = 100;

class JsonFileStream : public LogStream {
public:
    JsonFileStream(Core& core, ContainerPtr container, LogOptions options, unsigned max_files)
        : core_(core), container_(std::move(container)), options_(options),
          files_(core.host, core.dirs->path(container_->id) + "/" + container_->id.str() + "-json.log", max_files) {
        tty = container_->settings().config.tty;
        // One that isn't running has said all it will say.
        options_.follow =
            options_.follow && is_active(container_->status()) && container_->status() != ContainerStatus::restarting;
        ends_ = ends();
    }

    Result<void> run(LogConsumer& consumer, std::stop_token stop) override {
        wait_for_the_first_words();
        TRY(files_.open(options_.tail.value_or(-1)));
        for (;;) {
            // Asked before reading: what comes after its end was said before.
            // With the first end: who wants what is said after a restart asks again.
            bool over = !is_active(container_->status()) || ends() != ends_;
            switch (TRY(drain(consumer, stop))) {
            case Outcome::stop: return {};
            case Outcome::more: break;
            }
            if (!options_.follow || over || stop.stop_requested()) {
                (void)consumer.flush();
                return {};
            }
            if (!consumer.flush()) return {};
            wait();
            if (options_.until && wall_now() > *options_.until) options_.follow = false;
        }
    }

private:
    enum class Outcome : unsigned char { more, stop };

    // Who starts a container and asks for its log at once expects what it says at once.
    void wait_for_the_first_words() const {
        constexpr int64_t moment_ns = 100'000'000;
        if (options_.follow || !is_active(container_->status())) return;
        const int64_t left = container_->state().started_at.ns + moment_ns - wall_now().ns;
        if (left <= 0 || left > moment_ns) return;
        container_->wait_for(std::chrono::nanoseconds(left), [&](const ContainerState& state, const Volatile& v) {
            return v.removed || !is_active(state.status) || v.ends != ends_;
        });
    }

    uint64_t ends() const {
        return container_->look([](const ContainerState&, const Volatile& v) { return v.ends; });
    }

    // All lines that are there.
    Result<Outcome> drain(LogConsumer& consumer, const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            auto line = TRY(files_.next());
            if (!line) return Outcome::more;
            if (!parse_json_line(*line, line_)) continue; // cut off by a crash
            if (options_.since && line_.time < *options_.since) continue;
            if (options_.until && line_.time > *options_.until) {
                (void)consumer.flush();
                return Outcome::stop;
            }
            if (line_.is_stderr ? !options_.stderr_ : !options_.stdout_) continue;
            LogLine out{
                .is_stderr = line_.is_stderr, .time = line_.time, .text = line_.text, .attributes = line_.attributes};
            if (!consumer.line(out)) return Outcome::stop;
        }
        return Outcome::more;
    }

    void wait() {
        // A rotated log is a new file; a watch follows the file, not the name.
        auto identity = core_.host.open(files_.path());
        if (identity.ok() && (!watch_ || !((*identity)->identity() == watched_))) {
            auto watch = core_.host.watch(files_.path());
            watch_ = watch.ok() ? std::move(*watch) : nullptr;
            watched_ = (*identity)->identity();
            return; // what was written before the watch began
        }
        if (watch_) {
            (void)watch_->wait(kPollMs);
        } else {
            container_->wait_for(std::chrono::milliseconds(kPollMs),
                                 [](const ContainerState& state, const Volatile&) { return !is_active(state.status); });
        }
    }

    Core& core_;
    ContainerPtr container_;
    LogOptions options_;
    LogFiles files_;
    JsonLine line_;
    std::unique_ptr<FileWatch> watch_;
    FileIdentity watched_;
    uint64_t ends_ = 0; // how often it had ended at the beginning
};

} // namespace

std::unique_ptr<LogStream> make_log_stream(Core& core, ContainerPtr container, const LogOptions& options,
                                           const LogSettings& settings) {
    return std::make_unique<JsonFileStream>(core, std::move(container), options, settings.max_files);
}

Result<std::unique_ptr<LogStream>> ContainersService::logs(const std::string& name, const LogOptions& options) {
    ContainerPtr container = TRY(core_.registry.find(name));
    if (!options.stdout_ && !options.stderr_)
        return Error(ErrorKind::invalid_argument, "Bad parameters: you must choose at least one stream");
    LogSettings settings = TRY(log_settings(container->settings()));
    if (!settings.readable) return Error(ErrorKind::unsupported, "configured logging driver does not support reading");
    if (options.since && options.until && *options.until < *options.since)
        return Error(ErrorKind::invalid_argument, "invalid value for \"until\": it is before \"since\"");
    return make_log_stream(core_, std::move(container), options, settings);
}

} // namespace hull::engine
