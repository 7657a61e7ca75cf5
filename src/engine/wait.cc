#include "engine/service.h"

namespace hull::engine {
namespace {

class ContainerWaiter : public Waiter {
public:
    ContainerWaiter(ContainerPtr container, WaitCondition condition)
        : container_(std::move(container)), condition_(condition) {
        ends_ = container_->look([](const ContainerState&, const Volatile& v) { return v.ends; });
    }

    std::optional<WaitResult> get(std::stop_token stop) override {
        bool done = container_->wait(std::move(stop), [this](const ContainerState& state, const Volatile& v) {
            switch (condition_) {
            // One that is started again at once has ended all the same.
            case WaitCondition::not_running: return v.removed || !is_active(state.status) || v.ends > ends_;
            case WaitCondition::next_exit: return v.removed || v.ends > ends_;
            case WaitCondition::removed: return v.removed;
            }
            return true;
        });
        if (!done) return std::nullopt;
        auto [state, last] = container_->look([this](const ContainerState& now, const Volatile& v) {
            return std::pair(now, v.ends > ends_ ? v.last_exit : std::nullopt);
        });
        // Why it couldn't be started, or why its end isn't known; who waits for
        // the removal hears of that only, as from Docker.
        if (condition_ == WaitCondition::removed) state.error.clear();
        return WaitResult{.exit_code = last.value_or(state.exit_code), .error = state.error};
    }

private:
    ContainerPtr container_;
    WaitCondition condition_;
    uint64_t ends_ = 0;
};

} // namespace

Result<WaitCondition> parse_wait_condition(std::string_view text) {
    if (text.empty() || text == "not-running") return WaitCondition::not_running;
    if (text == "next-exit") return WaitCondition::next_exit;
    if (text == "removed") return WaitCondition::removed;
    return Error(ErrorKind::invalid_argument, "invalid condition: \"" + std::string(text) + "\"");
}

Result<std::unique_ptr<Waiter>> ContainersService::wait(const std::string& name, WaitCondition condition) {
    ContainerPtr container = TRY(core_.registry.find(name));
    return std::unique_ptr<Waiter>(std::make_unique<ContainerWaiter>(std::move(container), condition));
}

} // namespace hull::engine
