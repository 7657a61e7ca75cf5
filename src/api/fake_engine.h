// An engine for tests of the API: mocks for what acts, a real event bus, and
// requests without a socket. Test code only.
#pragma once

#include <cstdlib>
#include <string>

#include <gmock/gmock.h>

#include "engine/engine.h"
#include "http/server.h"

namespace hull::api {

class MockContainers : public engine::Containers {
public:
    using S = const std::string&;
    MOCK_METHOD(Result<engine::Created>, create, (model::CreateRequest, engine::CreateOptions), (override));
    MOCK_METHOD(Result<std::vector<engine::ContainerSummary>>, list, (const engine::ListOptions&), (override));
    MOCK_METHOD(Result<engine::ContainerView>, inspect, (S, bool), (override));
    MOCK_METHOD(Result<void>, start, (S), (override));
    MOCK_METHOD(Result<void>, stop, (S, std::optional<int>, S), (override));
    MOCK_METHOD(Result<void>, restart, (S, std::optional<int>, S), (override));
    MOCK_METHOD(Result<void>, kill, (S, S), (override));
    MOCK_METHOD(Result<void>, pause, (S), (override));
    MOCK_METHOD(Result<void>, unpause, (S), (override));
    MOCK_METHOD(Result<void>, rename, (S, S), (override));
    MOCK_METHOD(Result<void>, resize, (S, uint16_t, uint16_t), (override));
    MOCK_METHOD(Result<std::vector<std::string>>, update, (S, const model::HostConfig&, const engine::PortChanges&),
                (override));
    MOCK_METHOD(Result<void>, remove, (S, const engine::RemoveOptions&), (override));
    MOCK_METHOD(Result<engine::PruneReport>, prune, (const engine::Filters&), (override));
    MOCK_METHOD(Result<std::unique_ptr<engine::Waiter>>, wait, (S, engine::WaitCondition), (override));
    MOCK_METHOD(Result<std::unique_ptr<engine::LogStream>>, logs, (S, const engine::LogOptions&), (override));
    MOCK_METHOD(Result<engine::TopView>, top, (S, S), (override));
    MOCK_METHOD(Result<std::unique_ptr<engine::StatsSampler>>, stats, (S), (override));
    MOCK_METHOD(Result<engine::AttachInfo>, check_attach, (S), (override));
    MOCK_METHOD(Result<void>, attach, (const ContainerId&, engine::Streams), (override));
};

class MockExecs : public engine::Execs {
public:
    using S = const std::string&;
    MOCK_METHOD(Result<ExecId>, create, (S, engine::ExecConfig), (override));
    MOCK_METHOD(Result<engine::ExecView>, check_start, (S), (override));
    MOCK_METHOD(Result<void>, start, (S, engine::ExecStart), (override));
    MOCK_METHOD(Result<engine::ExecView>, inspect, (S), (override));
    MOCK_METHOD(Result<void>, resize, (S, uint16_t, uint16_t), (override));
};

class MockFiles : public engine::Files {
public:
    using S = const std::string&;
    MOCK_METHOD(Result<engine::PathStat>, stat, (S, S), (override));
    MOCK_METHOD(Result<std::unique_ptr<engine::OpenArchive>>, open_archive, (S, S), (override));
    MOCK_METHOD(Result<void>, put_archive, (S, S, const engine::PutOptions&, ByteSource&), (override));
    MOCK_METHOD(Result<std::vector<engine::FileChange>>, changes, (S), (override));
    MOCK_METHOD(Result<std::unique_ptr<engine::OpenArchive>>, open_export, (S), (override));
    MOCK_METHOD(Result<model::Digest>, commit, (const engine::CommitRequest&), (override));
    MOCK_METHOD(Result<model::Digest>, commit_as, (const std::string&, model::ImageConfig, const engine::CommitAs&),
                (override));
};

// An engine without user-defined networks.
class NoNetworks : public engine::Networks {
public:
    Result<model::NetworkRecord> create(const model::NetworkRequest&) override { return none("new"); }
    std::vector<model::NetworkRecord> all() override { return {}; }
    Result<model::NetworkRecord> find(const std::string& name) override { return none(name); }
    bool in_use(const std::string&) override { return false; }
    Result<void> remove(const std::string& name) override { return none(name); }
    Result<void> update(const std::string& name, const std::map<std::string, std::string>&) override {
        return none(name);
    }
    Result<std::vector<std::string>> prune(const engine::Filters&) override { return std::vector<std::string>{}; }
    Result<void> connect(const std::string& name, const model::NetworkConnectRequest&) override { return none(name); }
    Result<void> disconnect(const std::string& name, const std::string&, bool) override { return none(name); }

private:
    static Error none(const std::string& name) { return {ErrorKind::not_found, "network " + name + " not found"}; }
};

// An engine without volumes.
class NoVolumes : public engine::Volumes {
public:
    Result<engine::VolumeView> create(const model::VolumeRequest& request) override { return none(request.name); }
    Result<std::vector<engine::VolumeView>> list(const engine::Filters&) override {
        return std::vector<engine::VolumeView>{};
    }
    Result<engine::VolumeView> inspect(const std::string& name) override { return none(name); }
    Result<void> remove(const std::string& name, bool) override { return none(name); }
    Result<engine::PruneReport> prune(const engine::Filters&, bool) override { return engine::PruneReport{}; }
    Result<std::vector<engine::VolumeView>> usage() override { return std::vector<engine::VolumeView>{}; }
    std::vector<std::string> drivers() override { return {"local"}; }
    Result<store::SnapshotInfo> make_snapshot(const std::string& name, const std::string&) override {
        return none(name);
    }
    Result<std::vector<store::SnapshotInfo>> snapshots(const std::string& name) override { return none(name); }
    Result<void> restore(const std::string& name, const std::string&) override { return none(name); }
    Result<engine::VolumeView> clone(const std::string& name, const model::VolumeRequest&) override {
        return none(name);
    }
    Result<std::unique_ptr<engine::VolumeExport>> open_export(const std::string& name) override { return none(name); }
    Result<engine::VolumeView> import_tar(const std::string& name, ByteSource&, engine::Replace) override {
        return none(name);
    }
    Result<engine::VolumeView> resize(const std::string& name, const std::string&) override { return none(name); }

private:
    static Error none(const std::string& name) { return {ErrorKind::not_found, "get " + name + ": no such volume"}; }
};

class FakeEngine : public engine::Engine {
public:
    testing::StrictMock<MockContainers> mock_containers;
    testing::StrictMock<MockExecs> mock_execs;
    testing::StrictMock<MockFiles> mock_files;
    engine::EventBus bus;
    engine::InfoView facts;
    engine::EngineOptions engine_options;

    engine::Containers& containers() override { return mock_containers; }
    engine::Execs& execs() override { return mock_execs; }
    engine::Files& files() override { return mock_files; }
    engine::EventBus& events() override { return bus; }
    engine::InfoView info() override { return facts; }
    std::shared_ptr<const engine::EngineOptions> options() const override {
        return std::make_shared<engine::EngineOptions>(engine_options);
    }
    void reload(const engine::EngineOptions& options) override { engine_options = options; }
    engine::ImageService& images() override { std::abort(); } // needs a store: end to end tests
    NoNetworks no_networks;
    engine::Networks& networks() override { return no_networks; }
    NoVolumes no_volumes;
    engine::Volumes& volumes() override { return no_volumes; }
    Result<engine::CheckReport> check(engine::CheckDepth, engine::Repair) override { return engine::CheckReport(); }
    void stop_containers() override {}
    void close() override { bus.close(); }
};

// A request without a socket; keeps what was answered.
class FakeExchange : public http::Exchange {
public:
    FakeExchange(http::Method method, std::string target, std::string body = "") : body_(std::move(body)) {
        request_.method = method;
        request_.target = std::move(target);
        if (!body_.empty()) request_.headers.add("Content-Type", "application/json");
    }
    http::Request& mutable_request() { return request_; }

    const http::Request& request() const override { return request_; }
    Result<size_t> read_body(std::span<char> into) override {
        size_t n = body_.copy(into.data(), into.size());
        body_.erase(0, n);
        return n;
    }
    Result<std::string> read_whole_body(size_t) override { return std::exchange(body_, {}); }
    void respond(http::Response response) override {
        status = response.status;
        headers = std::move(response.headers);
        text = std::move(response.body);
        answered_ = true;
    }
    Result<void> start_stream(int code, http::Headers lines) override {
        status = code;
        headers = std::move(lines);
        answered_ = streamed = true;
        return {};
    }
    Result<void> write(std::string_view data) override {
        text += data;
        return {};
    }
    void abort_stream() override { aborted = true; }
    Result<http::Hijacked> hijack(http::Headers) override { return Error(ErrorKind::internal, "no socket here"); }
    bool answered() const override { return answered_; }
    int answered_status() const override { return status; }
    void on_client_gone(std::function<void()> gone) override { client_gone = std::move(gone); }

    int status = 0;
    http::Headers headers;
    std::string text;
    bool streamed = false, aborted = false;
    std::function<void()> client_gone;

private:
    http::Request request_;
    std::string body_;
    bool answered_ = false;
};

} // namespace hull::api
