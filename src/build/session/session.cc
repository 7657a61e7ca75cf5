#include "build/session/session.h"

#include <chrono>

namespace hull::build {

namespace {

constexpr size_t most_sessions = 1000;
constexpr auto patience = std::chrono::seconds(5);

} // namespace

Result<void> Sessions::add(std::shared_ptr<const Session> session) {
    if (session->id.empty() || session->id.size() > 256) return invalid("a session needs an id");
    {
        std::lock_guard lock(state_->mutex);
        if (state_->sessions.size() >= most_sessions) return Error(ErrorKind::too_large, "too many sessions");
        if (!state_->sessions.emplace(session->id, session).second)
            return Error(ErrorKind::conflict, "session " + session->id + " exists already");
        state_->changed.notify_all();
    }
    session->connection->on_closed([state = std::weak_ptr(state_), id = session->id] {
        auto there = state.lock();
        if (!there) return;
        std::shared_ptr<const Session> gone;
        std::lock_guard lock(there->mutex);
        auto it = there->sessions.find(id);
        if (it == there->sessions.end()) return;
        gone = std::move(it->second);
        there->sessions.erase(it);
    });
    return {};
}

Result<std::shared_ptr<const Session>> Sessions::get(const std::string& id, const std::stop_token& stop) {
    std::unique_lock lock(state_->mutex);
    bool there = state_->changed.wait_for(lock, stop, patience, [&] { return state_->sessions.contains(id); });
    if (!there) return Error(ErrorKind::not_found, "no active session for ID: " + id);
    return state_->sessions.at(id);
}

void Sessions::close() {
    std::map<std::string, std::shared_ptr<const Session>> all;
    std::lock_guard lock(state_->mutex);
    all.swap(state_->sessions);
}

} // namespace hull::build
