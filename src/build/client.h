// What a build asks of the client that wanted it, when it comes to it. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "build/context.h"

namespace hull::build {

// Files of one of the client's folders. Patterns are those of .dockerignore;
// what they leave out is not sent.
struct FileRequest {
    std::string folder; // "context", "dockerfile", the name of another
    std::vector<std::string> include = {}, exclude = {};
    // What is wanted, with what links in it lead to; empty: everything.
    std::vector<std::string> follow = {};
    bool keep = true; // for the next build: what didn't change is not sent again then
};
// Bytes that came so far, of stats and contents.
using ReceivedBytes = std::function<void(uint64_t)>;

class BuildClient {
public:
    virtual ~BuildClient() = default;
    virtual Result<std::shared_ptr<const Context>> files(const FileRequest& request, const ReceivedBytes& progress,
                                                         const std::stop_token& stop) = 0;
    // nullopt: it has none of that name.
    virtual Result<std::optional<std::string>> secret(const std::string& id) = 0;
    // Whether it forwards this agent ("default").
    virtual Result<bool> has_agent(const std::string& id) = 0;
    // Carries bytes between the socket and the agent, to the end of either.
    virtual Result<void> forward_agent(const std::string& id, UniqueFd socket, const std::stop_token& stop) = 0;
    // For a registry, as PullRequest::auth wants it; empty: none.
    virtual Result<std::string> credentials(const std::string& host) = 0;
    // What is built, as files in the client's folder, or as bytes it puts where it wants.
    virtual Result<void> send_files(const Tree& tree, const ReceivedBytes& progress, const std::stop_token& stop) = 0;
    virtual Result<std::unique_ptr<ByteSink>> send_bytes() = 0;
    // After the last byte: the client has them.
    virtual Result<void> finish_bytes(ByteSink& sink) = 0;
};

} // namespace hull::build
