// What an engine may ask of us while it builds for us: files of folders, secrets,
// ssh agents, credentials; and where it puts what it made. Behind POST /session,
// in BuildKit's protocol (docs/formats/buildkit.md).
//
// Lifecycle: fill ClientOffers -> open() -> the build, with id() -> away.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "apps/hull/building/values.h"
#include "apps/hull/cli/session.h"
#include "codec/stream.h"
#include "rpc/connection.h"

namespace hull::cli {

struct ClientOffers {
    std::map<std::string, std::string> folders; // by the names that the engine calls them: "context", "dockerfile"
    std::vector<BuildSecret> secrets;
    std::vector<BuildAgent> agents;
    // Takes what is built: an archive. Called once at most; empty: nothing comes here. Errors are the build's.
    std::function<Result<void>(ByteSource&)> take_archive;
    std::string shared_key;    // of the folder: what was sent before needn't be sent again
    std::string config_folder; // where credentials are
};

class ClientSession {
public:
    // offers outlives it. Errors: what the engine says (one without BuildKit's protocol).
    static Result<std::unique_ptr<ClientSession>> open(Engine& engine, const ClientOffers& offers);
    ~ClientSession();
    ClientSession(const ClientSession&) = delete;
    ClientSession& operator=(const ClientSession&) = delete;
    const std::string& id() const { return id_; }

private:
    explicit ClientSession(const ClientOffers& offers);
    void serve(const rpc::CallPtr& call);
    Result<void> route(rpc::Call& call);
    Result<void> send_files(rpc::Call& call);
    Result<void> take_archive(rpc::Call& call);
    Result<std::string> secret(std::string_view request) const;
    Result<std::string> credentials(std::string_view request) const;
    Result<const BuildAgent*> agent(const std::string& id) const;
    Result<void> forward(rpc::Call& call) const;

    const ClientOffers& offers_;
    std::string id_;
    std::mutex mutex_;
    std::condition_variable ended_;
    size_t calls_ = 0; // under way, in threads of their own
    std::shared_ptr<rpc::Connection> connection_;
};

} // namespace hull::cli
