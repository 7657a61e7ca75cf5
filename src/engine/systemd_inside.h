// Containers whose program is systemd. Without a flag they get what it needs as
// process 1: its own cgroups to write in, /run and /run/lock in memory,
// container=docker in its environment, and SIGRTMIN+3 to stop it.
#pragma once

#include "base/result.h"
#include "engine/host_port.h"
#include "engine/namespaces.h"
#include "model/container_record.h"

namespace hull::engine {

inline constexpr const char* kSystemdStopSignal = "SIGRTMIN+3";
inline constexpr const char* kSystemdEnvironment = "container=docker";

// Known by the program's path, as Podman does.
bool runs_systemd(const model::ContainerSettings& settings);

// Whether /sys/fs/cgroup may be written: --security-opt writable-cgroups, else
// of systemd with users of its own. Errors: invalid_argument; unsupported where
// it would open the container's limits (cgroup v1 with the host's users).
Result<bool> writable_cgroups(const model::ContainerSettings& settings, const NamespaceChoice& namespaces,
                              HostPort& machine);

} // namespace hull::engine
