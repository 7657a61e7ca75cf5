#include <gtest/gtest.h>

#include <thread>

#include "rpc/connection.h"
#include "sys/socket.h"

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

TEST(Rpc, bytes_that_are_no_http2_end_the_connection) {
    auto [a, b] = MUST(sys::socket_pair(sys::SocketType::stream));
    auto server = MUST(Connection::server(std::move(b), "GET / HTTP/1.1\r\n\r\n", echo));
    server->wait_closed();
    EXPECT_TRUE(server->closed());
}

} // namespace

} // namespace hull::rpc
