// Load for networks: a server, and clients that print what one number each needs.
//   serve PORT                    answers everybody until it is killed
//   transfer HOST PORT BYTES      milliseconds for that many from the server
//   connect HOST PORT COUNT       milliseconds for so many connections, one after another
//   names NAME RATE SECONDS       microseconds of a look-up at that rate: median and 99th percentile
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

sockaddr_in address(const char* host, int port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(static_cast<uint16_t>(port));
    if (inet_pton(AF_INET, host, &out.sin_addr) != 1) fail(host);
    return out;
}

void answer(int client) {
    char command = 0;
    static const std::vector<char> zeros(1 << 18);
    if (read(client, &command, 1) == 1 && command == 't')
        while (send(client, zeros.data(), zeros.size(), MSG_NOSIGNAL) > 0) {}
    close(client);
}

int serve(int port) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in any = address("0.0.0.0", port);
    if (bind(listener, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) fail("bind");
    if (listen(listener, 4096) != 0) fail("listen");
    for (;;) {
        const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) continue;
        // A connection that says nothing ends here; transfers go on beside.
        pollfd wait{client, POLLIN, 0};
        char command = 0;
        if (poll(&wait, 1, 1000) == 1 && recv(client, &command, 1, MSG_PEEK) == 1)
            std::thread(answer, client).detach();
        else
            close(client);
    }
}

int connected(const char* host, int port) {
    const int out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in to = address(host, port);
    if (connect(out, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fail("connect");
    return out;
}

double since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

int transfer(const char* host, int port, uint64_t bytes) {
    const int server = connected(host, port);
    std::vector<char> buffer(1 << 18);
    const auto start = Clock::now();
    if (write(server, "t", 1) != 1) fail("write");
    for (uint64_t got = 0; got < bytes;) {
        const ssize_t size = read(server, buffer.data(), buffer.size());
        if (size <= 0) fail("read");
        got += static_cast<uint64_t>(size);
    }
    std::printf("%.3f\n", since(start));
    return 0;
}

int connections(const char* host, int port, int count) {
    const auto start = Clock::now();
    for (int i = 0; i < count; ++i) {
        const int server = connected(host, port);
        // Whoever is behind the port answers it, not whoever stands before.
        shutdown(server, SHUT_WR);
        char byte = 0;
        if (read(server, &byte, 1) != 0) fail("read");
        close(server);
    }
    std::printf("%.3f\n", since(start));
    return 0;
}

std::string query(const std::string& name) {
    std::string out("\0\0\1\0\0\1\0\0\0\0\0\0", 12);
    for (size_t at = 0; at < name.size();) {
        const size_t dot = std::min(name.find('.', at), name.size());
        out += static_cast<char>(dot - at);
        out.append(name, at, dot - at);
        at = dot + 1;
    }
    return out + std::string("\0\0\1\0\1", 5);
}

int names(const char* name, int rate, int seconds) {
    const int server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const sockaddr_in to = address("127.0.0.11", 53);
    if (connect(server, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fail("connect");
    std::string message = query(name);
    std::vector<double> took;
    char buffer[512];
    const auto begin = Clock::now();
    for (int i = 0; i < rate * seconds; ++i) {
        std::this_thread::sleep_until(begin + std::chrono::microseconds(int64_t{1'000'000} * i / rate));
        message[0] = static_cast<char>(i >> 8);
        message[1] = static_cast<char>(i);
        const auto start = Clock::now();
        if (send(server, message.data(), message.size(), 0) < 0) fail("send");
        for (;;) {
            pollfd wait{server, POLLIN, 0};
            if (poll(&wait, 1, 5000) != 1) {
                std::fprintf(stderr, "no answer within 5 s\n");
                return 1;
            }
            const ssize_t size = recv(server, buffer, sizeof buffer, 0);
            if (size < 12 || buffer[0] != message[0] || buffer[1] != message[1]) continue;
            if ((buffer[3] & 0xf) != 0 || buffer[7] == 0) {
                std::fprintf(stderr, "the name has no address\n");
                return 1;
            }
            break;
        }
        took.push_back(since(start) * 1000);
    }
    std::sort(took.begin(), took.end());
    std::printf("%.1f %.1f\n", took[took.size() / 2], took[took.size() * 99 / 100]);
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "serve" && argc == 3) return serve(std::atoi(argv[2]));
    if (what == "transfer" && argc == 5)
        return transfer(argv[2], std::atoi(argv[3]), std::strtoull(argv[4], nullptr, 10));
    if (what == "connect" && argc == 5) return connections(argv[2], std::atoi(argv[3]), std::atoi(argv[4]));
    if (what == "names" && argc == 5) return names(argv[2], std::atoi(argv[3]), std::atoi(argv[4]));
    std::fprintf(stderr, "usage: see netload.cc\n");
    return 2;
}
