// The keeper as a process of its own, with shells for containers.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "runtime/keeper/client.h"
#include "runtime/keeper/state_files.h"
#include "runtime/keeper/test_folder.h"
#include "sys/file.h"
#include "sys/nonblocking.h"
#include "sys/pidfd.h"
#include "sys/process.h"
#include "sys/self.h"
#include "sys/socket.h"

namespace hull::keeper {
namespace {

// As long as real ones: no short string.
const std::string a(64, 'a'), e1(64, 'e');
constexpr auto patience = std::chrono::seconds(10);

// Remembers what the keeper says.
class Heard : public ClientEvents {
public:
    void on_task(TaskRecord record, TaskFds fds) override {
        std::lock_guard lock(mutex);
        TaskKey key = record.key;
        tasks[key] = {std::move(record), std::move(fds)};
    }
    void on_exited(ExitReport report) override {
        std::lock_guard lock(mutex);
        exits[report.key] = std::move(report);
        changed.notify_all();
    }
    void on_stdin_closed(const TaskKey& key) override {
        std::lock_guard lock(mutex);
        // As hulld must: the program sees the end only when no copy is left.
        if (auto at = tasks.find(key); at != tasks.end()) at->second.second.in.reset();
        early_closed.insert({key, true});
    }
    void on_lost() override {
        std::lock_guard lock(mutex);
        lost = true;
        changed.notify_all();
    }
    ExitReport wait_exit(const TaskKey& key) {
        std::unique_lock lock(mutex);
        if (!changed.wait_for(lock, patience, [&] { return exits.contains(key); })) {
            ADD_FAILURE() << key.container << " did not end";
            return {};
        }
        return exits[key];
    }
    void wait_lost() {
        std::unique_lock lock(mutex);
        EXPECT_TRUE(changed.wait_for(lock, patience, [&] { return lost; }));
    }
    void keep(const TaskRecord& record, TaskFds fds) {
        std::lock_guard lock(mutex);
        if (early_closed.contains(record.key)) fds.in.reset();
        tasks[record.key] = {record, std::move(fds)};
    }

    std::mutex mutex;
    std::condition_variable changed;
    std::map<TaskKey, std::pair<TaskRecord, TaskFds>> tasks;
    std::map<TaskKey, ExitReport> exits;
    std::map<TaskKey, bool> early_closed;
    bool lost = false;
};

struct Settings {
    bool terminal = false, open_stdin = false, stdin_once = false, log = true;
    std::string note = {};
};

class Keeper : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(sys::become_subreaper().ok());
        start();
    }
    void TearDown() override {
        if (!client) return;
        {
            std::lock_guard lock(heard->mutex);
            for (auto& [key, task] : heard->tasks) {
                if (sys::pidfd_ended(task.second.pidfd)) continue;
                (void)sys::pidfd_signal(task.second.pidfd, SIGKILL);
                ::kill(-task.first.pid, SIGKILL); // what it started
            }
        }
        client->quit_when_idle();
        heard->wait_lost();
        ::waitpid(pid, nullptr, 0);
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {} // what came to us
    }
    void start() {
        heard = std::make_unique<Heard>();
        auto started = start_keeper(HULL_FAKE_KEEPER, folder.path());
        ASSERT_TRUE(started.ok()) << started.error().message();
        pid = started->pid;
        client = MUST(Client::connect(std::move(started->socket), *heard));
    }
    // Reconnects as a new hulld does.
    void reconnect() {
        client.reset();
        heard = std::make_unique<Heard>();
        auto socket = sys::connect_unix(folder.path("keeper.sock"), sys::SocketType::seqpacket);
        ASSERT_TRUE(socket.ok()) << socket.error().message();
        client = MUST(Client::connect(std::move(*socket), *heard));
        ASSERT_TRUE(client->recover().ok());
        ASSERT_TRUE(client->list().ok());
    }
    void kill_keeper() {
        ::kill(pid, SIGKILL);
        heard->wait_lost();
        ::waitpid(pid, nullptr, 0);
        client.reset();
    }

    struct Pending {
        UniqueFd ours, theirs;
        StreamOptions options;
    };
    static Pending pending(StreamOptions options = {false, true, true, "", "", true}) {
        auto [ours, theirs] = MUST(sys::socket_pair(sys::SocketType::stream));
        return {std::move(ours), std::move(theirs), std::move(options)};
    }
    Result<Launched> launch(const TaskKey& key, const std::string& command, Settings settings = {},
                            Pending* attached = nullptr) {
        Launch request;
        request.record.key = key;
        request.record.terminal = settings.terminal;
        request.record.open_stdin = settings.open_stdin;
        request.record.stdin_once = settings.stdin_once;
        request.record.note = settings.note;
        if (settings.log && key.exec.empty())
            request.record.log = {true, folder.path(key.container + ".log"), 0, 5, {}};
        request.plan = (settings.terminal ? "tty:" : "") + command;
        std::vector<BorrowedFd> clients;
        if (attached) {
            request.streams.push_back(attached->options);
            clients.push_back(attached->theirs);
        }
        auto started = client->launch(request, {}, clients);
        if (attached) attached->theirs.reset();
        if (!started.ok()) return std::move(started).error();
        heard->keep(started->launched.record, std::move(started->fds));
        return std::move(started->launched);
    }
    // Everything until the end of file.
    static std::string read_all(BorrowedFd socket) {
        std::string all;
        char buffer[65536];
        timeval limit{10, 0};
        ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        for (;;) {
            ssize_t n = ::recv(socket.get(), buffer, sizeof buffer, 0);
            if (n < 0) ADD_FAILURE() << "recv: " << errno;
            if (n <= 0) return all;
            all.append(buffer, static_cast<size_t>(n));
        }
    }
    static std::string read_until(BorrowedFd socket, std::string_view end) {
        std::string all;
        char c;
        timeval limit{10, 0};
        ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        while (!all.ends_with(end)) {
            if (::recv(socket.get(), &c, 1, 0) != 1) {
                ADD_FAILURE() << "no \"" << end << "\" in \"" << all << '"';
                break;
            }
            all += c;
        }
        return all;
    }
    static std::string unframe(std::string_view framed, char stream) {
        std::string out;
        while (framed.size() >= 8) {
            size_t length = 0;
            for (int i = 4; i < 8; ++i)
                length = length << 8 | static_cast<unsigned char>(framed[static_cast<size_t>(i)]);
            if (framed[0] == stream) out += framed.substr(8, length);
            framed.remove_prefix(std::min(framed.size(), 8 + length));
        }
        EXPECT_TRUE(framed.empty());
        return out;
    }
    // The log's lines' texts, still escaped.
    std::string logged(const std::string& container) {
        std::string all = sys::read_file(folder.path(container + ".log")).value(), out;
        for (size_t at = 0; at < all.size(); at = all.find('\n', at) + 1) {
            size_t end = all.find("\",\"stream\"", at);
            out += all.substr(at + 8, end - at - 8);
        }
        return out;
    }
    size_t keeper_fds() { return sys::list_dir("/proc/" + std::to_string(pid) + "/fd")->size(); }
    template <class F>
    static bool soon(F&& condition) {
        auto end = std::chrono::steady_clock::now() + patience;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        return true;
    }

    TestFolder folder;
    std::unique_ptr<Heard> heard;
    std::unique_ptr<Client> client;
    pid_t pid = 0;
};

TEST_F(Keeper, RunsATaskLogsItAndTellsItsEnd) {
    auto launched = launch({a, ""}, "echo out; echo err >&2; exit 7");
    ASSERT_TRUE(launched.ok()) << launched.error().message();
    EXPECT_GT(launched->record.pid, 0);
    EXPECT_GT(launched->record.started_at, 0);
    EXPECT_EQ(launched->steps.at(0).name, "fork");
    ExitReport exit = heard->wait_exit({a, ""});
    EXPECT_TRUE(exit.known);
    EXPECT_EQ(exit.code, 7);
    EXPECT_GE(exit.finished_at, launched->record.started_at);
    std::string text = logged(a);
    EXPECT_TRUE(text == "out\\nerr\\n" || text == "err\\nout\\n") << text;
    EXPECT_FALSE(sys::exists(folder.path("containers/" + a)));
    EXPECT_TRUE(sys::exists(folder.path("exits/" + a)));
    client->acknowledge(exit);
    EXPECT_TRUE(soon([&] { return !sys::exists(folder.path("exits/" + a)); }));
}

TEST_F(Keeper, DeathBySignalIs128Plus) {
    ASSERT_TRUE(launch({a, ""}, "kill -9 $$").ok());
    EXPECT_EQ(heard->wait_exit({a, ""}).code, 137);
}

TEST_F(Keeper, AFailedStartLeavesNothingAndClosesItsClients) {
    size_t before = keeper_fds();
    auto client_socket = pending();
    auto launched = launch({a, ""}, "fail:no such thing", {}, &client_socket);
    ASSERT_FALSE(launched.ok());
    EXPECT_EQ(launched.error().kind(), ErrorKind::no_such_program);
    EXPECT_EQ(launched.error().message(), "no such thing");
    EXPECT_EQ(read_all(client_socket.ours), "");
    EXPECT_EQ(sys::list_dir(folder.path("containers"))->size(), 0u);
    EXPECT_EQ(sys::list_dir(folder.path("exits"))->size(), 0u);
    EXPECT_EQ(keeper_fds(), before);
}

TEST_F(Keeper, AnAttachedClientGetsFramesToTheLastByte) {
    auto attached = pending();
    ASSERT_TRUE(launch({a, ""}, "seq 1 200000; echo done >&2", {}, &attached).ok());
    std::string framed = read_all(attached.ours);
    std::string expected;
    for (int i = 1; i <= 200000; ++i) expected += std::to_string(i) + "\n";
    EXPECT_EQ(unframe(framed, 1), expected);
    EXPECT_EQ(unframe(framed, 2), "done\n");
    EXPECT_EQ(heard->wait_exit({a, ""}).code, 0);
    EXPECT_EQ(logged(a).size(), expected.size() + 200000 + 6);
}

TEST_F(Keeper, HalfCloseIsTheEndOfInputAndOutputFlowsOn) {
    auto attached = pending({true, true, true, "early ", "", true});
    Settings settings{.open_stdin = true, .stdin_once = true};
    ASSERT_TRUE(launch({a, ""}, "cat; echo end; exit 4", settings, &attached).ok());
    ASSERT_EQ(::send(attached.ours.get(), "late\n", 5, 0), 5);
    ::shutdown(attached.ours.get(), SHUT_WR);
    EXPECT_EQ(unframe(read_all(attached.ours), 1), "early late\nend\n");
    EXPECT_EQ(heard->wait_exit({a, ""}).code, 4);
}

TEST_F(Keeper, MuchInputGoesThroughUnchanged) {
    auto attached = pending({true, true, false, "", "", true});
    Settings settings{.open_stdin = true, .stdin_once = true};
    ASSERT_TRUE(launch({a, ""}, "cat", settings, &attached).ok());
    std::string text(3'000'000, '\0');
    for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i * 31 % 26);
    std::thread writer([&] {
        for (size_t at = 0; at < text.size();) {
            ssize_t n = ::send(attached.ours.get(), text.data() + at, text.size() - at, MSG_NOSIGNAL);
            if (n <= 0) break;
            at += static_cast<size_t>(n);
        }
        ::shutdown(attached.ours.get(), SHUT_WR);
    });
    std::string back = unframe(read_all(attached.ours), 1);
    writer.join();
    EXPECT_TRUE(back == text) << back.size();
}

TEST_F(Keeper, WithoutStdinOnceTheClientLeavesAndTheProgramReadsOn) {
    Settings settings{.open_stdin = true};
    ASSERT_TRUE(launch({a, ""}, "read x; read y; echo $x $y; exit 5", settings).ok());
    for (const char* text : {"one\n", "two\n"}) {
        auto attached = pending({true, true, false, "", "", false});
        ASSERT_TRUE(client->attach({{a, ""}, attached.options}, attached.theirs).ok());
        attached.theirs.reset();
        ASSERT_EQ(::send(attached.ours.get(), text, 4, 0), 4);
        ::shutdown(attached.ours.get(), SHUT_WR);
        read_all(attached.ours);
    }
    EXPECT_EQ(heard->wait_exit({a, ""}).code, 5);
    EXPECT_EQ(logged(a), "one two\\n");
}

TEST_F(Keeper, ATerminalIsRawAndDetachKeysLeaveItRunning) {
    auto attached = pending({true, true, true, "", "\x10\x11", true});
    Settings settings{.terminal = true, .open_stdin = true};
    ASSERT_TRUE(launch({a, ""}, "stty -echo; echo ready; read x; echo got $x; exit 6", settings, &attached).ok());
    EXPECT_EQ(read_until(attached.ours, "ready\r\n"), "ready\r\n");
    ASSERT_EQ(::send(attached.ours.get(), "\x10\x11", 2, 0), 2);
    EXPECT_EQ(read_all(attached.ours), "");
    auto again = pending({true, true, true, "", "\x10\x11", false});
    ASSERT_TRUE(client->attach({{a, ""}, again.options}, again.theirs).ok());
    again.theirs.reset();
    ASSERT_EQ(::send(again.ours.get(), "words\n", 6, 0), 6);
    EXPECT_EQ(read_until(again.ours, "got words\r\n"), "got words\r\n");
    EXPECT_EQ(heard->wait_exit({a, ""}).code, 6);
    EXPECT_EQ(read_all(again.ours), "");
}

TEST_F(Keeper, SeveralClientsSeeTheSameAndOneThatIsGoneHarmsNobody) {
    Settings settings{.open_stdin = true, .stdin_once = true};
    auto first = pending({true, true, false, "", "", true});
    ASSERT_TRUE(launch({a, ""}, "read x; seq 1 50000; cat", settings, &first).ok());
    std::vector<Pending> others;
    for (int i = 0; i < 3; ++i) {
        others.push_back(pending({false, true, false, "", "", false}));
        ASSERT_TRUE(client->attach({{a, ""}, others.back().options}, others.back().theirs).ok());
        others.back().theirs.reset();
    }
    others.pop_back(); // closed without a word
    ASSERT_EQ(::send(first.ours.get(), "go\n", 3, 0), 3);
    ::shutdown(first.ours.get(), SHUT_WR);
    std::vector<std::string> got(3);
    std::vector<std::thread> readers;
    readers.emplace_back([&] { got[0] = unframe(read_all(first.ours), 1); });
    for (size_t i = 0; i < 2; ++i) readers.emplace_back([&, i] { got[i + 1] = unframe(read_all(others[i].ours), 1); });
    for (auto& reader : readers) reader.join();
    EXPECT_TRUE(got[0].ends_with("50000\n"));
    EXPECT_EQ(got[1], got[0]);
    EXPECT_EQ(got[2], got[0]);
    EXPECT_EQ(heard->wait_exit({a, ""}).code, 0);
}

TEST_F(Keeper, ASlowClientHoldsUpItsOwnTaskOnly) {
    auto slow = pending();
    ASSERT_TRUE(launch({"slow", ""}, "seq 1 2000000", {}, &slow).ok());
    ASSERT_TRUE(launch({"quick", ""}, "seq 1 100000; exit 3").ok());
    EXPECT_EQ(heard->wait_exit({"quick", ""}).code, 3);
    {
        std::lock_guard lock(heard->mutex);
        EXPECT_FALSE(heard->exits.contains({"slow", ""}));
    }
    EXPECT_TRUE(unframe(read_all(slow.ours), 1).ends_with("\n2000000\n"));
    EXPECT_EQ(heard->wait_exit({"slow", ""}).code, 0);
}

TEST_F(Keeper, TheEndIsToldEvenIfAClientDoesNotTakeTheLastOutput) {
    auto lazy = pending();
    ASSERT_TRUE(launch({a, ""}, "seq 1 20000", {}, &lazy).ok());
    EXPECT_EQ(heard->wait_exit({a, ""}).code, 0);
    EXPECT_TRUE(unframe(read_all(lazy.ours), 1).ends_with("\n20000\n"));
}

TEST_F(Keeper, ExecHasItsOwnStreamsAndEnd) {
    ASSERT_TRUE(launch({a, ""}, "sleep 100").ok());
    auto attached = pending({true, true, true, "", "", true});
    Settings settings{.open_stdin = true, .stdin_once = true};
    ASSERT_TRUE(launch({a, e1}, "cat; exit 9", settings, &attached).ok());
    ASSERT_EQ(::send(attached.ours.get(), "hi", 2, 0), 2);
    ::shutdown(attached.ours.get(), SHUT_WR);
    EXPECT_EQ(unframe(read_all(attached.ours), 1), "hi");
    EXPECT_EQ(heard->wait_exit({a, e1}).code, 9);
    auto none = launch({"b", e1}, "true");
    EXPECT_EQ(none.error().kind(), ErrorKind::conflict);
}

TEST_F(Keeper, TheSameContainerTwiceIsAConflict) {
    ASSERT_TRUE(launch({a, ""}, "sleep 100").ok());
    EXPECT_EQ(launch({a, ""}, "true").error().kind(), ErrorKind::conflict);
}

TEST_F(Keeper, ManyAtOnceLeaveNoDescriptorBehind) {
    ASSERT_TRUE(launch({"warm", ""}, "true").ok());
    client->acknowledge(heard->wait_exit({"warm", ""}));
    // The end is told before the last descriptors close; the ack is read after.
    ASSERT_TRUE(soon([&] { return sys::list_dir(folder.path("exits"))->empty(); }));
    size_t before = keeper_fds();
    std::vector<std::thread> threads;
    std::atomic<int> failures = 0;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 10; ++i) {
                TaskKey key{"c" + std::to_string(t) + "-" + std::to_string(i), ""};
                auto attached = pending();
                if (!launch(key, "echo x", {}, &attached).ok() || unframe(read_all(attached.ours), 1) != "x\n")
                    ++failures;
                ExitReport exit = heard->wait_exit(key);
                if (exit.code != 0) ++failures;
                client->acknowledge(exit);
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(failures, 0);
    EXPECT_TRUE(soon([&] { return keeper_fds() == before; })) << before << " " << keeper_fds();
    EXPECT_TRUE(soon([&] { return sys::list_dir(folder.path("exits"))->empty(); }));
}

TEST_F(Keeper, OutlivesItsEngineAndTellsTheNextOneEverything) {
    std::string counter = "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i; sleep 0.005; done; exit 17";
    ASSERT_TRUE(launch({"runs", ""}, "sleep 100", {.note = "n1"}).ok());
    auto counting = launch({"counts", ""}, counter);
    ASSERT_TRUE(counting.ok());
    client.reset(); // as after kill -9 of hulld
    heard = std::make_unique<Heard>();
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    reconnect();
    {
        std::lock_guard lock(heard->mutex);
        ASSERT_TRUE(heard->tasks.contains({"runs", ""}));
        EXPECT_EQ((heard->tasks[{"runs", ""}].first.note), "n1");
        EXPECT_TRUE((heard->tasks[{"runs", ""}].second.out.valid()));
    }
    ExitReport exit = heard->wait_exit({"counts", ""});
    EXPECT_EQ(exit.code, 17);
    EXPECT_TRUE(exit.known);
    std::string expected;
    for (int i = 1; i <= 100; ++i) expected += "line " + std::to_string(i) + "\\n";
    EXPECT_EQ(logged("counts"), expected);
}

TEST_F(Keeper, AnEngineHearsOfWhatTheOneBeforeBegan) {
    std::thread before([&] { EXPECT_FALSE(launch({"slow", ""}, "slow:sleep 100").ok()); });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    Heard next;
    auto second =
        MUST(Client::connect(MUST(sys::connect_unix(folder.path("keeper.sock"), sys::SocketType::seqpacket)), next));
    before.join();
    ASSERT_TRUE(second->list().ok());
    EXPECT_TRUE(next.tasks.contains({"slow", ""}));
    second.reset();
    reconnect();
}

TEST_F(Keeper, AStartThatHangsDoesNotKeepTheNextEngineWaitingForEver) {
    std::thread before([&] { EXPECT_FALSE(launch({"stuck", ""}, "stuck:sleep 100").ok()); });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    Heard next;
    auto second =
        MUST(Client::connect(MUST(sys::connect_unix(folder.path("keeper.sock"), sys::SocketType::seqpacket)), next));
    ASSERT_TRUE(second->list().ok());
    EXPECT_TRUE(next.tasks.empty());
    before.join();
    second.reset();
    reconnect();
}

TEST_F(Keeper, ANewKeeperGoesOnWithWhatTheDeadOneHeld) {
    Settings settings{.open_stdin = true};
    ASSERT_TRUE(launch({a, ""}, "while read x; do echo got $x; [ $x = end ] && exit 11; done", settings).ok());
    auto before = pending({true, true, false, "one\n", "", false});
    ASSERT_TRUE(client->attach({{a, ""}, before.options}, before.theirs).ok());
    read_until(before.ours, "got one\n");
    kill_keeper();
    auto held = std::move(heard->tasks);
    start();
    for (auto& [key, task] : held) ASSERT_TRUE(client->adopt(task.first, task.second).ok());
    ASSERT_TRUE(client->recover().ok());
    auto after = pending({true, true, false, "two\n", "", false});
    ASSERT_TRUE(client->attach({{a, ""}, after.options}, after.theirs).ok());
    after.theirs.reset();
    read_until(after.ours, "got two\n");
    // We are the subreaper: nobody but us can reap it.
    ASSERT_EQ(::send(after.ours.get(), "end\n", 4, 0), 4);
    read_until(after.ours, "got end\n");
    ASSERT_TRUE(soon([&] { return sys::pidfd_ended((held[{a, ""}].second.pidfd)); }));
    auto status = sys::reap_pidfd(held[{a, ""}].second.pidfd);
    if (status) client->orphan_ended({a, ""}, status->code);
    ExitReport exit = heard->wait_exit({a, ""});
    EXPECT_TRUE(exit.known);
    EXPECT_EQ(exit.code, 11);
    EXPECT_EQ(logged(a), "got one\\ngot two\\ngot end\\n");
}

TEST_F(Keeper, AnOrphansStatusIsFoundWithoutAnyonesHelp) {
    ASSERT_TRUE(launch({a, ""}, "sleep 0.3; exit 12").ok());
    kill_keeper();
    auto held = std::move(heard->tasks);
    start();
    for (auto& [key, task] : held) ASSERT_TRUE(client->adopt(task.first, task.second).ok());
    ExitReport exit = heard->wait_exit({a, ""});
    EXPECT_TRUE(exit.known) << exit.error;
    EXPECT_EQ(exit.code, 12);
    (void)sys::reap_pidfd(held[{a, ""}].second.pidfd);
}

TEST_F(Keeper, WhenBothDiedTheRunningIsFoundAndTheEndedIsHonest) {
    ASSERT_TRUE(launch({"runs", ""}, "trap '' PIPE; sleep 1.5; echo still logged; exit 13").ok());
    ASSERT_TRUE(launch({"ends", ""}, "sleep 0.2; exit 14").ok());
    kill_keeper();
    {
        // Dead hands hold nothing.
        auto dropped = std::move(heard->tasks);
        ASSERT_TRUE(soon([&] { return sys::pidfd_ended((dropped[{"ends", ""}].second.pidfd)); }));
        (void)sys::reap_pidfd(dropped[{"ends", ""}].second.pidfd);
    }
    start();
    ASSERT_TRUE(client->recover().ok());
    ASSERT_TRUE(client->list().ok());
    {
        std::lock_guard lock(heard->mutex);
        EXPECT_TRUE(heard->tasks.contains({"runs", ""}));
        EXPECT_FALSE(heard->tasks.contains({"ends", ""}));
    }
    ExitReport ended = heard->wait_exit({"ends", ""});
    EXPECT_FALSE(ended.known);
    EXPECT_EQ(ended.code, 255);
    EXPECT_NE(ended.error, "");
    ExitReport exit = heard->wait_exit({"runs", ""});
    EXPECT_EQ(exit.code, 13);
    EXPECT_EQ(logged("runs"), "still logged\\n");
}

TEST_F(Keeper, UpgradesInPlaceWithEverythingGoingOn) {
    Settings settings{.open_stdin = true, .stdin_once = true};
    auto attached = pending({true, true, false, "", "", true});
    ASSERT_TRUE(launch({a, ""}, "printf half; read x; echo got $x; exit 15", settings, &attached).ok());
    auto slow = pending();
    ASSERT_TRUE(launch({"slow", ""}, "seq 1 500000", {}, &slow).ok());
    read_until(attached.ours, "half");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    UniqueFd program = MUST(sys::open(HULL_FAKE_KEEPER, O_PATH | O_CLOEXEC));
    size_t before = keeper_fds();
    for (int i = 0; i < 3; ++i) {
        auto welcome = client->upgrade(program);
        ASSERT_TRUE(welcome.ok()) << welcome.error().message();
        EXPECT_EQ(welcome->pid, pid);
    }
    EXPECT_LE(keeper_fds(), before + 4);
    ASSERT_EQ(::send(attached.ours.get(), "this\n", 5, 0), 5);
    EXPECT_TRUE(read_all(attached.ours).ends_with("got this\n"));
    EXPECT_EQ(heard->wait_exit({a, ""}).code, 15);
    EXPECT_EQ(logged(a), "halfgot this\\n");
    std::string expected;
    for (int i = 1; i <= 500000; ++i) expected += std::to_string(i) + "\n";
    EXPECT_TRUE(unframe(read_all(slow.ours), 1) == expected);
    EXPECT_EQ(heard->wait_exit({"slow", ""}).code, 0);
    ASSERT_TRUE(launch({"new", ""}, "exit 1").ok());
    EXPECT_EQ(heard->wait_exit({"new", ""}).code, 1);
}

TEST_F(Keeper, AnUpgradeToSomethingElseFailsAndChangesNothing) {
    ASSERT_TRUE(launch({a, ""}, "sleep 0.3; exit 16").ok());
    UniqueFd text = MUST(sys::open("/etc/passwd", O_PATH | O_CLOEXEC));
    EXPECT_FALSE(client->upgrade(text).ok());
    EXPECT_EQ(heard->wait_exit({a, ""}).code, 16);
}

TEST_F(Keeper, LeavesWhenToldAndIdle) {
    ASSERT_TRUE(launch({a, ""}, "sleep 0.2").ok());
    client->quit_when_idle();
    heard->wait_exit({a, ""});
    heard->wait_lost();
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    client.reset();
}

TEST_F(Keeper, OthersCannotReachIt) {
    EXPECT_EQ(sys::stat(folder.path("keeper.sock"))->st_mode & 0777, 0600u);
    EXPECT_EQ(sys::stat(folder.path("exits"))->st_mode & 0777, 0700u);
    EXPECT_EQ(sys::stat(folder.path("containers"))->st_mode & 0777, 0700u);
}

TEST(StateFilesTest, IdsThatAreNoNamesAreRefused) {
    TestFolder folder;
    auto files = MUST(StateFiles::open(folder.path("root")));
    for (const char* id : {"", "..", "a/b", "a.b"}) {
        TaskRecord record;
        record.key = {id, ""};
        EXPECT_EQ(files.save_running(record).error().kind(), ErrorKind::invalid_argument) << id;
    }
}

TEST(StateFilesTest, BrokenFilesAreRemoved) {
    TestFolder folder;
    auto files = MUST(StateFiles::open(folder.path("root")));
    ExitReport report{{"c", "e"}, 3, true, 5, "", ""};
    ASSERT_TRUE(files.save_exit(report).ok());
    ASSERT_TRUE(sys::replace_file(folder.path("root/exits/broken"), "garbage", 0600).ok());
    auto exits = files.exits();
    ASSERT_TRUE(exits.ok());
    ASSERT_EQ(exits->size(), 1u);
    EXPECT_EQ(exits->at(0).key, report.key);
    EXPECT_FALSE(sys::exists(folder.path("root/exits/broken")));
}

TEST(StateFilesTest, WhatAKeeperDiedWritingIsRemovedAndNotBelieved) {
    TestFolder folder;
    auto files = MUST(StateFiles::open(folder.path("root")));
    ExitReport report{{"c", ""}, 3, true, 5, "", ""};
    ASSERT_TRUE(files.save_exit(report).ok());
    ASSERT_TRUE(sys::rename(folder.path("root/exits/c"), folder.path("root/exits/c.tmp-0123abcd")).ok());
    EXPECT_TRUE(MUST(files.exits()).empty());
    EXPECT_TRUE(MUST(sys::list_dir(folder.path("root/exits"))).empty());
}

} // namespace
} // namespace hull::keeper
