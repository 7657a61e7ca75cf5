// Talking to systemd over D-Bus. One connection a call; every wait has an end.
//
// Fit for a single-threaded child between fork and exec, like plan.h.
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/result.h"
#include "kernel/cgroup/plan.h"
#include "kernel/cgroup/systemd/unit.h"

namespace hull::kernel::cgroup::systemd {

// Where the instance listens, from the environment of this process: a D-Bus
// address, several with ";" between them in the order of trying.
// system: DBUS_SYSTEM_BUS_ADDRESS, else the system bus, then systemd's private
// socket. user: DBUS_SESSION_BUS_ADDRESS, else $XDG_RUNTIME_DIR/bus.
// Error unavailable: a user without either.
Result<std::string> address_of(Instance instance);

// The cgroup in which the instance keeps its units: "" of the system's,
// "/user.slice/user-1000.slice/user@1000.service" of a user's.
Result<std::string> own_cgroup(std::string_view address);

// Of the system's instance: "running", "degraded", "stopping" (it goes down) ...
// Error unavailable: there is no systemd.
Result<std::string> system_state();

// Makes the scope with process in it and waits until it is there. A failed
// unit of that name is replaced, one in use is a conflict. Errors:
// unavailable (nobody listens), timed_out (30 s), else what systemd says.
Result<void> start_scope(const Scope& scope, pid_t process);
// properties: elements of an a(sv). For as long as the unit is there.
Result<void> set_properties(const Scope& scope, std::string_view properties);
// Stops the unit, whatever is in it, and forgets it. Missing ones are fine.
Result<void> stop(const Scope& scope);

} // namespace hull::kernel::cgroup::systemd
