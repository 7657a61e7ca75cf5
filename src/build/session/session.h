// A client that builds: behind POST /session it serves calls, and the engine
// makes them: its files, secrets, credentials. Source: BuildKit, session/.
//
// Lifecycle: a client opens its session and then asks for a build with its id,
// or the other way round, so a build waits a moment for it. The session ends with
// the client's connection; calls under way fail then. Thread-safe.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "rpc/connection.h"

namespace hull::build {

struct Session {
    std::string id;
    std::string shared_key;        // of the folder that it sends; empty: not said
    std::set<std::string> methods; // "/moby.filesync.v1.FileSync/DiffCopy"
    std::shared_ptr<rpc::Connection> connection;

    bool offers(const std::string& method) const { return methods.contains(method); }
};

class Sessions {
public:
    // Until its connection ends. Errors: conflict (the id is taken),
    // invalid_argument (no id), too_large (too many).
    Result<void> add(std::shared_ptr<const Session> session);
    // Waits a few seconds for it. Errors: not_found "no active session for ID: ...".
    Result<std::shared_ptr<const Session>> get(const std::string& id, const std::stop_token& stop);
    // Ends them all: the engine stops.
    void close();

private:
    struct State {
        std::mutex mutex;
        std::condition_variable_any changed;
        std::map<std::string, std::shared_ptr<const Session>> sessions;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

} // namespace hull::build
