#include "runtime/keeper/channel.h"

#include "sys/nonblocking.h"
#include "sys/socket.h"

namespace hull::keeper {

namespace {

// A packet's start. In a memory file: content is there, the file comes last.
struct Header {
    MessageType type = MessageType::done;
    bool in_file = false;
    uint64_t request = 0;
};
void fields(auto& io, Of<Header> auto& v) { all(io, v.type, v.in_file, v.request); }

constexpr size_t max_inline = size_t{64} << 10;

} // namespace

Result<void> send_packet(BorrowedFd socket, MessageType type, uint64_t request, const std::string& content,
                         std::span<const BorrowedFd> fds) {
    Header header{type, content.size() > max_inline, request};
    std::string bytes = to_bytes(header);
    if (!header.in_file) return sys::send_message(socket, bytes + content, fds);
    UniqueFd file = TRY(sys::make_memfd("hull-packet", content));
    std::vector<BorrowedFd> all_fds(fds.begin(), fds.end());
    all_fds.push_back(file);
    return sys::send_message(socket, bytes, all_fds);
}

Result<std::optional<Packet>> receive_packet(BorrowedFd socket) {
    sys::Message message = TRY(sys::receive_message(socket, max_inline + 4096));
    if (message.end_of_file) return std::optional<Packet>();
    Reader io(message.data);
    Header header;
    field(io, header);
    if (io.failed()) return Error(ErrorKind::corrupt, "malformed packet");
    Packet packet{header.type, header.request, {}, std::move(message.fds)};
    if (header.in_file) {
        if (packet.fds.empty()) return Error(ErrorKind::corrupt, "packet without its memory file");
        packet.content = TRY(sys::read_memfd(packet.fds.back(), max_content_bytes));
        packet.fds.pop_back();
    } else {
        packet.content = message.data.substr(to_bytes(header).size());
    }
    return std::optional<Packet>(std::move(packet));
}

std::vector<BorrowedFd> borrow_all(std::span<const UniqueFd> fds) { return {fds.begin(), fds.end()}; }

std::string failure_of(const Error& error) {
    return to_bytes(Failure{static_cast<uint8_t>(error.kind()), error.code(), error.message()});
}

Error error_of(const Failure& failure) {
    auto kind = failure.kind <= static_cast<uint8_t>(ErrorKind::no_such_program) ? static_cast<ErrorKind>(failure.kind)
                                                                                 : ErrorKind::internal;
    return Error(kind, failure.message).with_code(failure.code);
}

TaskFdSet set_of(const TaskFds& fds) { return {fds.pidfd.valid(), fds.in.valid(), fds.out.valid(), fds.err.valid()}; }

std::vector<BorrowedFd> list_of(const TaskFds& fds) {
    std::vector<BorrowedFd> list;
    for (const UniqueFd* fd : {&fds.pidfd, &fds.in, &fds.out, &fds.err})
        if (fd->valid()) list.push_back(*fd);
    return list;
}

Result<TaskFds> take_fds(const TaskFdSet& set, std::vector<UniqueFd>& fds) {
    TaskFds task;
    size_t next = 0;
    auto take = [&](bool present, UniqueFd& into) {
        if (!present) return true;
        if (next == fds.size()) return false;
        into = std::move(fds[next++]);
        return true;
    };
    bool enough =
        take(set.pidfd, task.pidfd) && take(set.in, task.in) && take(set.out, task.out) && take(set.err, task.err);
    if (!enough || next != fds.size()) return Error(ErrorKind::corrupt, "packet with a wrong number of descriptors");
    fds.clear();
    return task;
}

} // namespace hull::keeper
