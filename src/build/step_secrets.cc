#include "build/step_secrets.h"

#include <array>
#include <list>

#include <fcntl.h>

#include "base/log.h"
#include "base/random.h"
#include "sys/file.h"
#include "sys/poll.h"
#include "sys/ready.h"
#include "sys/socket.h"
#include "sys/stream_socket.h"
#include "sys/tree.h"

namespace hull::build {

namespace {

constexpr size_t most_agent_connections = 64;

// Until stop: each connection is a call of the client's.
void serve_agent(BuildClient& client, const std::string& id, UniqueFd listener, UniqueFd wake, std::stop_token stop) {
    std::stop_callback on_stop(stop, [&] { sys::raise_eventfd(wake); });
    std::list<std::jthread> connections;
    while (!stop.stop_requested()) {
        std::array ready{sys::Readiness{listener.borrow()}, sys::Readiness{wake.borrow()}};
        if (!sys::wait_ready(ready).ok() || !ready[0].ready) continue;
        auto socket = sys::accept(listener);
        if (!socket.ok() || connections.size() == most_agent_connections) continue;
        connections.emplace_back([&client, id, stop, socket = std::move(*socket)]() mutable {
            auto done = client.forward_agent(id, std::move(socket), stop);
            if (!done.ok() && !stop.stop_requested()) log::debug("ssh agent: " + done.error().message());
        });
    }
}

} // namespace

StepSecrets::~StepSecrets() {
    stop_.request_stop();
    listeners_.clear();
    if (own_.empty()) return;
    if (auto gone = sys::remove_tree(own_); !gone.ok()) log::error("remove a build's secrets", gone.error());
}

Result<std::string> StepSecrets::place() {
    if (own_.empty()) {
        std::string path = folder_ + "/" + random_hex(16);
        TRY(sys::mkdir(path, 0700).context("make a folder for secrets"));
        own_ = std::move(path);
    }
    return own_ + "/" + std::to_string(count_++);
}

Result<std::string> StepSecrets::file(std::string_view content, const Settings& settings) {
    std::string path = TRY(place());
    UniqueFd file = TRY(sys::open(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
    TRY(sys::write_all(file, content));
    TRY(sys::change_owner(file, settings.uid, settings.gid));
    TRY(sys::change_mode(file, settings.mode));
    return path;
}

Result<std::string> StepSecrets::agent(const std::string& id, const Settings& settings) {
    std::string path = TRY(place());
    UniqueFd listener = TRY(sys::listen_unix(path, sys::SocketType::stream, 0600));
    UniqueFd folder = TRY(sys::open(own_, O_RDONLY | O_DIRECTORY));
    std::string name = path.substr(own_.size() + 1);
    TRY(sys::change_owner_at(folder, name, settings.uid, settings.gid));
    TRY(sys::change_mode_at(folder, name, settings.mode));
    UniqueFd wake = TRY(sys::make_eventfd());
    listeners_.emplace_back(
        [client = client_, id, listener = std::move(listener), wake = std::move(wake),
         stop = stop_.get_token()]() mutable { serve_agent(*client, id, std::move(listener), std::move(wake), stop); });
    return path;
}

} // namespace hull::build
