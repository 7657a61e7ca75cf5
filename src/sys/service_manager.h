// What a service manager (systemd) and a service tell each other; nothing
// happens when there is none.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

// Sends "READY=1", "STOPPING=1", ... to $NOTIFY_SOCKET.
Result<void> notify_service_manager(std::string_view state);

// The listening sockets that this process was started with ($LISTEN_FDS), now
// close-on-exec. Once; the variables are removed for child processes. Call it
// before the first thread is started.
std::vector<UniqueFd> take_activation_sockets();

} // namespace hull::sys
