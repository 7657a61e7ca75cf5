#include "http/client.h"

#include <array>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/random.h"
#include "sys/socket.h"
#include "sys/stream_socket.h"

namespace hull::http {
namespace {

// A server of one connection that answers with fixed texts, one per request, and
// keeps what it was sent.
class OneConnection {
public:
    explicit OneConnection(std::vector<std::string> answers) : path_("/tmp/hull-client-test-" + random_hex(12)) {
        listener_ = std::move(sys::listen_unix(path_, sys::SocketType::stream, 0600)).value();
        thread_ = std::thread([this, answers = std::move(answers)] { serve(answers); });
    }
    ~OneConnection() {
        thread_.join();
        ::unlink(path_.c_str());
    }
    Endpoint endpoint() const { return *Endpoint::parse("unix://" + path_); }
    std::string wait_for_requests() {
        if (thread_.joinable()) thread_.join(), thread_ = std::thread([] {});
        return received_;
    }

private:
    void serve(const std::vector<std::string>& answers) {
        UniqueFd peer = std::move(sys::accept(listener_)).value();
        std::array<char, 4096> piece;
        for (const std::string& answer : answers) {
            size_t start = received_.size();
            auto complete = [&] {
                std::string_view request = std::string_view(received_).substr(start);
                size_t end = request.find("\r\n\r\n");
                if (end == request.npos) return false;
                return request.find("chunked") == request.npos || request.ends_with("0\r\n\r\n");
            };
            while (!complete()) {
                auto n = sys::receive(peer, piece);
                if (!n.ok() || *n == 0) return;
                received_.append(piece.data(), *n);
            }
            std::array<std::string_view, 1> parts{answer};
            (void)sys::send_all(peer, parts).ok();
        }
    }

    std::string path_, received_;
    UniqueFd listener_;
    std::thread thread_;
};

TEST(Client, KeepsTheConnectionForTheNextRequest) {
    OneConnection server({"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
                          "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: "
                          "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"});
    auto connection = ClientConnection::connect(server.endpoint());
    ASSERT_TRUE(connection.ok());
    ASSERT_TRUE(connection->send({.target = "/_ping", .headers = {}, .body = {}}).ok());
    EXPECT_EQ(connection->read_head()->status, 200);
    EXPECT_EQ(*connection->read_whole_body(), "OK");
    EXPECT_TRUE(connection->reusable());
    ASSERT_TRUE(connection->send({.method = Method::post, .target = "/x", .headers = {{"A", "b"}}, .body = "{}"}).ok());
    EXPECT_EQ(connection->read_head()->status, 404);
    EXPECT_EQ(*connection->read_whole_body(), "abc");
    std::string sent = server.wait_for_requests();
    EXPECT_TRUE(sent.starts_with("GET /_ping HTTP/1.1\r\nHost: localhost\r\n")) << sent;
    EXPECT_NE(sent.find("POST /x HTTP/1.1\r\n"), sent.npos);
    EXPECT_NE(sent.find("A: b\r\nContent-Length: 2\r\n\r\n{}"), sent.npos) << sent;
}

TEST(Client, SkipsContinueAndUploadsInChunks) {
    OneConnection server({"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});
    auto connection = ClientConnection::connect(server.endpoint());
    ASSERT_TRUE(connection->begin_upload({.method = Method::post, .target = "/load", .headers = {}, .body = {}}).ok());
    ASSERT_TRUE(connection->upload("hello").ok());
    ASSERT_TRUE(connection->upload("").ok()); // must not end the body
    ASSERT_TRUE(connection->upload(" world").ok());
    ASSERT_TRUE(connection->end_upload().ok());
    EXPECT_EQ(connection->read_head()->status, 200);
    EXPECT_NE(server.wait_for_requests().find("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), std::string::npos);
}

TEST(Client, GivesTheSocketAndItsEarlyBytesAwayAfterAnUpgrade) {
    OneConnection server({"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly"});
    auto connection = ClientConnection::connect(server.endpoint());
    ASSERT_TRUE(
        connection->send({.method = Method::post, .target = "/attach", .headers = {}, .body = {}, .upgrade_tcp = true})
            .ok());
    EXPECT_EQ(connection->read_head()->status, 101);
    EXPECT_FALSE(connection->reusable());
    auto stream = std::move(*connection).take_stream();
    std::string text = stream.early;
    std::array<char, 64> piece;
    while (text.size() < 5) {
        size_t n = *sys::receive(stream.socket, piece);
        ASSERT_GT(n, 0u);
        text.append(piece.data(), n);
    }
    EXPECT_EQ(text, "early");
}

TEST(Client, SaysWhenThePeerClosesWithoutAnAnswer) {
    OneConnection server({});
    auto connection = ClientConnection::connect(server.endpoint());
    (void)connection->send({.target = "/", .headers = {}, .body = {}}).ok();
    auto head = connection->read_head();
    ASSERT_FALSE(head.ok());
    EXPECT_EQ(head.error().kind(), ErrorKind::unavailable);
}

TEST(Endpoint, ReadsUnixAndTcp) {
    EXPECT_EQ(Endpoint::parse("unix:///run/x.sock")->path, "/run/x.sock");
    auto tcp = Endpoint::parse("tcp://[::1]:99/path");
    EXPECT_EQ(tcp->host, "::1");
    EXPECT_EQ(tcp->port, "99");
    EXPECT_EQ(Endpoint::parse("tcp://engine")->port, "2375");
    EXPECT_EQ(Endpoint::parse("10.0.0.1:5")->host, "10.0.0.1");
}

TEST(Endpoint, WordsOfSsh) {
    auto far = Endpoint::parse("ssh://me@[fe80::1]:22/run/x.sock");
    ASSERT_TRUE(far.ok());
    EXPECT_EQ(far->kind, Endpoint::Kind::program);
    const std::vector<std::string> words(far->program.begin(), far->program.end() - 1);
    EXPECT_EQ(words, (std::vector<std::string>{"ssh", "-o", "ConnectTimeout=30", "-T", "-l", "me", "-p", "22", "--",
                                               "fe80::1"}));
    EXPECT_NE(far->program.back().find("exec hull --host unix:///run/x.sock system dial-stdio"), std::string::npos);
    for (const char* bad : {"ssh://", "ssh://-x", "ssh://-l@x", "ssh://a:b@x", "ssh://x:y", "ssh://x/'; true"})
        EXPECT_EQ(Endpoint::parse(bad).error().kind(), ErrorKind::invalid_argument) << bad;
}

TEST(Endpoint, RefusesWhatItCannotSpeak) {
    EXPECT_EQ(Endpoint::parse("npipe://host").error().kind(), ErrorKind::unsupported);
    EXPECT_EQ(Endpoint::parse("gopher://host").error().message(), "unable to parse docker host `gopher://host`");
    EXPECT_FALSE(Endpoint::parse("unix://").ok());
    EXPECT_FALSE(Endpoint::parse("tcp://a:b").ok());
}

} // namespace
} // namespace hull::http
