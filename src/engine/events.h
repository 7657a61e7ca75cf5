// The event bus: what happened, to whom, with which attributes, in Docker's
// words. publish() never blocks on a slow subscriber; none is dropped for one
// that reads (each has its own unbounded-by-time, bounded-by-count queue: a
// subscriber that falls more than 65,536 events behind is ended).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "engine/filters.h"

namespace hull::engine {

struct Event {
    std::string type;   // container image network volume daemon builder
    std::string action; // create start die ... "exec_create: ls -l", "health_status: healthy"
    std::string actor;  // id
    std::map<std::string, std::string> attributes;
    WallTime time;

    // The legacy members: status (type container or image only), id, from.
    bool has_legacy_members() const { return type == "container" || type == "image"; }
};

// Filters of events: type event container image network volume daemon label scope...
// Precondition: the names were checked (EventBus::check).
bool matches(const Event& event, const Filters& filters);

class EventBus {
public:
    explicit EventBus(size_t replay = 1024) : replay_(replay) {}

    // Sets event.time when it is 0.
    void publish(Event event);

    // Errors: invalid_argument for filters that events don't know.
    static Result<void> check(const Filters& filters);

    class Subscription {
    public:
        ~Subscription();
        Subscription(Subscription&&) = delete;
        // The next event that matches. nullopt: until has passed, stop was
        // requested, or the bus is closed.
        std::optional<Event> next(std::stop_token stop);
        // An event is waiting: next() will return at once (write more before you flush).
        bool ready() const;

    private:
        friend class EventBus;
        Subscription(EventBus& bus, Filters filters, std::optional<WallTime> until)
            : bus_(bus), filters_(std::move(filters)), until_(until) {}
        EventBus& bus_;
        Filters filters_;
        std::optional<WallTime> since_, until_;
        std::deque<std::shared_ptr<const Event>> queue_; // under bus_.mutex_
        std::condition_variable_any changed_;
        bool ended_ = false;
        std::list<Subscription*>::iterator self_;
    };

    // since: replays what is still known from then on, and may lie in the
    // future; until: ends the subscription, may lie in the past (replay only).
    std::unique_ptr<Subscription> subscribe(Filters filters, std::optional<WallTime> since,
                                            std::optional<WallTime> until);

    int subscribers() const;
    uint64_t published() const; // since the start
    // Ends all subscriptions, for ever.
    void close();

private:
    size_t replay_;
    mutable std::mutex mutex_;
    std::deque<std::shared_ptr<const Event>> past_;
    std::list<Subscription*> subscribers_;
    bool closed_ = false;
    uint64_t published_ = 0;
};

} // namespace hull::engine
