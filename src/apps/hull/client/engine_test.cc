#include "apps/hull/client/engine.h"

#include <array>
#include <filesystem>
#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include "base/random.h"
#include "sys/socket.h"
#include "sys/stream_socket.h"

namespace hull::cli {
namespace {

// A socket whose first connection meets a dying engine, the next ones a live one.
class EngineThatDies : public ::testing::Test {
protected:
    void die_first(std::function<void(UniqueFd)> dies) {
        listener_ = MUST(sys::listen_unix(path_, sys::SocketType::stream, 0600));
        server_ = std::thread([this, dies] {
            dies(MUST(sys::accept(listener_)));
            auto client = sys::accept(listener_);
            if (!client.ok()) return; // the test is over
            read_some(*client);
            (void)sys::send_all(*client,
                                std::array<std::string_view, 1>{"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"});
        });
    }
    static void read_some(const UniqueFd& client) {
        std::array<char, 4096> bytes;
        (void)sys::receive(client, bytes);
    }
    ~EngineThatDies() override {
        sys::shut_down(listener_);
        server_.join();
        std::filesystem::remove(path_);
    }
    Engine engine() { return Engine(MUST(http::Endpoint::parse("unix://" + path_)), {}, {}); }

    std::string path_ = std::filesystem::temp_directory_path() / ("hull-engine-test-" + random_hex(8));
    UniqueFd listener_;
    std::thread server_;
};

TEST_F(EngineThatDies, WhatItDidNotReadGoesToItsSuccessor) {
    die_first([](UniqueFd) {});
    Engine client = engine();
    auto reply = client.post("/containers/create", {}, "{}");
    ASSERT_TRUE(reply.ok()) << reply.error().message();
    EXPECT_EQ(reply->status, 201);
}

TEST_F(EngineThatDies, WhatItReadIsNotDoneTwice) {
    die_first([](UniqueFd client) { read_some(client); });
    Engine client = engine();
    auto reply = client.post("/containers/create", {}, "{}");
    ASSERT_FALSE(reply.ok());
    EXPECT_EQ(reply.error().kind(), ErrorKind::unavailable);
}

TEST_F(EngineThatDies, UnlessThatDoesNoHarm) {
    die_first([](UniqueFd client) { read_some(client); });
    Engine client = engine();
    auto reply = client.call({.path = "/info", .query = {}, .body = {}, .headers = {}});
    EXPECT_TRUE(reply.ok()) << reply.error().message();
}

} // namespace
} // namespace hull::cli
