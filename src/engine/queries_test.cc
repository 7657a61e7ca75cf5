#include "engine/execs.h"
#include "engine/service.h"
#include "engine/test_engine.h"

namespace hull::engine {
namespace {

using test::EngineTest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class QueriesTest : public EngineTest {
protected:
    std::vector<std::string> names(std::vector<std::pair<std::string, std::string>> filters, bool all = true,
                                   int limit = 0) {
        ListOptions options{.all = all, .limit = limit, .size = false, .filters = {}};
        for (auto& [name, value] : filters) options.filters.add(name, value);
        auto list = containers_->list(options);
        EXPECT_TRUE(list.ok()) << list.error().message();
        std::vector<std::string> found;
        for (const auto& one : *list) found.push_back(one.name);
        return found;
    }
};

TEST_F(QueriesTest, ListsNewestFirstAndRunningOnlyByDefault) {
    create("old");
    run("mid");
    create("new");
    EXPECT_THAT(names({}), ElementsAre("new", "mid", "old"));
    EXPECT_THAT(names({}, false), ElementsAre("mid"));
    EXPECT_THAT(names({}, false, 2), ElementsAre("new", "mid"));
}

TEST_F(QueriesTest, Filters) {
    auto asked = request();
    asked.config.labels["tier"] = "web";
    asked.config.exposed_ports = {"80/tcp", "9000-9002/udp"};
    asked.host_config.network_mode = "none";
    asked.host_config.tmpfs["/scratch"] = "";
    ContainerId web = create("web-1", asked);
    ContainerId done = run("db");
    runtime_.end(done, 7);
    EXPECT_THAT(names({{"name", "web"}}), ElementsAre("web-1"));
    EXPECT_THAT(names({{"name", "^/db$"}}), ElementsAre("db"));
    EXPECT_THAT(names({{"id", web.str().substr(0, 8)}}), ElementsAre("web-1"));
    EXPECT_THAT(names({{"label", "tier=web"}}), ElementsAre("web-1"));
    EXPECT_THAT(names({{"label", "tier=db"}}), IsEmpty());
    EXPECT_THAT(names({{"status", "exited"}}, false), ElementsAre("db"));
    EXPECT_THAT(names({{"exited", "7"}}, false), ElementsAre("db"));
    EXPECT_THAT(names({{"exited", "0"}}, false), IsEmpty());
    EXPECT_THAT(names({{"ancestor", "busybox"}}), ElementsAre("db", "web-1"));
    EXPECT_THAT(names({{"ancestor", "other"}}), IsEmpty());
    EXPECT_THAT(names({{"before", "db"}}), ElementsAre("web-1"));
    EXPECT_THAT(names({{"since", "web-1"}}), ElementsAre("db"));
    EXPECT_THAT(names({{"network", "none"}}), ElementsAre("web-1"));
    EXPECT_THAT(names({{"volume", "/scratch"}}), ElementsAre("web-1"));
    EXPECT_THAT(names({{"expose", "80"}}), ElementsAre("web-1"));
    EXPECT_THAT(names({{"expose", "9001/udp"}}), ElementsAre("web-1"));
    EXPECT_THAT(names({{"health", "none"}}), ElementsAre("db", "web-1"));
    EXPECT_THAT(names({{"is-task", "false"}}), ElementsAre("db", "web-1"));
}

TEST_F(QueriesTest, BadFiltersAreRefused) {
    for (auto [name, value] : {std::pair("colour", "red"),
                               {"status", "sleepy"},
                               {"exited", "x"},
                               {"health", "fine"},
                               {"name", "("},
                               {"is-task", "maybe"}}) {
        ListOptions options;
        options.filters.add(name, value);
        EXPECT_EQ(containers_->list(options).error().kind(), ErrorKind::invalid_argument) << name;
    }
    ListOptions options;
    options.filters.add("before", "nobody");
    EXPECT_EQ(containers_->list(options).error().kind(), ErrorKind::not_found);
}

TEST_F(QueriesTest, LooksUpByIdPrefixAndName) {
    ContainerId id = create("deadbeef"); // also looks like an id
    EXPECT_EQ(MUST(containers_->inspect(id.str().substr(0, 12), false)).id, id);
    EXPECT_EQ(MUST(containers_->inspect("/deadbeef", false)).id, id);
    EXPECT_EQ(containers_->inspect("nobody", false).error().message(), "No such container: nobody");
    // With 17 containers two ids share their first digit.
    for (int i = 0; i < 17; ++i) create();
    int ambiguous = 0;
    for (char digit : std::string("0123456789abcdef")) {
        auto found = containers_->inspect(std::string(1, digit), false);
        if (!found.ok() && found.error().kind() == ErrorKind::invalid_argument) {
            EXPECT_THAT(found.error().message(), HasSubstr("multiple IDs found with provided prefix: "));
            ++ambiguous;
        }
    }
    EXPECT_GT(ambiguous, 0);
}

TEST_F(QueriesTest, PruneRemovesWhatStands) {
    create("aa");
    run("bb");
    Filters filters;
    filters.add("label", "none");
    EXPECT_THAT(MUST(containers_->prune(filters)).deleted, IsEmpty());
    EXPECT_EQ(MUST(containers_->prune({})).deleted.size(), 1U);
    EXPECT_THAT(names({}), ElementsAre("bb"));
}

TEST_F(QueriesTest, TopShowsOnlyItsProcesses) {
    host_.ps_output = "UID   PID  PPID CMD\nroot 1001     1 sh -c sleep 1\nroot 7 1 other\nroot 1002 1001 sleep\n";
    ContainerId id = run();
    TopView view = MUST(containers_->top(id.str(), ""));
    EXPECT_THAT(host_.ps_arguments, ElementsAre("-ef", "-q1001,1002"));
    EXPECT_THAT(view.titles, ElementsAre("UID", "PID", "PPID", "CMD"));
    ASSERT_EQ(view.processes.size(), 2U);
    EXPECT_THAT(view.processes[0], ElementsAre("root", "1001", "1", "sh -c sleep 1"));
    host_.ps_output = "USER\nroot\n";
    EXPECT_EQ(containers_->top(id.str(), "-o user").error().kind(), ErrorKind::invalid_argument);
    runtime_.end(id, 0);
    EXPECT_EQ(containers_->top(id.str(), "").error().kind(), ErrorKind::conflict);
}

TEST_F(QueriesTest, StatsOfAStoppedContainerAreEmpty) {
    ContainerId id = run();
    auto sampler = MUST(containers_->stats(id.str()));
    auto first = MUST(sampler->next({}));
    EXPECT_TRUE(first->running);
    EXPECT_EQ(first->usage.memory_usage, 4096U);
    EXPECT_FALSE(first->previous);
    runtime_.end(id, 0);
    EXPECT_FALSE(MUST(MUST(containers_->stats(id.str()))->next({}))->running);
    std::stop_source leaving;
    leaving.request_stop();
    EXPECT_FALSE(MUST(sampler->next(leaving.get_token())));
}

TEST_F(QueriesTest, ExecsRunOnceAndAreToldOf) {
    ContainerId id = run("box");
    Execs& execs = engine_->execs();
    auto events = engine_->events().subscribe({}, std::nullopt, std::nullopt);
    ExecConfig config;
    config.cmd = {"ls", "-l"};
    config.env = {"IMAGE=2", "X=1"};
    config.user = "daemon";
    ExecId exec = MUST(execs.create("box", config));
    EXPECT_FALSE(MUST(execs.inspect(exec.str())).running);
    ASSERT_TRUE(execs.start(exec.str(), {.detach = true}).ok());
    EXPECT_TRUE(MUST(execs.inspect(exec.str())).running);
    EXPECT_THAT(inspect(id).exec_ids, ElementsAre(exec.str()));
    EXPECT_EQ(execs.start(exec.str(), {.detach = true}).error().kind(), ErrorKind::conflict);
    const model::oci::Process& process = runtime_.execs.at(exec.str());
    EXPECT_THAT(process.env, testing::Contains("IMAGE=2"));
    EXPECT_EQ(process.user.username, "daemon");
    runtime_.end_exec(id, exec, 4);
    ExecView view = MUST(execs.inspect(exec.str()));
    EXPECT_FALSE(view.running);
    EXPECT_EQ(view.exit_code, 4);
    std::vector<std::string> actions;
    while (events->ready()) actions.push_back(events->next({})->action);
    EXPECT_THAT(actions, ElementsAre("exec_create: ls -l", "exec_start: ls -l", "exec_die"));
    EXPECT_EQ(execs.inspect("nope").error().message(), "No such exec instance: nope");
}

TEST_F(QueriesTest, AFailedExecHasItsExitCode) {
    run("box");
    Execs& execs = engine_->execs();
    runtime_.exec_error = Error(ErrorKind::no_such_program, "exec: \"no\": executable file not found in $PATH");
    ExecConfig config;
    config.cmd = {"no"};
    ExecId exec = MUST(execs.create("box", config));
    auto started = execs.start(exec.str(), {.detach = true});
    EXPECT_EQ(started.error().message(), "OCI runtime exec failed: exec failed: unable to start container process: "
                                         "exec: \"no\": executable file not found in $PATH: unknown");
    EXPECT_EQ(MUST(execs.inspect(exec.str())).exit_code, 127);
    ASSERT_TRUE(containers_->stop("box", 0, "").ok());
    EXPECT_EQ(execs.create("box", config).error().kind(), ErrorKind::conflict);
}

TEST(DetachKeys, AreReadAsDockerWritesThem) {
    EXPECT_THAT(MUST(parse_detach_keys("")), ElementsAre(16, 17));
    EXPECT_THAT(MUST(parse_detach_keys("ctrl-a,b,ctrl-@,ctrl-[")), ElementsAre(1, 'b', 0, 27));
    EXPECT_FALSE(parse_detach_keys("ctrl-,x").ok());
    EXPECT_FALSE(parse_detach_keys("ab").ok());
}

TEST(StatusText, IsDockers) {
    WallTime now{int64_t{1'000'000} * 1'000'000'000};
    auto ago = [&](int64_t seconds) { return WallTime{now.ns - seconds * 1'000'000'000}; };
    ContainerState state;
    EXPECT_EQ(status_text(state, HealthStatus::none, now), "Created");
    state.status = ContainerStatus::running;
    state.started_at = ago(180);
    EXPECT_EQ(status_text(state, HealthStatus::none, now), "Up 3 minutes");
    EXPECT_EQ(status_text(state, HealthStatus::healthy, now), "Up 3 minutes (healthy)");
    EXPECT_EQ(status_text(state, HealthStatus::starting, now), "Up 3 minutes (health: starting)");
    state.status = ContainerStatus::paused;
    EXPECT_EQ(status_text(state, HealthStatus::none, now), "Up 3 minutes (Paused)");
    state.status = ContainerStatus::exited;
    state.exit_code = 2;
    state.finished_at = ago(7200);
    EXPECT_EQ(status_text(state, HealthStatus::none, now), "Exited (2) 2 hours ago");
    EXPECT_EQ(human_duration(0), "Less than a second");
    EXPECT_EQ(human_duration(65), "About a minute");
    EXPECT_EQ(human_duration(3700), "About an hour");
    EXPECT_EQ(human_duration(3 * 86400), "3 days");
}

} // namespace
} // namespace hull::engine
