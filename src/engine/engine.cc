#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "base/log.h"
#include "base/random.h"
#include "engine/container_networks.h"
#include "engine/core.h"
#include "engine/execs_service.h"
#include "engine/files_service.h"
#include "engine/health.h"
#include "engine/host_facts.h"
#include "engine/image_mounts.h"
#include "engine/log_keeping.h"
#include "engine/networks_service.h"
#include "engine/runner.h"
#include "engine/service.h"

namespace hull::engine {
namespace {

// How long the ends that happened while the engine was away may take to be told.
constexpr std::chrono::seconds kReconcileWait{2};

class EngineImpl : public Engine, RuntimeListener {
public:
    EngineImpl(EngineOptions options, const EnginePorts& ports, std::unique_ptr<store::ContainerDirs> dirs)
        : core_(std::move(options), ports, std::move(dirs)), runner_(core_), containers_(core_, runner_), execs_(core_),
          health_(core_, execs_), images_(core_.images, core_.events), log_keeping_(core_),
          files_(core_, runner_, images_), networks_(core_), bridge_(ports.bridge) {
        runner_.on_started = [this](const ContainerPtr& container) { health_.begin(container); };
        runner_.before_launch = [this](const Container& container, const LogSettings& settings) {
            return log_keeping_.prepare(container, settings);
        };
        runner_.on_launched = [this](const ContainerPtr& container) { log_keeping_.begin(container); };
        runner_.before_removal = [this](const ContainerId& id) { log_keeping_.finish(id); };
        runner_.on_ended = [this](const ContainerPtr& container) { execs_.forget(container->id); };
    }
    ~EngineImpl() override { close(); }

    Result<void> bring_up();

    Containers& containers() override { return containers_; }
    Execs& execs() override { return execs_; }
    Files& files() override { return files_; }
    EventBus& events() override { return core_.events; }
    InfoView info() override {
        InfoView info = make_info(core_, engine_id_);
        info.registries = images_.registry_view();
        return info;
    }
    std::shared_ptr<const EngineOptions> options() const override { return core_.current(); }
    void reload(const EngineOptions& options) override {
        EngineOptions changed = *core_.current();
        changed.labels = options.labels;
        changed.runtimes = options.runtimes;
        changed.default_runtime = options.default_runtime;
        changed.default_log = options.default_log;
        changed.shutdown_timeout = options.shutdown_timeout;
        changed.features = options.features;
        core_.set_current(std::move(changed));
    }
    ImageService& images() override { return images_; }
    Networks& networks() override { return networks_; }
    Volumes& volumes() override { return *core_.volumes; }

    void stop_containers() override {
        runner_.close(); // no policy answers these ends
        std::vector<std::thread> stops;
        for (const ContainerPtr& container : core_.registry.all()) {
            if (!is_active(container->status())) continue;
            stops.emplace_back([this, container] {
                auto stopped = runner_.stop_for_now(container);
                if (!stopped.ok()) log::error("stop container " + container->id.str(), stopped.error());
            });
        }
        for (std::thread& stop : stops) stop.join();
    }

    void close() override {
        runner_.close();
        core_.scheduler.stop();
        core_.events.close();
        log_keeping_.close();
        core_.workers.wait_idle();
        core_.volumes->close();
    }

    Result<CheckReport> check(CheckDepth depth, Repair repair) override {
        std::lock_guard one_at_a_time(checking_);
        CheckReport report;
        auto images = core_.images.summaries();
        report.images = images.size();
        std::set<std::string> layers;
        for (const image::Summary& summary : images)
            for (const auto& id : summary.image->config.diff_ids) layers.insert(id.str());
        report.layers = layers.size();
        report.containers = core_.registry.all().size();
        report.volumes = TRY(core_.volumes->list({})).size();
        report.networks = core_.networks->all().size();
        TRY(check_containers(core_, runner_, repair, report.damages));
        Damages of_images = TRY(core_.images.check(depth, repair));
        std::move(of_images.begin(), of_images.end(), std::back_inserter(report.damages));
        core_.volumes->check(repair, report.damages);
        core_.networks->check(repair, report.damages);
        return report;
    }

    void on_exit(const ExitRecord& record) override {
        if (record.exec)
            execs_.ended(record);
        else
            runner_.ended(record);
    }
    void on_detach(const ContainerId& id, const std::optional<ExecId>& exec) override {
        ContainerPtr container = core_.registry.by_id(id);
        if (!container) return;
        if (exec)
            core_.publish(*container, "exec_detach", {{"execID", exec->str()}});
        else
            core_.publish(*container, "detach");
    }

    void on_oom(const ContainerId& id) override {
        ContainerPtr container = core_.registry.by_id(id);
        if (!container) return;
        container->update([](ContainerState& state, Volatile&) { state.oom_killed = true; });
        core_.publish(*container, "oom");
    }

private:
    Result<void> load_records();
    Result<ContainerPtr> load(const std::string& settings_text, const std::string* state_text);
    Result<void> load_engine_id();
    void adopt(const std::vector<Survivor>& survivors);
    void settle(const std::vector<Survivor>& survivors);
    Result<void> recover_sandboxes();
    void recover_networks();
    void run_on();
    void sweep_folders();
    void follow_policies();

    Core core_;
    Runner runner_;
    ContainersService containers_;
    ExecsService execs_;
    HealthMonitor health_;
    ImageService images_;
    LogKeeping log_keeping_;
    FilesService files_;
    NetworksService networks_;
    net::Bridge* const bridge_;
    std::string engine_id_;
    std::mutex checking_;
    std::set<std::string> unreadable_; // ids of containers on record that can't be served
};

Result<void> EngineImpl::load_engine_id() {
    auto known = TRY(core_.records.get(store::Table::settings, "engine-id"));
    if (known) {
        engine_id_ = *known;
        return {};
    }
    std::string hex = random_hex(32);
    engine_id_ = hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
                 hex.substr(20);
    return core_.records.put(store::Table::settings, "engine-id", engine_id_);
}

Result<ContainerPtr> EngineImpl::load(const std::string& settings_text, const std::string* state_text) {
    ContainerSettings settings = TRY(model::parse_container_settings(settings_text));
    // Without one it was never started.
    ContainerState state;
    if (state_text) state = TRY(model::parse_container_state(*state_text));
    std::optional<image::Digest> chain;
    if (!settings.chain_id.empty()) chain = TRY(image::Digest::parse(settings.chain_id));
    auto lease = core_.images.hold(chain);
    if (!lease.ok()) log::error("layers of container " + settings.id, lease.error());
    auto mounted = hold_image_mounts(core_.images, settings.mounts);
    if (!mounted.ok()) log::error("layers that container " + settings.id + " mounts", mounted.error());
    return std::make_shared<Container>(std::move(settings), std::move(state),
                                       lease.ok() ? std::move(*lease) : image::Lease(),
                                       mounted.ok() ? std::move(*mounted) : std::vector<image::Lease>());
}

Result<void> EngineImpl::load_records() {
    std::map<std::string, std::string> texts;
    for (store::Record& record : TRY(core_.records.all(store::Table::containers)))
        texts[std::move(record.key)] = std::move(record.text);
    for (const auto& [key, text] : texts) {
        if (key.ends_with(kStateKey)) continue;
        auto state = texts.find(key + kStateKey);
        auto container = load(text, state == texts.end() ? nullptr : &state->second);
        // One bad record must not keep the others away; its folder stays, too.
        if (!container.ok()) {
            log::error("container record " + key, container.error());
            unreadable_.insert(key);
            continue;
        }
        auto reserved = core_.registry.reserve((*container)->name(), (*container)->id);
        if (!reserved.ok()) log::error("container record " + key, reserved.error());
        bool running = has_processes((*container)->status()) || (*container)->status() == ContainerStatus::starting;
        for (const model::MountPoint& mount : (*container)->settings().mounts)
            core_.volumes->remember(mount, key, running);
        core_.registry.add(std::move(*container));
    }
    return {};
}

void EngineImpl::adopt(const std::vector<Survivor>& survivors) {
    for (const Survivor& survivor : survivors) {
        ContainerPtr container = core_.registry.by_id(survivor.container);
        if (!container && unreadable_.contains(survivor.container.str())) {
            log::warning("container " + survivor.container.str() + " runs on, but its record can't be read");
            continue;
        }
        if (!container) {
            // Its record was never written: nobody was told that it exists.
            log::warning("ending container " + survivor.container.str() + ", which is not on record");
            auto killed = core_.runtime.kill(survivor.container, 9);
            if (!killed.ok()) log::error("end container " + survivor.container.str(), killed.error());
            continue;
        }
        container->update([&](ContainerState& state, Volatile& v) {
            // It may have ended since the list was made.
            if (v.early_exit || !is_active(state.status)) return;
            state.status = survivor.paused ? ContainerStatus::paused : ContainerStatus::running;
            state.pid = survivor.pid;
            state.started_at = survivor.started_at;
        });
        core_.save(*container);
    }
}

// Whatever the records say runs, and isn't among the survivors, has ended.
void EngineImpl::settle(const std::vector<Survivor>& survivors) {
    std::set<std::string> alive;
    for (const Survivor& survivor : survivors) alive.insert(survivor.container.str());
    auto deadline = std::chrono::steady_clock::now() + kReconcileWait;
    for (const ContainerPtr& container : core_.registry.all()) {
        ContainerStatus status = container->status();
        bool active = has_processes(status) || status == ContainerStatus::starting;
        // Its end is on record before what it held is given back.
        if (!active && container->state().started_at.ns != 0) {
            auto cleaned = core_.runtime.cleanup(container->id, cgroup_parent(*container, core_.options));
            if (!cleaned.ok()) log::error("clean up container " + container->id.str(), cleaned.error());
        }
        if (active && !alive.contains(container->id.str())) {
            auto told = [](const ContainerState& state, const Volatile& v) {
                return v.early_exit || !is_active(state.status) || state.status == ContainerStatus::restarting;
            };
            auto left = std::max(deadline - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration(0));
            container->wait_for(left, told);
            if (has_processes(container->status()) || container->status() == ContainerStatus::starting)
                runner_.lost(container);
        } else if (status == ContainerStatus::removing) {
            container->update([](ContainerState& state, Volatile&) { state.status = ContainerStatus::dead; });
            auto removed = runner_.remove(container, true, container->settings().host_config.auto_remove);
            if (!removed.ok()) log::error("remove container " + container->id.str(), removed.error());
        }
    }
}

Result<void> EngineImpl::recover_sandboxes() {
    std::vector<HeldSandbox> held;
    for (const ContainerPtr& container : core_.registry.all()) {
        container->look([&](const ContainerState& state, const Volatile&) {
            if (!has_processes(state.status) && state.status != ContainerStatus::starting) return;
            const model::HostConfig& host = container->settings().host_config;
            bool joined = !joined_container(host.network_mode).empty() || !joined_container(host.pid_mode).empty() ||
                          !joined_container(host.ipc_mode).empty();
            HeldSandbox one{.ids = {}, .endpoint = state.endpoint};
            if (!joined) one.ids = {.first = state.id_first, .count = state.id_count};
            held.push_back(std::move(one));
            // On the default bridge, but later than the start.
            for (const model::EndpointRecord& endpoint : state.endpoints)
                if (endpoint.network_id == core_.sandboxes.network_id())
                    held.push_back({.ids = {}, .endpoint = endpoint});
        });
    }
    return core_.sandboxes.recover(held);
}

void EngineImpl::recover_networks() {
    std::vector<ContainerPtr> running;
    std::vector<model::EndpointRecord> live;
    for (const ContainerPtr& container : core_.registry.all()) {
        if (!has_processes(container->status())) continue;
        running.push_back(container);
        for (const model::EndpointRecord& endpoint : container->state().endpoints) live.push_back(endpoint);
    }
    core_.networks->recover(live);
    for (const ContainerPtr& container : running) {
        const ContainerState state = container->state();
        if (!state.endpoint && state.endpoints.empty()) continue;
        auto joined = [&]() -> Result<void> {
            NetworkMember member = TRY(make_member(core_, *container));
            UniqueFd net_ns = TRY(core_.host.net_namespace(state.pid));
            return core_.networks->rejoin(member, net_ns, {.endpoints = state.endpoints, .ports = state.ports});
        }();
        if (!joined.ok()) log::error("networks of container " + container->id.str(), joined.error());
    }
    core_.networks->recovered();
}

// What an engine had paused when it died (commit).
void EngineImpl::run_on() {
    auto settings = core_.records.all(store::Table::settings);
    if (!settings.ok()) return;
    for (const store::Record& record : *settings) {
        if (!record.key.starts_with(kHeldStill)) continue;
        ContainerPtr container = core_.registry.by_id(ContainerId(record.key.substr(kHeldStill.size())));
        if (container && container->status() == ContainerStatus::paused)
            if (auto done = runner_.unpause(container); !done.ok())
                log::error("run container " + container->id.str() + " on", done.error());
        (void)core_.records.erase(store::Table::settings, record.key);
    }
}

// Folders without a record are left-overs of a create or rm that was cut short.
void EngineImpl::sweep_folders() {
    auto ids = core_.dirs->list();
    if (!ids.ok()) {
        log::error("list container folders", ids.error());
        return;
    }
    for (const ContainerId& id : *ids) {
        if (core_.registry.by_id(id)) continue;
        auto record = core_.records.get(store::Table::containers, id.str());
        if (!record.ok() || *record) continue; // on record, but unreadable
        auto cleaned = core_.runtime.cleanup(id, core_.options.cgroup_parent);
        auto removed = core_.dirs->remove(id);
        if (!cleaned.ok()) log::error("clean up container " + id.str(), cleaned.error());
        if (!removed.ok()) log::error("remove container folder " + id.str(), removed.error());
    }
    runner_.discard();
}

void EngineImpl::follow_policies() {
    for (const ContainerPtr& container : core_.registry.all()) {
        const std::string& policy = container->settings().host_config.restart_policy.name;
        ContainerState state = container->state();
        bool waited = state.status == ContainerStatus::restarting &&
                      container->look([](const auto&, const Volatile& v) { return v.ends == 0; });
        bool ran = state.status == ContainerStatus::exited && state.started_at.ns != 0;
        bool wants = policy == "always" || (policy == "unless-stopped" && !state.manually_stopped);
        if (waited || (ran && wants)) runner_.start_by_policy(container);
        bool over = container->settings().host_config.auto_remove && state.status == ContainerStatus::exited;
        if (over || container->settings().transient) {
            auto removed = runner_.remove(container, true, true);
            if (!removed.ok()) log::error("remove container " + container->id.str(), removed.error());
        }
    }
}

Result<void> EngineImpl::bring_up() {
    TRY(load_engine_id());
    core_.volumes = TRY(VolumeKeeper::open(core_.options.data_root, core_.records, core_.events, core_.volume_drivers));
    core_.networks = TRY(NetworkKeeper::open({.owner = core_.options.data_root,
                                              .address_pools = core_.options.address_pools,
                                              .bridge_options = core_.options.bridge_network_options,
                                              .ip6tables = core_.options.ip6tables,
                                              .host_ip = core_.options.publish_ip},
                                             core_.records, bridge_, core_.sandboxes.network_id()));
    TRY(load_records());
    core_.images.set_users([this](const image::Digest& id) {
        std::vector<image::ImageUser> users;
        for (const ContainerPtr& container : core_.registry.all())
            if (container->settings().image_id == id.str())
                users.push_back({.container_id = container->id.str(), .running = has_processes(container->status())});
        return users;
    });
    TRY(core_.images.collect());
    // From here on ends are reported, so the id ranges and addresses of those
    // that run must be known before the first is given back: release() of what
    // was never reserved is harmless, and recover() comes before any take().
    std::vector<Survivor> survivors = TRY(core_.runtime.start(*this));
    adopt(survivors);
    TRY(recover_sandboxes());
    recover_networks();
    settle(survivors);
    mend_after_boot(core_);
    core_.workers.wait_idle();
    core_.volumes->settle();
    run_on();
    sweep_folders();
    follow_policies();
    for (const ContainerPtr& container : core_.registry.all())
        if (has_processes(container->status())) health_.begin(container);
    // Also of those that ended: not all that they said may have been sent.
    for (const ContainerPtr& container : core_.registry.all())
        if (container->state().started_at.ns != 0) log_keeping_.begin(container);
    return {};
}

} // namespace

Result<std::unique_ptr<Engine>> Engine::open(EngineOptions options, EnginePorts ports) {
    auto dirs = TRY(store::ContainerDirs::open(options.data_root));
    auto engine = std::make_unique<EngineImpl>(std::move(options), ports, std::move(dirs));
    TRY(engine->bring_up());
    return std::unique_ptr<Engine>(std::move(engine));
}

} // namespace hull::engine
