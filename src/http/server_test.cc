#include "http/server.h"

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "sys/socket.h"
#include "sys/stream_socket.h"

namespace hull::http {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int64_t second = 1'000'000'000;

class Client {
public:
    explicit Client(UniqueFd socket) : socket_(std::move(socket)) {}

    void send(std::string_view text) {
        std::array<std::string_view, 1> parts{text};
        ASSERT_TRUE(sys::send_all(socket_, parts).ok());
    }
    // Reads until the text so far ends with end, or the peer closes.
    std::string read_until(std::string_view end) {
        std::string out;
        while (!out.ends_with(end) || end.empty()) {
            std::array<char, 4096> buffer{};
            auto n = sys::receive(socket_, buffer, monotonic_ns() + 5 * second);
            if (!n.ok() || *n == 0) break;
            out.append(buffer.data(), *n);
        }
        return out;
    }
    std::string read_to_end() { return read_until(""); }
    void close_writes() { sys::shut_down_writes(socket_); }
    void leave() { socket_.reset(); }

private:
    UniqueFd socket_;
};

struct Fixture {
    explicit Fixture(Handler handler, ServerOptions options = {})
        : server(MUST(Server::start({}, std::move(handler), options))) {}
    Client connect() {
        auto [mine, theirs] = MUST(sys::socket_pair(sys::SocketType::stream));
        server->adopt(std::move(theirs));
        return Client(std::move(mine));
    }
    std::unique_ptr<Server> server;
};

void answer_target(Exchange& exchange) { exchange.respond({200, {}, exchange.request().target}); }

void answer_body(Exchange& exchange) {
    auto body = exchange.read_whole_body(1024);
    if (body.ok())
        exchange.respond({200, {}, *body});
    else
        exchange.respond({body.error().kind() == ErrorKind::too_large ? 413 : 400, {}, body.error().message()});
}

TEST(Server, AnswersAndKeepsTheConnection) {
    Fixture f(answer_target);
    Client client = f.connect();
    for (int i = 0; i < 3; ++i) {
        client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        std::string reply = client.read_until("/hello");
        EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\n"));
        EXPECT_THAT(reply, HasSubstr("Content-Length: 6\r\n"));
    }
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
    Fixture f(answer_target);
    Client client = f.connect();
    client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
                "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    std::string reply = client.read_to_end();
    EXPECT_LT(reply.find("/1"), reply.find("/2"));
    EXPECT_LT(reply.find("/2"), reply.find("/3"));
    EXPECT_THAT(reply, EndsWith("/3"));
}

TEST(Server, TakesHeadersByteByByte) {
    Fixture f(answer_target);
    Client client = f.connect();
    for (char c : std::string_view("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")) {
        client.send({&c, 1});
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    EXPECT_THAT(client.read_until("/slow"), StartsWith("HTTP/1.1 200"));
}

// Bytes of this process that are in memory.
size_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    size_t all = 0, resident = 0;
    file >> all >> resident;
    return resident * 4096;
}

TEST(Server, GivesBackTheMemoryOfBigRequests) {
    std::vector<std::unique_ptr<char[]>> kept; // between the holes
    Fixture f([&](Exchange& exchange) {
        std::vector<std::unique_ptr<char[]>> holes;
        for (int i = 0; i < 4000; ++i) {
            holes.emplace_back(new char[4000]());
            if (i % 16 == 0) kept.emplace_back(new char[64]());
        }
        exchange.respond({200, {}, "done"});
    });
    const size_t before = resident_bytes();
    Client client = f.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(client.read_until("done"), StartsWith("HTTP/1.1 200"));
    const int64_t deadline = monotonic_ns() + 10 * second;
    while (resident_bytes() > before + (6 << 20) && monotonic_ns() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_LT(resident_bytes(), before + (6 << 20));
}

TEST(Server, RefusesHeadersThatTakeTooLong) {
    Fixture f(answer_target, {.header_timeout_ns = second / 5});
    Client client = f.connect();
    client.send("GET / HTTP/1.1\r\nHo");
    EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 408"));
}

TEST(Server, SlowHeadersHoldNoThread) {
    Fixture f(answer_target, {.max_threads = 4});
    std::vector<Client> slow;
    for (int i = 0; i < 200; ++i) {
        slow.push_back(f.connect());
        slow.back().send("GET / HTTP/1.1\r\n");
    }
    Client client = f.connect();
    client.send("GET /quick HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(client.read_until("/quick"), StartsWith("HTTP/1.1 200"));
    EXPECT_LE(f.server->counters().threads, 4u);
}

TEST(Server, RefusesLargeHeaders) {
    Fixture f(answer_target);
    Client client = f.connect();
    client.send("GET / HTTP/1.1\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n");
    EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 431"));
}

TEST(Server, RefusesWhatIsNotHttp) {
    Fixture f(answer_target);
    Client client = f.connect();
    client.send("\x16\x03\x01 nonsense\r\n\r\n");
    EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 400"));
}

TEST(Server, RefusesTwoLengthsOfOneBody) {
    Fixture f(answer_body);
    Client client = f.connect();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 400"));
}

TEST(Server, ReadsChunkedBodies) {
    Fixture f(answer_body);
    Client client = f.connect();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    client.send("2;extension=1\r\nde\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(client.read_to_end(),
                AllOf(HasSubstr("Content-Length: 5\r\n"), HasSubstr("\r\n\r\nabcdeHTTP/1.1 200 OK\r\n")));
}

TEST(Server, BoundsBodies) {
    Fixture f(answer_body);
    for (std::string head : {"Content-Length: 1073741824\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1000\r\n"}) {
        Client client = f.connect();
        client.send("POST / HTTP/1.1\r\nHost: x\r\n" + head + std::string(2000, 'x'));
        client.close_writes();
        EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 413"));
    }
}

TEST(Server, SaysContinueOnlyWhenTheBodyIsWanted) {
    Fixture f(answer_body);
    Client client = f.connect();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ok");
    EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200"));

    Fixture unread(answer_target);
    Client other = unread.connect();
    other.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    other.close_writes();
    EXPECT_THAT(other.read_to_end(), StartsWith("HTTP/1.1 200"));
}

TEST(Server, SkipsABodyNobodyReads) {
    Fixture f(answer_target);
    Client client = f.connect();
    client.send(
        "POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbodyGET /second HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(client.read_until("/second"), HasSubstr("/first"));
}

TEST(Server, SendsStreamsAtOnceAndEndsThem) {
    std::mutex mutex;
    std::condition_variable changed;
    bool go = false;
    Fixture f([&](Exchange& exchange) {
        ASSERT_TRUE(exchange.start_stream(200, {{"Content-Type", "text/plain"}}).ok());
        ASSERT_TRUE(exchange.write("one").ok());
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return go; });
        ASSERT_TRUE(exchange.write("two").ok());
    });
    Client client = f.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    std::string first = client.read_until("3\r\none\r\n");
    EXPECT_THAT(first, HasSubstr("Transfer-Encoding: chunked\r\n"));
    {
        std::lock_guard lock(mutex);
        go = true;
    }
    changed.notify_all();
    EXPECT_EQ(client.read_until("0\r\n\r\n"), "3\r\ntwo\r\n0\r\n\r\n");
}

TEST(Server, StreamsToOldClientsWithoutChunks) {
    Fixture f([](Exchange& exchange) {
        ASSERT_TRUE(exchange.start_stream(200, {}).ok());
        ASSERT_TRUE(exchange.write("plain").ok());
    });
    Client client = f.connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    EXPECT_THAT(client.read_to_end(), EndsWith("\r\n\r\nplain"));
}

TEST(Server, AnswersHeadWithoutABody) {
    Fixture f(answer_target);
    Client client = f.connect();
    client.send("HEAD /abc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    std::string reply = client.read_to_end();
    EXPECT_THAT(reply, HasSubstr("Content-Length: 4\r\n"));
    EXPECT_THAT(reply, EndsWith("\r\n\r\n"));
}

TEST(Server, TellsAHandlerThatItsClientLeft) {
    std::atomic<bool> told = false;
    std::mutex mutex;
    std::condition_variable changed;
    bool gone = false;
    Fixture f([&](Exchange& exchange) {
        exchange.on_client_gone([&] {
            std::lock_guard lock(mutex);
            gone = true;
            changed.notify_all();
        });
        ASSERT_TRUE(exchange.start_stream(200, {}).ok());
        std::unique_lock lock(mutex);
        told = changed.wait_for(lock, std::chrono::seconds(5), [&] { return gone; });
    });
    Client client = f.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    client.read_until("\r\n\r\n");
    client.leave();
    f.server->stop(5 * second);
    EXPECT_TRUE(told);
}

TEST(Server, StopEndsHandlersThatWait) {
    std::mutex mutex;
    std::condition_variable changed;
    bool gone = false;
    Fixture f([&](Exchange& exchange) {
        exchange.on_client_gone([&] {
            std::lock_guard lock(mutex);
            gone = true;
            changed.notify_all();
        });
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return gone; });
        exchange.respond({503, {}, "stopping"});
    });
    Client client = f.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    f.server->stop(5 * second);
    EXPECT_THAT(client.read_to_end(), EndsWith("stopping"));
}

TEST(Server, StopLosesNoRequestOfWhoHasJustConnected) {
    Fixture f([](Exchange& exchange) { exchange.respond({200, {}, "answered"}); });
    Client early = f.connect(), late = f.connect(), silent = f.connect(), kept = f.connect();
    kept.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(kept.read_until("answered"), EndsWith("answered"));
    early.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    std::jthread client([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        late.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    });
    const int64_t begun = monotonic_ns();
    f.server->drain(second / 2);
    EXPECT_GE(monotonic_ns() - begun, second / 4) << "one of them says nothing";
    EXPECT_EQ(kept.read_to_end(), "");
    f.server->stop(5 * second);
    EXPECT_THAT(early.read_to_end(), EndsWith("answered"));
    EXPECT_THAT(late.read_to_end(), EndsWith("answered"));
    EXPECT_EQ(silent.read_to_end(), "");
}

TEST(Server, DrainIsOverWhenNobodyIsAboutToSend) {
    Fixture f([](Exchange& exchange) { exchange.respond({200, {}, "answered"}); });
    Client kept = f.connect();
    kept.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(kept.read_until("answered"), EndsWith("answered"));
    const int64_t begun = monotonic_ns();
    f.server->drain(5 * second);
    EXPECT_LT(monotonic_ns() - begun, 4 * second);
}

TEST(Server, HijackAnswersAnUpgradeAndKeepsWhatFollows) {
    std::optional<Hijacked> taken;
    Fixture f([&](Exchange& exchange) {
        auto hijacked = exchange.hijack({{"Content-Type", "application/vnd.docker.raw-stream"}});
        ASSERT_TRUE(hijacked.ok());
        taken = std::move(*hijacked);
    });
    Client client = f.connect();
    client.send(
        "POST /attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}tail");
    EXPECT_EQ(client.read_until("\r\n\r\n"),
              "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
              "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    f.server->stop(5 * second);
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(taken->already_read, "tail");
    // The connection outlives the server.
    std::array<std::string_view, 1> parts{"raw"};
    ASSERT_TRUE(sys::send_all(taken->socket, parts).ok());
    EXPECT_EQ(client.read_until("raw"), "raw");
}

// docker-py reads the head through a buffer and drops what came with it.
TEST(Server, TheStreamOfAHijackWaitsUntilTheHeadWasRead) {
    std::atomic<bool> reading = false, was_reading = false;
    Fixture f([&](Exchange& exchange) {
        auto hijacked = exchange.hijack({});
        was_reading = reading.load();
        ASSERT_TRUE(hijacked.ok());
        ASSERT_TRUE(send_raw(hijacked->socket, "raw").ok());
    });
    Client client = f.connect();
    client.send("POST /attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    reading = true;
    EXPECT_THAT(client.read_to_end(), EndsWith("\r\n\r\nraw"));
    EXPECT_TRUE(was_reading);
}

TEST(Server, HijackWithoutUpgradeIsA200) {
    Fixture f([&](Exchange& exchange) { ASSERT_TRUE(exchange.hijack({}).ok()); });
    Client client = f.connect();
    client.send("POST /attach HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read_to_end(), "HTTP/1.1 200 OK\r\n\r\n");
}

TEST(Server, SaysWhenTooMuchGoesOn) {
    std::mutex mutex;
    std::condition_variable changed;
    bool go = false;
    Fixture f(
        [&](Exchange& exchange) {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return go; });
            exchange.respond({200, {}, "late"});
        },
        {.spare_threads = 1, .max_threads = 3});
    std::vector<Client> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(f.connect());
        clients.back().send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_THAT(clients.back().read_to_end(), StartsWith("HTTP/1.1 503"));
    {
        std::lock_guard lock(mutex);
        go = true;
    }
    changed.notify_all();
    EXPECT_THAT(clients.front().read_until("late"), StartsWith("HTTP/1.1 200"));
}

TEST(Server, ServesManyAtOnce) {
    Fixture f([](Exchange& exchange) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        answer_target(exchange);
    });
    std::vector<Client> clients;
    for (int i = 0; i < 50; ++i) {
        clients.push_back(f.connect());
        clients.back().send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (Client& client : clients) EXPECT_THAT(client.read_until("/x"), StartsWith("HTTP/1.1 200"));
}

TEST(Server, ARoundTripIsShort) {
    Fixture f([](Exchange& exchange) { exchange.respond({200, {}, "OK"}); });
    Client client = f.connect();
    std::vector<int64_t> times;
    for (int i = 0; i < 300; ++i) {
        int64_t begin = monotonic_ns();
        client.send("GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n");
        client.read_until("\r\n\r\nOK");
        times.push_back(monotonic_ns() - begin);
    }
    std::sort(times.begin(), times.end());
    RecordProperty("median_ns", std::to_string(times[times.size() / 2]));
    // Generous: the machine may be busy. Typical is 20 us.
    EXPECT_LT(times[times.size() / 2], second / 1000);
}

} // namespace
} // namespace hull::http
