// hull-tls HOST PORT verify|any AUTHORITY CERTIFICATE KEY: see README.md.
#include <csignal>
#include <string>
#include <vector>

#include "base/clock.h"
#include "http/tls/client.h"
#include "sys/file.h"
#include "sys/nonblocking.h"
#include "sys/tcp.h"

namespace {

constexpr int64_t handshake_ns = 30'000'000'000;

hull::Result<void> relay(const std::vector<std::string>& words) {
    const hull::http::TlsClient client{
        .host = words[0], .verify = words[2] != "any", .authority = words[3], .certificate = words[4], .key = words[5]};
    hull::UniqueFd plain = TRY(hull::sys::duplicate(hull::BorrowedFd(0)));
    hull::UniqueFd socket = TRY(hull::sys::connect_tcp(words[0], words[1]));
    auto connection = TRY(hull::http::greet_tls_server(std::move(socket), client, hull::monotonic_ns() + handshake_ns));
    connection->run(std::move(plain), {});
    if (!connection->complaint().empty()) return hull::Error(hull::ErrorKind::forbidden, connection->complaint());
    return {};
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() != 6) return 2;
    auto done = relay(words);
    if (done.ok()) return 0;
    const std::string host = words[0].find(':') == std::string::npos ? words[0] : "[" + words[0] + "]";
    (void)hull::sys::write_all(hull::BorrowedFd(2), "error during connect: tcp://" + host + ":" + words[1] +
                                                        ": TLS: " + done.error().message() + "\n");
    return 1;
}
