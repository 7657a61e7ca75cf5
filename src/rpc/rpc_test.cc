#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <thread>

#include <sys/socket.h>

#include "rpc/connection.h"
#include "sys/socket.h"
#include "sys/stream_socket.h"

namespace hull::rpc {

namespace {

struct Pair {
    std::shared_ptr<Connection> client, server;
};

Pair connect(CallHandler handler, Limits limits = {}) {
    auto [a, b] = MUST(sys::socket_pair(sys::SocketType::stream));
    return {MUST(Connection::client(std::move(a), "", limits)),
            MUST(Connection::server(std::move(b), "", std::move(handler), limits))};
}

void echo(const CallPtr& call) {
    for (;;) {
        auto message = call->receive();
        if (!message.ok()) return call->finish(std::move(message).error());
        if (!*message) return call->finish({});
        if (auto sent = call->send(**message); !sent.ok()) return;
    }
}

TEST(Rpc, a_call_has_an_answer) {
    auto pair = connect(echo);
    EXPECT_EQ(*pair.client->unary("/a.B/C", "hello"), "hello");
    EXPECT_EQ(*pair.client->unary("/a.B/C", ""), "");
}

TEST(Rpc, metadata_and_path_come_along) {
    std::string seen;
    auto pair = connect([&](const CallPtr& call) {
        seen = call->path() + " " + std::string(call->metadata("dir-name"));
        echo(call);
    });
    ASSERT_TRUE(pair.client->unary("/a.B/C", "x", {{"dir-name", "context"}}).ok());
    EXPECT_EQ(seen, "/a.B/C context");
}

TEST(Rpc, errors_keep_their_kind_and_text) {
    auto pair = connect([](const CallPtr& call) { call->finish(Error(ErrorKind::not_found, "no \xc3\xa4%\n")); });
    auto answer = pair.client->unary("/a.B/C", "x");
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().kind(), ErrorKind::not_found);
    EXPECT_EQ(answer.error().message(), "no \xc3\xa4%\n");
}

TEST(Rpc, streams_of_large_messages_flow_both_ways) {
    auto pair = connect(echo);
    auto call = MUST(pair.client->call("/a.B/C"));
    const std::string big(3 << 20, 'x');
    std::jthread sender([&] {
        for (int i = 0; i < 8; ++i) ASSERT_TRUE(call->send(big).ok());
        ASSERT_TRUE(call->end_sending().ok());
    });
    int n = 0;
    for (;; ++n) {
        auto message = call->receive();
        ASSERT_TRUE(message.ok()) << message.error().message();
        if (!*message) break;
        EXPECT_EQ(**message, big);
    }
    EXPECT_EQ(n, 8);
}

TEST(Rpc, what_is_sent_soon_comes_in_order_and_before_anybody_waits) {
    auto pair = connect(echo);
    auto call = MUST(pair.client->call("/a.B/C"));
    const std::string big(100'000, 'b');
    for (const std::string& message : {std::string("1"), std::string("2"), big, std::string("3")})
        ASSERT_TRUE(call->send_soon(message).ok());
    for (const std::string& message : {std::string("1"), std::string("2"), big, std::string("3")})
        EXPECT_EQ(*MUST(call->receive()), message);
    ASSERT_TRUE(call->send_soon("4").ok());
    ASSERT_TRUE(call->send("5").ok());
    EXPECT_EQ(*MUST(call->receive()), "4");
    EXPECT_EQ(*MUST(call->receive()), "5");
    ASSERT_TRUE(call->send_soon("6").ok());
    ASSERT_TRUE(call->end_sending().ok());
    EXPECT_EQ(*MUST(call->receive()), "6");
    EXPECT_FALSE(MUST(call->receive()));
}

TEST(Rpc, many_calls_at_once) {
    auto pair = connect(echo);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 20; ++i)
        threads.emplace_back([&, i] {
            for (int j = 0; j < 20; ++j) {
                std::string text = std::to_string(i * 100 + j);
                EXPECT_EQ(*pair.client->unary("/a.B/C", text), text);
            }
        });
}

TEST(Rpc, a_message_beyond_the_limit_is_refused) {
    Limits small;
    small.message_bytes = 1000;
    auto pair = connect(echo, small);
    auto answer = pair.client->unary("/a.B/C", std::string(1001, 'x'));
    EXPECT_FALSE(answer.ok());
}

TEST(Rpc, a_peer_that_goes_ends_calls) {
    auto pair = connect([](const CallPtr& call) { (void)call->receive(); });
    auto call = MUST(pair.client->call("/a.B/C"));
    pair.server.reset();
    EXPECT_FALSE(call->receive().ok());
    pair.client->wait_closed();
    EXPECT_FALSE(pair.client->call("/a.B/C").ok());
}

TEST(Rpc, a_cancelled_call_ends_at_the_other_side) {
    std::atomic<bool> ended = false;
    auto pair = connect([&](const CallPtr& call) {
        while (true)
            if (auto message = call->receive(); !message.ok()) break;
        ended = true;
    });
    auto call = MUST(pair.client->call("/a.B/C"));
    ASSERT_TRUE(call->send("x").ok());
    call.reset();
    for (int i = 0; i < 500 && !ended; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_TRUE(ended);
}

// A peer that asks and doesn't read costs nothing while it is waited for.
TEST(Rpc, a_peer_that_does_not_read_is_waited_for_at_rest) {
    auto [a, b] = MUST(sys::socket_pair(sys::SocketType::stream));
    const int small = 1; // the kernel's least
    ASSERT_EQ(::setsockopt(b.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    auto server = MUST(Connection::server(std::move(b), "", echo));
    auto send = [&](std::string_view bytes) {
        while (!bytes.empty()) {
            size_t sent = MUST(sys::send_now(a, bytes));
            bytes.remove_prefix(sent);
            if (sent == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    };
    send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    send(std::string("\0\0\0\4\0\0\0\0\0", 9)); // SETTINGS
    std::string pings;
    for (int i = 0; i < 900; ++i) pings += std::string("\0\0\x08\6\0\0\0\0\0", 9) + "12345678";
    send(pings); // their answers fill the socket
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const std::clock_t before = std::clock(); // of this process's CPU time
    const auto start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const double cpu = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    EXPECT_FALSE(server->closed());
    EXPECT_LT(cpu, wall.count() / 10);
}

TEST(Rpc, bytes_that_are_no_http2_end_the_connection) {
    auto [a, b] = MUST(sys::socket_pair(sys::SocketType::stream));
    auto server = MUST(Connection::server(std::move(b), "GET / HTTP/1.1\r\n\r\n", echo));
    server->wait_closed();
    EXPECT_TRUE(server->closed());
}

} // namespace

} // namespace hull::rpc
