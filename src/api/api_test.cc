#include "api/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/fake_engine.h"
#include "codec/json.h"

namespace hull::api {
namespace {

using http::Method;
using ::testing::_;
using ::testing::AllOf;
using ::testing::ByMove;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Return;

class ApiTest : public testing::Test {
protected:
    FakeExchange call(Method method, std::string target, std::string body = "") {
        FakeExchange exchange(method, std::move(target), std::move(body));
        api->handle(exchange);
        return exchange;
    }
    FakeEngine engine;
    std::unique_ptr<Api> api = Api::create(
        {.version = "0.1.0", .networks = {{.name = "bridge", .id = "b1", .driver = "bridge", .subnet = "10.1.0.0/16"}}},
        engine);
    MockContainers& containers = engine.mock_containers;
    MockExecs& execs = engine.mock_execs;
};

engine::ContainerView some_container() {
    engine::ContainerView view;
    view.id = ContainerId(std::string(64, 'a'));
    view.name = "web";
    view.network.networks["bridge"].ip_address = "10.1.0.2";
    view.network.networks["bridge"].dns_names = {"web"};
    return view;
}

class TextArchive : public engine::OpenArchive {
public:
    const engine::PathStat& stat() const override { return stat_; }
    Result<void> write(ByteSink& sink) override {
        TRY(sink.write("tar"));
        return fails ? Result<void>(Error(ErrorKind::system, "broke")) : Result<void>();
    }
    bool fails = false;

private:
    engine::PathStat stat_{
        .name = "f", .size = 3, .mode = 0104755, .mtime = WallTime{5'000'000'000}, .link_target = ""};
};

TEST_F(ApiTest, ArchiveAnswersWithItsStatInAHeader) {
    EXPECT_CALL(engine.mock_files, open_archive("c", "/f")).WillOnce([](auto&, auto&) {
        return std::unique_ptr<engine::OpenArchive>(std::make_unique<TextArchive>());
    });
    auto reply = call(Method::get, "/v1.41/containers/c/archive?path=/f");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.headers.get("Content-Type"), "application/x-tar");
    EXPECT_EQ(reply.headers.get("X-Docker-Container-Path-Stat"),
              // {"name":"f","size":3,"mode":8389101,"mtime":"1970-01-01T00:00:05Z","linkTarget":""}
              "eyJuYW1lIjoiZiIsInNpemUiOjMsIm1vZGUiOjgzODkxMDEsIm10aW1lIjoiMTk3MC0wMS0wMVQwMDowMDowNVoiLCJsaW5rVGFyZ2V0"
              "IjoiIn0=");
    EXPECT_EQ(reply.text, "tar");
    EXPECT_FALSE(reply.aborted);
}

TEST_F(ApiTest, AnArchiveThatBreaksOffIsSeenAsBroken) {
    EXPECT_CALL(engine.mock_files, open_export("c")).WillOnce([](auto&) {
        auto archive = std::make_unique<TextArchive>();
        archive->fails = true;
        return std::unique_ptr<engine::OpenArchive>(std::move(archive));
    });
    EXPECT_TRUE(call(Method::get, "/containers/c/export").aborted);
}

TEST_F(ApiTest, PutArchivePassesItsOptionsOn) {
    EXPECT_CALL(engine.mock_files, put_archive("c", "/",
                                               AllOf(Field(&engine::PutOptions::keep_kinds, true),
                                                     Field(&engine::PutOptions::chown_to_user, false)),
                                               _))
        .WillOnce([](auto&, auto&, auto&, ByteSource& tar) -> Result<void> {
            std::string buffer(10, 0);
            EXPECT_EQ(MUST(tar.read(buffer)), 4u);
            return {};
        });
    EXPECT_EQ(call(Method::put, "/containers/c/archive?path=/&noOverwriteDirNonDir=1&copyUIDGID=0", "data").status,
              200);
    EXPECT_EQ(call(Method::put, "/containers/c/archive", "data").status, 400);
}

TEST_F(ApiTest, ChangesAreNullWhenThereAreNone) {
    EXPECT_CALL(engine.mock_files, changes("c"))
        .WillOnce(Return(ByMove(std::vector<engine::FileChange>{})))
        .WillOnce(Return(ByMove(std::vector<engine::FileChange>{{"/a", store::ChangeKind::deleted}})));
    EXPECT_EQ(call(Method::get, "/containers/c/changes").text, "null\n");
    EXPECT_EQ(call(Method::get, "/containers/c/changes").text, "[{\"Path\":\"/a\",\"Kind\":2}]\n");
}

TEST_F(ApiTest, CommitPausesUnlessToldOtherwise) {
    auto digest = MUST(model::Digest::parse("sha256:" + std::string(64, 'a')));
    EXPECT_CALL(engine.mock_files,
                commit(AllOf(Field(&engine::CommitRequest::pause, true), Field(&engine::CommitRequest::repository, "r"),
                             Field(&engine::CommitRequest::changes, testing::SizeIs(2)))))
        .WillOnce(Return(ByMove(digest)));
    auto reply = call(Method::post, "/commit?container=c&repo=r&changes=a&changes=b");
    EXPECT_EQ(reply.status, 201);
    EXPECT_EQ(reply.text, "{\"Id\":\"" + digest.str() + "\"}\n");
    EXPECT_CALL(engine.mock_files, commit(Field(&engine::CommitRequest::pause, false)))
        .WillOnce(Return(ByMove(digest)));
    EXPECT_EQ(call(Method::post, "/commit?container=c&pause=0", "null").status, 201);
    EXPECT_EQ(call(Method::post, "/commit", "").status, 400);
}

TEST_F(ApiTest, PingHasDockersHeaders) {
    for (Method method : {Method::get, Method::head}) {
        auto reply = call(method, "/_ping");
        EXPECT_EQ(reply.status, 200);
        EXPECT_EQ(reply.headers.get("Api-Version"), "1.55");
        EXPECT_EQ(reply.headers.get("Ostype"), "linux");
        EXPECT_EQ(reply.headers.get("Docker-Experimental"), "false");
        EXPECT_EQ(reply.headers.get("Swarm"), "inactive");
        EXPECT_EQ(reply.text, method == Method::get ? "OK" : "");
    }
}

TEST_F(ApiTest, UnknownPathsAndVersionsAreRefusedInDockersShape) {
    EXPECT_EQ(call(Method::get, "/nowhere").text, "{\"message\":\"page not found\"}\n");
    EXPECT_EQ(call(Method::get, "/nowhere").status, 404);
    auto reply = call(Method::get, "/v1.99/info");
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(reply.text, HasSubstr("client version 1.99 is too new. Maximum supported API version is 1.55"));
}

TEST_F(ApiTest, EngineErrorsKeepTheirTextAndGetAStatus) {
    EXPECT_CALL(containers, start("x")).WillOnce([](auto&) {
        return Error(ErrorKind::not_found, "No such container: x");
    });
    auto reply = call(Method::post, "/v1.43/containers/x/start");
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(reply.text, "{\"message\":\"No such container: x\"}\n");
}

TEST_F(ApiTest, StartOfARunningContainerIs304WithoutABody) {
    EXPECT_CALL(containers, start("x")).WillOnce([](auto&) { return Error(ErrorKind::not_modified, "running"); });
    auto reply = call(Method::post, "/containers/x/start");
    EXPECT_EQ(reply.status, 304);
    EXPECT_EQ(reply.text, "");
}

TEST_F(ApiTest, CreateAnswersIdAndWarnings) {
    EXPECT_CALL(containers, create(_, _)).WillOnce([](model::CreateRequest request, engine::CreateOptions options) {
        EXPECT_EQ(request.config.image, "busybox");
        EXPECT_EQ(options.name, "web");
        return engine::Created{ContainerId("abc"), {}};
    });
    auto reply = call(Method::post, "/v1.43/containers/create?name=web", R"({"Image":"busybox"})");
    EXPECT_EQ(reply.status, 201);
    EXPECT_EQ(reply.text, "{\"Id\":\"abc\",\"Warnings\":[]}\n");
}

TEST_F(ApiTest, CreateRefusesWhatIsNoJson) {
    EXPECT_EQ(call(Method::post, "/containers/create", "{\"Image\":").status, 400);
    EXPECT_EQ(call(Method::post, "/containers/create", "{\"Image\":5}").status, 400);
    EXPECT_EQ(call(Method::post, "/containers/create").status, 400);
    FakeExchange form(Method::post, "/containers/create", "{}");
    form.mutable_request().headers.set("Content-Type", "text/plain");
    api->handle(form);
    EXPECT_EQ(form.status, 400);
    EXPECT_THAT(form.text, HasSubstr("must be 'application/json'"));
}

TEST_F(ApiTest, ConsoleSizeCountsFromVersion142On) {
    for (auto [version, entries] : {std::pair{"/v1.41", 0}, {"/v1.42", 2}}) {
        EXPECT_CALL(containers, create(_, _)).WillOnce([entries = entries](model::CreateRequest request, auto) {
            EXPECT_EQ(request.host_config.console_size.size(), static_cast<size_t>(entries));
            return engine::Created{};
        });
        call(Method::post, std::string(version) + "/containers/create",
             R"({"Image":"x","HostConfig":{"ConsoleSize":[24,80]}})");
    }
}

TEST_F(ApiTest, ListPassesItsOptionsOn) {
    EXPECT_CALL(containers, list(AllOf(Field(&engine::ListOptions::all, true), Field(&engine::ListOptions::limit, 3))))
        .WillOnce([](const engine::ListOptions& options) {
            EXPECT_EQ(options.filters.get("label").size(), 1u);
            return std::vector<engine::ContainerSummary>{};
        });
    auto reply = call(Method::get, "/containers/json?all=1&limit=3&filters=%7B%22label%22%3A%5B%22a%22%5D%7D");
    EXPECT_EQ(reply.text, "[]\n");
}

TEST_F(ApiTest, InspectChangesWithTheVersion) {
    ON_CALL(containers, inspect("web", false)).WillByDefault([](auto&, bool) { return some_container(); });
    EXPECT_CALL(containers, inspect("web", false)).Times(testing::AnyNumber());
    std::string of_old = call(Method::get, "/v1.41/containers/web/json").text;
    EXPECT_THAT(of_old, AllOf(HasSubstr("\"KernelMemory\":0"), Not(HasSubstr("DNSNames")), HasSubstr("HairpinMode")));
    std::string of_now = call(Method::get, "/v1.55/containers/web/json").text;
    EXPECT_THAT(of_now, AllOf(Not(HasSubstr("KernelMemory")), HasSubstr("DNSNames"), Not(HasSubstr("HairpinMode"))));
    auto value = MUST(json::parse(of_old));
    EXPECT_EQ(value.at("Name").as_string(), "/web");
    EXPECT_EQ(value.at("NetworkSettings").at("IPAddress").as_string(), "10.1.0.2");
    EXPECT_EQ(value.at("State").at("StartedAt").as_string(), "0001-01-01T00:00:00Z");
    EXPECT_TRUE(value.at("ExecIDs").is_null());
    EXPECT_TRUE(value.at("Mounts").as_array().empty());
}

class FixedWaiter : public engine::Waiter {
public:
    std::optional<engine::WaitResult> get(std::stop_token stop) override {
        if (stop.stop_requested()) return std::nullopt;
        return engine::WaitResult{3, {}};
    }
};

TEST_F(ApiTest, WaitSendsItsHeadersFirst) {
    EXPECT_CALL(containers, wait("x", engine::WaitCondition::next_exit)).WillOnce([](auto&, auto) {
        return std::make_unique<FixedWaiter>();
    });
    auto reply = call(Method::post, "/v1.43/containers/x/wait?condition=next-exit");
    EXPECT_TRUE(reply.streamed);
    EXPECT_EQ(reply.text, "{\"StatusCode\":3}\n");
}

TEST_F(ApiTest, StatsNeedNoSecondSampleForOneShot) {
    class OneSample : public engine::StatsSampler {
    public:
        Result<std::optional<engine::StatsView>> next(std::stop_token) override {
            EXPECT_EQ(++calls_, 1);
            engine::StatsView view;
            view.id = ContainerId("abc");
            view.name = "web";
            view.running = true;
            view.usage.cpu_total_ns = 7;
            view.usage.online_cpus = 2;
            return std::optional(view);
        }

    private:
        int calls_ = 0;
    };
    EXPECT_CALL(containers, stats("web")).WillOnce([](auto&) { return std::make_unique<OneSample>(); });
    auto value = MUST(json::parse(call(Method::get, "/containers/web/stats?stream=0&one-shot=1").text));
    EXPECT_EQ(value.at("cpu_stats").at("cpu_usage").at("total_usage").to_number<int>(), 7);
    EXPECT_EQ(value.at("preread").as_string(), "0001-01-01T00:00:00Z");
    EXPECT_EQ(value.at("name").as_string(), "/web");
}

TEST_F(ApiTest, LogsNeedAStream) {
    auto reply = call(Method::get, "/containers/x/logs");
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(reply.text, HasSubstr("Bad parameters: you must choose at least one stream"));
}

TEST_F(ApiTest, ExecNeedsACommand) {
    auto reply = call(Method::post, "/containers/x/exec", R"({"Cmd":[]})");
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.text, "{\"message\":\"No exec command specified\"}\n");
}

TEST_F(ApiTest, ExecWithoutStreamsRunsDetached) {
    EXPECT_CALL(execs, check_start("e")).WillOnce(Return(ByMove(engine::ExecView{})));
    EXPECT_CALL(execs, start("e", _)).WillOnce([](auto&, engine::ExecStart request) -> Result<void> {
        EXPECT_TRUE(request.detach);
        EXPECT_FALSE(request.streams.has_value());
        return {};
    });
    EXPECT_EQ(call(Method::post, "/exec/e/start", "{}").status, 200);
}

TEST_F(ApiTest, EventsAreReplayedAsLines) {
    engine.bus.publish({.type = "container",
                        .action = "start",
                        .actor = "abc",
                        .attributes = {{"image", "busybox"}},
                        .time = {5'000'000'001}});
    auto of_old = call(Method::get, "/v1.41/events?since=1&until=10");
    EXPECT_TRUE(of_old.streamed);
    EXPECT_EQ(of_old.text,
              "{\"status\":\"start\",\"id\":\"abc\",\"from\":\"busybox\",\"Type\":\"container\",\"Action\":\"start\","
              "\"Actor\":{\"ID\":\"abc\",\"Attributes\":{\"image\":\"busybox\"}},\"scope\":\"local\",\"time\":5,"
              "\"timeNano\":5000000001}\n");
    EXPECT_THAT(call(Method::get, "/v1.52/events?since=1&until=10").text, Not(HasSubstr("\"status\"")));
}

TEST_F(ApiTest, NetworksAreListedFilteredAndFoundByName) {
    EXPECT_CALL(containers, list(_)).WillRepeatedly([](auto&) { return std::vector<engine::ContainerSummary>{}; });
    EXPECT_THAT(call(Method::get, "/networks").text, HasSubstr("\"Subnet\":\"10.1.0.0/16\""));
    EXPECT_EQ(call(Method::get, "/networks?filters=%7B%22driver%22%3A%5B%22host%22%5D%7D").text, "[]\n");
    EXPECT_EQ(call(Method::get, "/networks/bridge").status, 200);
    EXPECT_EQ(call(Method::get, "/networks/nosuch").text, "{\"message\":\"network nosuch not found\"}\n");
    EXPECT_EQ(call(Method::delete_, "/networks/bridge").status, 403);
}

TEST_F(ApiTest, WhatIsNotThereSaysSo) {
    EXPECT_EQ(call(Method::get, "/volumes").text, "{\"Volumes\":[],\"Warnings\":null}\n");
    EXPECT_EQ(call(Method::get, "/volumes/x").text, "{\"message\":\"get x: no such volume\"}\n");
    EXPECT_EQ(call(Method::post, "/build").status, 501);
    EXPECT_EQ(call(Method::get, "/swarm").status, 503);
    EXPECT_EQ(call(Method::get, "/plugins").text, "[]\n");
}

TEST_F(ApiTest, ResizeNeedsNumbers) {
    EXPECT_EQ(call(Method::post, "/containers/x/resize?h=x&w=1").status, 400);
    EXPECT_CALL(containers, resize("x", 24, 80)).WillOnce([](auto&, auto, auto) { return Result<void>{}; });
    EXPECT_EQ(call(Method::post, "/containers/x/resize?h=24&w=80").status, 200);
}

} // namespace
} // namespace hull::api
