#include "apps/hulld/daemon.h"

#include <optional>

#include "api/api.h"
#include "apps/hulld/apparmor.h"
#include "apps/hulld/keeper_runtime.h"
#include "apps/hulld/linux_host.h"
#include "apps/hulld/listeners.h"
#include "apps/hulld/process_metrics.h"
#include "apps/hulld/state_folders.h"
#include "apps/hulld/volume_plugins.h"
#include "base/log.h"
#include "base/random.h"
#include "build/builder.h"
#include "codec/json.h"
#include "engine/runtimes.h"
#include "engine/sandbox_port.h"
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

    Result<void> reload(const Options& options) override {
        // First what can fail: all of it changes, or nothing does.
        TRY(listeners_->reload(options));
        log::set_level(options.log_level);
        if (registries_) {
            registries_->set_config(options.registries);
            registries_->set_limits(options.registry_limits);
        }
        engine_->reload(options.engine);
        set_grace(options);
        engine_->events().publish(reload_event(options));
        return {};
    }

    void stop_containers() override { engine_->stop_containers(); }

    void stop() override {
        constexpr int64_t window_ns = 50'000'000; // a client sends within microseconds of its connect
        if (listeners_) listeners_->drain(window_ns);
        if (engine_) engine_->close();
        if (listeners_) listeners_->stop(shutdown_ns_);
        listeners_.reset();
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
        runtime_ = TRY(make_keeper_runtime({.exec_root = options.exec_root,
                                            .keeper_program = {},
                                            .trace_start = options.trace_start,
                                            .systemd_cgroups = options.engine.systemd_cgroups}));
        if (options.bridge) {
            bridge_ = TRY(net::Bridge::create(*options.bridge).context("set up the bridge network"));
            for (const std::string& warning : bridge_->warnings()) log::warning(warning);
        }
        sandboxes_ = TRY(engine::make_bridge_sandboxes(*runtime_, bridge_.get(), {}, {}));
        return {};
    }

    // Containers start without a profile where the default one can't be had, and the log says so.
    static engine::EngineOptions with_apparmor(const Options& options) {
        engine::EngineOptions out = options.engine;
        if (!out.apparmor || out.apparmor_profile != own_apparmor_profile) return out;
        auto loaded = load_apparmor_profile(out.apparmor_profile, options.exec_root);
        if (loaded.ok()) return out;
        if (loaded.error().kind() == ErrorKind::no_such_program)
            log::warning(
                "containers run without an AppArmor profile: apparmor_parser is not installed (Debian: package "
                "apparmor)");
        else
            log::error("containers run without an AppArmor profile: load " + out.apparmor_profile, loaded.error());
        out.apparmor_profile.clear();
        return out;
    }

    Result<void> open_engine(const Options& options) {
        machine_ = make_linux_host();
        volume_plugins_ = make_volume_plugins(options.plugin_folders);
        engine_ = TRY(engine::Engine::open(with_apparmor(options), {.runtime = *runtime_,
                                                                    .images = *images_,
                                                                    .records = *records_,
                                                                    .sandboxes = *sandboxes_,
                                                                    .host = *machine_,
                                                                    .bridge = bridge_.get(),
                                                                    .volume_drivers = volume_plugins_.get()}));
        engine_->images().use(*registries_);
        api::ApiOptions api;
        api.version = HULL_VERSION;
        api.default_init = options.default_init;
        api.experimental = options.engine.experimental;
        api.usage = process_usage;
        api.networks = TRY(networks(options));
        builder_ = TRY(build::Builder::open(
            {.containers = engine_->containers(),
             .images = engine_->images(),
             .records = *records_,
             .folder = options.data_root + "/build",
             .secrets_folder = options.exec_root + "/build",
             .commit =
                 [this](const std::string& container, model::ImageConfig config, const engine::CommitAs& how) {
                     return engine_->files().commit_as(container, std::move(config), how);
                 },
             .download =
                 [this](const std::string& url, const std::stop_token& stop) {
                     constexpr uint64_t most_bytes = uint64_t{64} << 30;
                     return registries_->download(url, most_bytes, stop);
                 },
             .gc = options.builder_gc,
             .may = options.builder_may}));
        api_ = api::Api::create(std::move(api), *engine_, builder_.get());
        return {};
    }

    // With the settings that are in force now, as Docker's.
    engine::Event reload_event(const Options& options) {
        engine::InfoView info = engine_->info();
        std::vector<std::string> mirrors;
        for (const registry::Mirror& mirror : options.registries.mirrors) mirrors.push_back(mirror.url + "/");
        json::Object runtimes{{engine::kOwnRuntime, json::Object{{"path", "hull-runtime"}}}};
        for (const auto& [name, one] : options.engine.runtimes) runtimes[name] = json::Object{{"path", one.path}};
        std::string labels;
        for (const auto& [key, value] : options.engine.labels)
            labels.append(labels.empty() ? "\"" : ",\"").append(key).append("=").append(value).append("\"");
        return {
            .type = "daemon",
            .action = "reload",
            .actor = info.id,
            .attributes = {{"name", info.name},
                           {"insecure-registries", json::print(json::encode(options.registries.insecure_registries))},
                           {"max-concurrent-downloads", std::to_string(options.registry_limits.downloads)},
                           {"max-concurrent-uploads", std::to_string(options.registry_limits.uploads)},
                           {"max-download-attempts", std::to_string(options.registries.attempts)},
                           {"registry-mirrors", json::print(json::encode(mirrors))},
                           {"runtimes", json::print(runtimes)},
                           {"debug", options.log_level == log::Level::debug ? "true" : "false"},
                           {"default-ipc-mode", options.engine.default_ipc_mode},
                           {"default-runtime", info.default_runtime},
                           {"default-shm-size", std::to_string(options.engine.default_shm_size)},
                           {"labels", "[" + labels + "]"},
                           {"live-restore", "true"},
                           {"shutdown-timeout", std::to_string(options.engine.shutdown_timeout)}},
            .time = {}};
    }

    Result<std::vector<api::NetworkFacts>> networks(const Options& options) {
        std::vector<api::NetworkFacts> list;
        if (bridge_) {
            api::NetworkFacts bridge{.name = "bridge", .id = sandboxes_->network_id(), .driver = "bridge"};
            bridge.subnet = bridge_->subnet().network().str();
            bridge.gateway = bridge_->gateway().str();
            if (const auto v6 = bridge_->ipv6()) {
                bridge.subnet6 = v6->subnet.str();
                bridge.gateway6 = v6->gateway.str();
            }
            auto text = [](net::Switch on) { return on == net::Switch::on ? "true" : "false"; };
            bridge.options = {
                {"com.docker.network.bridge.default_bridge", "true"},
                {"com.docker.network.bridge.enable_icc", text(options.bridge->container_communication)},
                {"com.docker.network.bridge.enable_ip_masquerade", text(options.bridge->masquerade)},
                {"com.docker.network.bridge.host_binding_ipv4",
                 options.engine.publish_ip.empty() ? "0.0.0.0" : options.engine.publish_ip},
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
        set_grace(options);
        listeners_ = TRY(Listeners::open(
            options, std::move(activation), *exec_root_,
            [api = api_.get()](http::Exchange& exchange) { api->handle(exchange); },
            [api = api_.get()] { return api->metrics(); }));
        return {};
    }

    void set_grace(const Options& options) {
        shutdown_ns_ = int64_t{1'000'000'000} *
                       (options.engine.shutdown_timeout < 0 ? 3600 * 24 : options.engine.shutdown_timeout);
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
    std::unique_ptr<engine::VolumeDrivers> volume_plugins_;
    std::unique_ptr<engine::Engine> engine_;
    std::unique_ptr<build::Builder> builder_;
    std::unique_ptr<api::Api> api_;
    std::unique_ptr<Listeners> listeners_;
    int64_t shutdown_ns_ = 0;
};

} // namespace

Result<std::unique_ptr<Daemon>> Daemon::start(const Options& options, std::vector<UniqueFd> activation) {
    auto daemon = std::make_unique<DaemonImplementation>();
    TRY(daemon->open(options, std::move(activation)));
    return std::unique_ptr<Daemon>(std::move(daemon));
}

} // namespace hull
