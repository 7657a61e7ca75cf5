// What only one step of a build may see while it runs: secrets as files, the
// sockets of ssh agents. Gone when it ends.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "build/client.h"

namespace hull::build {

class StepSecrets {
public:
    // folder: in memory, for nobody else; what is below it goes away. client and
    // what it stands for outlive this.
    StepSecrets(std::string folder, BuildClient* client) : folder_(std::move(folder)), client_(client) {}
    ~StepSecrets();
    StepSecrets(const StepSecrets&) = delete;
    StepSecrets& operator=(const StepSecrets&) = delete;

    struct Settings {
        uint32_t mode, uid, gid;
    };
    // The path of a file with this content.
    Result<std::string> file(std::string_view content, const Settings& settings);
    // The path of a socket behind which the client's agent is.
    Result<std::string> agent(const std::string& id, const Settings& settings);

private:
    Result<std::string> place();

    std::string folder_;
    BuildClient* client_;
    std::string own_; // made with the first
    unsigned count_ = 0;
    std::stop_source stop_;
    std::vector<std::jthread> listeners_;
};

} // namespace hull::build
