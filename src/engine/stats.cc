#include "engine/service.h"

namespace hull::engine {
namespace {

constexpr std::chrono::seconds kInterval{1};

class Sampler : public StatsSampler {
public:
    Sampler(RuntimePort& runtime, ContainerPtr container) : runtime_(runtime), container_(std::move(container)) {}

    Result<std::optional<StatsView>> next(std::stop_token stop) override {
        if (begun_ && !sleep(std::move(stop))) return std::optional<StatsView>();
        begun_ = true;
        if (container_->look([](const auto&, const Volatile& v) { return v.removed; }))
            return std::optional<StatsView>();
        StatsView view;
        view.id = container_->id;
        view.name = container_->name();
        auto usage = has_processes(container_->status()) ? runtime_.usage(container_->id)
                                                         : Result<ResourceUsage>(Error(ErrorKind::conflict, ""));
        // It may end at any moment: then there is nothing to measure.
        if (!usage.ok()) {
            bool over = !has_processes(container_->status()) || usage.error().kind() == ErrorKind::conflict ||
                        usage.error().kind() == ErrorKind::not_found;
            if (!over) return std::move(usage).error();
            previous_.reset();
            return std::optional(std::move(view));
        }
        view.running = true;
        view.usage = std::move(*usage);
        view.previous = std::exchange(previous_, view.usage);
        return std::optional(std::move(view));
    }

private:
    // False: stop was requested.
    bool sleep(std::stop_token stop) const {
        std::mutex mutex;
        std::condition_variable_any wake;
        std::unique_lock lock(mutex);
        wake.wait_for(lock, stop, kInterval, [&] { return stop.stop_requested(); });
        return !stop.stop_requested();
    }

    RuntimePort& runtime_;
    ContainerPtr container_;
    bool begun_ = false;
    std::optional<ResourceUsage> previous_;
};

} // namespace

Result<std::unique_ptr<StatsSampler>> ContainersService::stats(const std::string& name) {
    ContainerPtr container = TRY(core_.registry.find(name));
    return std::unique_ptr<StatsSampler>(std::make_unique<Sampler>(core_.runtime, std::move(container)));
}

} // namespace hull::engine
