#include "apps/hulld/daemon.h"

#include <optional>

#include "api/api.h"
#include "apps/hulld/keeper_runtime.h"
#include "apps/hulld/linux_host.h"
#include "apps/hulld/state_folders.h"
#include "base/log.h"
#include "base/random.h"
#include "build/builder.h"
#include "engine/sandbox_port.h"
#include "http/server.h"
#include "image/images.h"
#include "image/registries.h"
#include "net/bridge.h"
#include "store/blobs.h"
#include "store/layers_directory.h"
#include "store/records.h"
#include "sys/file.h"

namespace hull {

namespace {

// Ids of networks that have none of their own; made once, kept in the records.
Result<std::string> lasting_id(store::Records& records, const std::string& key) {
    auto known = TRY(records.get(store::Table::settings, key));
    if (known) return *known;
    std::string id = random_id();
    TRY(records.put(store::Table::settings, key, id));
    return id;
}

Result<gid_t> socket_group(const Options& options) {
    if (options.group && options.group->empty()) return gid_t{0};
    if (options.group) {
        if (auto group = find_group(*options.group)) return *group;
        return Error(ErrorKind::not_found, "group " + *options.group + " not found");
    }
    for (const char* name : {"hull", "docker"})
        if (auto group = find_group(name)) return *group;
    return gid_t{0};
}

class DaemonImplementation final : public Daemon {
public:
    ~DaemonImplementation() override { stop(); }

    Result<void> open(const Options& options, std::vector<UniqueFd> activation) {
        data_root_.emplace(TRY(StateFolder::open("data root", options.data_root)));
        exec_root_.emplace(TRY(StateFolder::open("exec root", options.exec_root)));
        if (!options.pidfile.empty()) pidfile_.emplace(TRY(PidFile::create(options.pidfile)));
        TRY(open_store(options));
        TRY(open_network(options));
        TRY(open_engine(options));
        return serve(options, std::move(activation));
    }

    void reload(const Options& options) override {
        log::set_level(options.log_level);
        if (registries_) registries_->set_config(options.registries);
        engine::Event event{.type = "daemon", .action = "reload", .actor = "", .attributes = {}, .time = {}};
        event.attributes["debug"] = options.log_level == log::Level::debug ? "true" : "false";
        if (engine_) engine_->events().publish(std::move(event));
    }

    void stop() override {
        if (engine_) engine_->close();
        if (server_) server_->stop(shutdown_ns_);
        server_.reset();
        for (const std::string& path : std::exchange(socket_paths_, {}))
            if (auto removed = sys::unlink(path); !removed.ok()) log::warning("remove the socket", removed.error());
    }

private:
    Result<void> open_store(const Options& options) {
        records_ = TRY(store::Records::open(options.data_root + "/hull.db"));
        blobs_ = TRY(store::BlobStore::open(options.data_root));
        layers_ = TRY(store::DirectoryLayers::open(options.data_root, *records_));
        images_ = TRY(image::Images::open(*records_, *blobs_, *layers_));
        registries_ = std::make_unique<image::Registries>(*images_, options.registries, options.registry_limits);
        return {};
    }

    Result<void> open_network(const Options& options) {
        runtime_ = TRY(make_keeper_runtime(
            {.exec_root = options.exec_root, .keeper_program = {}, .trace_start = options.trace_start}));
        if (options.bridge) {
            bridge_ = TRY(net::Bridge::create(*options.bridge).context("set up the bridge network"));
            for (const std::string& warning : bridge_->warnings()) log::warning(warning);
        }
        sandboxes_ = TRY(engine::make_bridge_sandboxes(*runtime_, bridge_.get(), {}, {}));
        return {};
    }

    Result<void> open_engine(const Options& options) {
        machine_ = make_linux_host();
        engine_ = TRY(engine::Engine::open(options.engine, {.runtime = *runtime_,
                                                            .images = *images_,
                                                            .records = *records_,
                                                            .sandboxes = *sandboxes_,
                                                            .host = *machine_}));
        engine_->images().use(*registries_);
        api::ApiOptions api;
        api.version = HULL_VERSION;
        api.debug = options.log_level == log::Level::debug;
        api.default_init = options.default_init;
        api.networks = TRY(networks(options));
        builder_ = TRY(build::Builder::open({.containers = engine_->containers(),
                                             .images = engine_->images(),
                                             .records = *records_,
                                             .folder = options.data_root + "/build",
                                             .commit =
                                                 [this](const std::string& container, model::ImageConfig config) {
                                                     return engine_->files().commit_as(container, std::move(config));
                                                 },
                                             .pull = {},
                                             .download = {}}));
        api_ = api::Api::create(std::move(api), *engine_, builder_.get());
        return {};
    }

    Result<std::vector<api::NetworkFacts>> networks(const Options& options) {
        std::vector<api::NetworkFacts> list;
        if (bridge_) {
            api::NetworkFacts bridge{.name = "bridge", .id = sandboxes_->network_id(), .driver = "bridge"};
            bridge.subnet = bridge_->subnet().network().str();
            bridge.gateway = bridge_->gateway().str();
            auto text = [](net::Switch on) { return on == net::Switch::on ? "true" : "false"; };
            bridge.options = {
                {"com.docker.network.bridge.default_bridge", "true"},
                {"com.docker.network.bridge.enable_icc", text(options.bridge->container_communication)},
                {"com.docker.network.bridge.enable_ip_masquerade", text(options.bridge->masquerade)},
                {"com.docker.network.bridge.name", bridge_->name()},
                {"com.docker.network.driver.mtu", std::to_string(options.bridge->mtu)},
            };
            list.push_back(std::move(bridge));
        }
        list.push_back({.name = "host", .id = TRY(lasting_id(*records_, "network.host")), .driver = "host"});
        list.push_back({.name = "none", .id = TRY(lasting_id(*records_, "network.none")), .driver = "null"});
        for (api::NetworkFacts& network : list) network.created = wall_now();
        return list;
    }

    Result<void> serve(const Options& options, std::vector<UniqueFd> activation) {
        gid_t group = TRY(socket_group(options));
        std::vector<UniqueFd> listeners;
        for (const Host& host : options.hosts) {
            if (host.kind == Host::Kind::activation) {
                if (activation.empty())
                    return Error(
                        ErrorKind::invalid_argument,
                        "no sockets found via socket activation: make sure the service was started by systemd");
                for (UniqueFd& socket : activation) listeners.push_back(std::move(socket));
                activation.clear();
                continue;
            }
            listeners.push_back(TRY(listen_for_group(host.path, group).context("listen on unix://" + host.path)));
            socket_paths_.push_back(host.path);
            if (host.path.substr(0, host.path.rfind('/')) == exec_root_->path()) TRY(exec_root_->let_pass(group));
        }
        shutdown_ns_ = int64_t{1'000'000'000} *
                       (options.engine.shutdown_timeout < 0 ? 3600 * 24 : options.engine.shutdown_timeout);
        server_ = TRY(http::Server::start(std::move(listeners),
                                          [api = api_.get()](http::Exchange& exchange) { api->handle(exchange); }));
        return {};
    }

    // In the order of their making: each stands on those before it.
    std::optional<StateFolder> data_root_, exec_root_;
    std::optional<PidFile> pidfile_;
    std::unique_ptr<store::Records> records_;
    std::unique_ptr<store::BlobStore> blobs_;
    std::unique_ptr<store::LayerStore> layers_;
    std::unique_ptr<image::Images> images_;
    std::unique_ptr<image::Registries> registries_;
    std::unique_ptr<engine::RuntimePort> runtime_;
    std::unique_ptr<net::Bridge> bridge_;
    std::unique_ptr<engine::SandboxPort> sandboxes_;
    std::unique_ptr<engine::HostPort> machine_;
    std::unique_ptr<engine::Engine> engine_;
    std::unique_ptr<build::Builder> builder_;
    std::unique_ptr<api::Api> api_;
    std::unique_ptr<http::Server> server_;
    std::vector<std::string> socket_paths_; // made here, not given by a service manager
    int64_t shutdown_ns_ = 0;
};

} // namespace

Result<std::unique_ptr<Daemon>> Daemon::start(const Options& options, std::vector<UniqueFd> activation) {
    auto daemon = std::make_unique<DaemonImplementation>();
    TRY(daemon->open(options, std::move(activation)));
    return std::unique_ptr<Daemon>(std::move(daemon));
}

} // namespace hull
