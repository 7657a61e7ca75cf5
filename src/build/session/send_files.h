// The sending end of the file protocol (build/wire/file_packets.h).
#pragma once

#include "build/client.h"
#include "build/files/tree.h"
#include "rpc/connection.h"

namespace hull::build {

// The whole tree, but for what can't be sent (sockets). Returns when the receiver has it.
Result<void> send_files(rpc::Call& call, const Tree& tree, const ReceivedBytes& progress);

} // namespace hull::build
