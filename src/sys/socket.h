// Unix-domain sockets, socket pairs, and descriptors sent over them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

enum class SocketType : int { stream = 1, seqpacket = 5 };

// A bound, listening socket file with this mode; a stale file that nobody
// listens on is replaced, a live one is a conflict. Paths up to 107 bytes.
Result<UniqueFd> listen_unix(const std::string& path, SocketType type, mode_t mode, int backlog = 1024);
// timeout_ms: to wait for a listener that doesn't accept, and then for each
// message to it to be taken; 0: for ever.
Result<UniqueFd> connect_unix(const std::string& path, SocketType type, int timeout_ms = 0);
// Blocking accept. The socket accepted blocks.
Result<UniqueFd> accept(BorrowedFd listener);
Result<std::pair<UniqueFd, UniqueFd>> socket_pair(SocketType type);

struct PeerCredentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};
Result<PeerCredentials> peer_credentials(BorrowedFd socket);

// One message with descriptors (at most 253). No SIGPIPE.
Result<void> send_message(BorrowedFd socket, std::string_view data, std::span<const BorrowedFd> fds = {});

struct Message {
    std::string data;
    std::vector<UniqueFd> fds;
    bool end_of_file = false; // the peer closed; data is empty
};
// One message of a SEQPACKET socket, at most limit bytes (longer: too_large).
Result<Message> receive_message(BorrowedFd socket, size_t limit);

} // namespace hull::sys
