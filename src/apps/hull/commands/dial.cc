// system dial-stdio: our standard streams are a connection to the engine, as
// docker's client wants it at the other end of ssh.
#include <array>
#include <thread>

#include <sys/socket.h>

#include "apps/hull/commands/commands.h"
#include "http/client.h"
#include "sys/file.h"

namespace hull::cli {

namespace {

Result<void> copy_all(BorrowedFd from, BorrowedFd to) {
    std::array<char, 65536> piece;
    for (;;) {
        size_t n = TRY(sys::read(from, piece));
        if (n == 0) return {};
        TRY(sys::write_all(to, {piece.data(), n}));
    }
}

} // namespace

Result<int> dial_stdio(Session& session) {
    Engine* engine = TRY(session.engine());
    auto connection = TRY(http::ClientConnection::connect(engine->endpoint()));
    auto stream = std::move(connection).take_stream();
    const BorrowedFd socket = stream.socket;
    // Reading our input can't be ended; the process ends with the other direction.
    std::thread([socket] {
        if (copy_all(BorrowedFd(0), socket).ok()) ::shutdown(socket.get(), SHUT_WR);
    }).detach();
    TRY(copy_all(socket, BorrowedFd(1)));
    return 0;
}

} // namespace hull::cli
