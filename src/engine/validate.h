// Checks of what a create request asks for, before anything is made: wrong
// requests are invalid_argument in Docker's words, right ones that aren't there
// yet are unsupported. Nothing asked for is dropped in silence.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "model/container.h"

namespace hull::engine {

// warnings: what the client should know but may do.
Result<void> validate_config(const model::ContainerConfig& config);
Result<void> validate_host_config(const model::CreateRequest& request, const EngineOptions& options,
                                  std::vector<std::string>& warnings);
// Egress list and bandwidth, as annotations have them. Errors: invalid_argument.
Result<void> validate_limits(const model::HostConfig& host);
// Of an endpoint on a network, by create or connect.
Result<void> validate_endpoint(const std::string& network, const model::EndpointSettings& endpoint);
Result<void> validate_restart(const model::HostConfig& host);
// systemd: it makes the cgroups.
Result<void> check_cgroup_parent(const std::string& parent, bool systemd);
// validate_resources.cc
Result<void> validate_resources(const model::HostConfig& host);
// validate_machine.cc: against what this machine has.
Result<void> validate_machine(const model::HostConfig& host, HostPort& machine);

// Fills in what inspect shows for things that weren't asked for.
void fill_defaults(model::HostConfig& host, const EngineOptions& options);

// The container's settings on top of its image's, by Docker's rules.
model::ContainerConfig merge_config(model::ContainerConfig asked, const model::ContainerConfig& image);

// Bytes that the writable layer may have (StorageOpt size); 0: no limit.
Result<uint64_t> storage_limit(const model::HostConfig& host);

} // namespace hull::engine
