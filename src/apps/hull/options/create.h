// The flags of run and create, and the request they make.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "apps/hull/cli/flags.h"
#include "base/result.h"
#include "model/container.h"

namespace hull::cli {

std::span<const Flag> create_flags(); // of run and create
std::span<const Flag> run_flags();    // of run alone

struct Creation {
    model::CreateRequest request;
    std::string name, platform, cidfile;
    std::string pull = "missing"; // always, missing, never
    bool quiet = false;
};

// operands: IMAGE [COMMAND] [ARG...]. proxy: variables for the container that
// the user's client configuration names. Errors: invalid_argument, not_found,
// unsupported, worded as docker words them where it does.
Result<Creation> read_creation(const Flags& flags, const std::vector<std::pair<std::string, std::string>>& proxy);

// What the streams of `run` do.
struct Attachment {
    bool in = false, out = false, err = false;
};
// Also fills the Attach* members of the request.
Result<Attachment> read_attachment(const Flags& flags, bool detach, model::ContainerConfig& config);

// --network and what belongs to it. Sets network_mode and the endpoints.
Result<void> read_networks(const Flags& flags, model::CreateRequest& request);

} // namespace hull::cli
