// A session as the client of a build.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "build/client.h"
#include "build/session/session.h"

namespace hull::build {

// Folders that clients sent, by what tells them apart, so that what didn't change
// is not sent again. The least used go first. Thread-safe.
class KnownFolders {
public:
    std::shared_ptr<const Context> find(const std::string& key);
    void keep(const std::string& key, std::shared_ptr<const Context> context);
    void forget_all();
    uint64_t bytes() const;

private:
    mutable std::mutex mutex_;
    std::list<std::pair<std::string, std::shared_ptr<const Context>>> folders_; // the last used first
};

// known outlives it. folder: for spool files.
std::unique_ptr<BuildClient> make_session_client(std::shared_ptr<const Session> session, KnownFolders& known,
                                                 std::string folder);

} // namespace hull::build
