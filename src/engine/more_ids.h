// Users and groups that a container names by numbers beyond its range of ids: those of people in a directory (LDAP),
// who run as themselves. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "model/container.h"

namespace hull::engine {

// Of Config.User ("1234567:1234567") and HostConfig.GroupAdd; sorted, each once; empty: all are below 65536.
std::vector<uint32_t> more_ids(const model::ContainerConfig& config, const model::HostConfig& host);

} // namespace hull::engine
