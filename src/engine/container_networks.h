// Which networks a container is to be on, and itself as the keeper of networks
// wants to see it.
#pragma once

#include <map>
#include <string>

#include "engine/container.h"
#include "engine/core.h"
#include "engine/network_keeper.h"

namespace hull::engine {

// By name, with what was asked for; empty with host, none and container:x.
std::map<std::string, model::EndpointSettings> networks_of(const ContainerSettings& settings,
                                                           const ContainerState& state);
// Errors: those of port_wishes().
Result<NetworkMember> make_member(const Core& core, const Container& container);

// The endpoint settings at create by the names of their networks, which the
// client may have called by id. Errors: invalid_argument.
Result<void> check_networks(const Core& core, ContainerSettings& settings);

// A network event about a container.
void publish_network(Core& core, const Container& container, const EndpointRecord& endpoint, const char* action);

} // namespace hull::engine
