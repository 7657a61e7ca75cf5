// Packets: one message of protocol.h with its descriptors, on a SOCK_SEQPACKET
// socket. Long contents travel in a memory file, so that a packet always fits
// the socket's buffer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime/keeper/protocol.h"

namespace hull::keeper {

constexpr size_t max_content_bytes = size_t{16} << 20;

struct Packet {
    MessageType type = MessageType::done;
    uint64_t request = 0;
    std::string content;
    std::vector<UniqueFd> fds;
};

// On a non-blocking socket: error with code() EAGAIN when there is no room;
// nothing was sent then.
Result<void> send_packet(BorrowedFd socket, MessageType type, uint64_t request, const std::string& content,
                         std::span<const BorrowedFd> fds = {});
// nullopt: the peer closed. On a non-blocking socket: code() EAGAIN.
Result<std::optional<Packet>> receive_packet(BorrowedFd socket);

std::vector<BorrowedFd> borrow_all(std::span<const UniqueFd> fds);

std::string failure_of(const Error& error);
Error error_of(const Failure& failure);

// The descriptors of one task, as the two sides hand them to each other.
struct TaskFds {
    UniqueFd pidfd, in, out, err;
};
TaskFdSet set_of(const TaskFds& fds);
std::vector<BorrowedFd> list_of(const TaskFds& fds);
// corrupt when the packet carries another number of descriptors.
Result<TaskFds> take_fds(const TaskFdSet& set, std::vector<UniqueFd>& fds);

} // namespace hull::keeper
