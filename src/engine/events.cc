#include "engine/events.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

namespace hull::engine {
namespace {

constexpr size_t kMaxQueued = 65536;

constexpr std::array<std::string_view, 14> kNames = {"config", "container", "daemon", "event",  "image",
                                                     "label",  "network",   "node",   "plugin", "scope",
                                                     "secret", "service",   "type",   "volume"};

std::string_view before_colon(std::string_view text) { return text.substr(0, text.find(':')); }

std::string attribute(const Event& event, const char* name) {
    auto found = event.attributes.find(name);
    return found == event.attributes.end() ? std::string() : found->second;
}

// By the beginning of the id or of the name, as Docker does it.
bool matches_object(const Event& event, const Filters& filters, std::string_view type) {
    return filters.any(type, [&](const std::string& wanted) {
        return event.actor.starts_with(wanted) || attribute(event, "name").starts_with(wanted);
    });
}

bool matches_image(const Event& event, const Filters& filters) {
    return filters.any("image", [&](const std::string& wanted) {
        auto same = [&](const std::string& name) {
            return !name.empty() && (name == wanted || before_colon(name) == wanted || name == wanted + ":latest");
        };
        return (event.type == "image" && (same(event.actor) || same(attribute(event, "name")))) ||
               same(attribute(event, "image"));
    });
}

} // namespace

bool matches(const Event& event, const Filters& filters) {
    if (filters.empty()) return true;
    // exec_create and health_status carry more after a colon; both forms match.
    bool action = filters.any("event", [&](const std::string& wanted) {
        return event.action == wanted || before_colon(event.action) == wanted;
    });
    return action && filters.exact("type", event.type) && filters.exact("scope", "local") &&
           matches_object(event, filters, "container") && matches_object(event, filters, "network") &&
           matches_object(event, filters, "volume") && matches_object(event, filters, "daemon") &&
           matches_image(event, filters) && filters.labels("label", event.attributes) && !filters.has("plugin") &&
           !filters.has("config") && !filters.has("secret") && !filters.has("service") && !filters.has("node");
}

Result<void> EventBus::check(const Filters& filters) { return filters.check_names(kNames); }

void EventBus::publish(Event event) {
    if (event.time.ns == 0) event.time = wall_now();
    auto shared = std::make_shared<const Event>(std::move(event));
    std::lock_guard lock(mutex_);
    ++published_;
    past_.push_back(shared);
    if (past_.size() > replay_) past_.pop_front();
    for (Subscription* subscriber : subscribers_) {
        if (subscriber->ended_ || !matches(*shared, subscriber->filters_)) continue;
        if (subscriber->queue_.size() >= kMaxQueued) {
            subscriber->ended_ = true;
        } else {
            subscriber->queue_.push_back(shared);
        }
        subscriber->changed_.notify_all();
    }
}

uint64_t EventBus::published() const {
    std::lock_guard lock(mutex_);
    return published_;
}

std::unique_ptr<EventBus::Subscription> EventBus::subscribe(Filters filters, std::optional<WallTime> since,
                                                            std::optional<WallTime> until) {
    std::unique_ptr<Subscription> made(new Subscription(*this, std::move(filters), until));
    made->since_ = since;
    std::lock_guard lock(mutex_);
    if (since || until) {
        for (const auto& event : past_) {
            if (since && event->time < *since) continue;
            if (until && event->time > *until) continue;
            if (matches(*event, made->filters_)) made->queue_.push_back(event);
        }
    }
    made->ended_ = closed_;
    made->self_ = subscribers_.insert(subscribers_.end(), made.get());
    return made;
}

EventBus::Subscription::~Subscription() {
    std::lock_guard lock(bus_.mutex_);
    bus_.subscribers_.erase(self_);
}

std::optional<Event> EventBus::Subscription::next(std::stop_token stop) {
    std::unique_lock lock(bus_.mutex_);
    auto ready = [this] { return !queue_.empty() || ended_; };
    for (;;) {
        if (until_) {
            int64_t left = until_->ns - wall_now().ns;
            if (left > 0) changed_.wait_for(lock, stop, std::chrono::nanoseconds(left), ready);
        } else {
            changed_.wait(lock, stop, ready);
        }
        if (queue_.empty()) return std::nullopt; // ended, stopped, or until has passed
        std::shared_ptr<const Event> event = std::move(queue_.front());
        queue_.pop_front();
        if (until_ && event->time > *until_) return std::nullopt;
        if (since_ && event->time < *since_) continue;
        return *event;
    }
}

bool EventBus::Subscription::ready() const {
    std::lock_guard lock(bus_.mutex_);
    return !queue_.empty();
}

int EventBus::subscribers() const {
    std::lock_guard lock(mutex_);
    return static_cast<int>(subscribers_.size());
}

void EventBus::close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (Subscription* subscriber : subscribers_) {
        subscriber->ended_ = true;
        subscriber->changed_.notify_all();
    }
}

} // namespace hull::engine
