#include "keeper_runtime.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <thread>

#include "base/log.h"
#include "event/loop.h"
#include "file_view.h"
#include "foreign_runtime.h"
#include "keeper_link.h"
#include "kernel/cgroup/cgroup.h"
#include "kernel/namespaces.h"
#include "oom_watch.h"
#include "plan_maker.h"
#include "sys/file.h"
#include "sys/self.h"
#include "usage_reader.h"

namespace hull {

using engine::ExitRecord;
using engine::Launched;
using engine::Streams;
using keeper::TaskKey;

namespace {

TaskKey key_of(const ContainerId& id) { return {id.str(), {}}; }
Error not_running(const ContainerId& id) {
    return Error(ErrorKind::conflict, "container " + id.str() + " is not running");
}

keeper::LogSpec log_spec(const engine::LogSink& sink) {
    keeper::LogSpec spec{sink.enabled, sink.path, sink.max_bytes, std::max(sink.max_files, 1u), {}};
    for (const auto& [name, value] : sink.attributes) spec.attributes.push_back({name, value});
    return spec;
}

keeper::StreamOptions stream_options(const Streams& streams) {
    keeper::StreamOptions options;
    options.in = streams.stdin_;
    options.out = streams.stdout_;
    options.err = streams.stderr_;
    options.already_read = streams.already_read;
    using Framing = keeper::StreamOptions::Framing;
    if (streams.framed) options.framing = *streams.framed ? Framing::always : Framing::never;
    options.detach_keys.assign(streams.detach_keys.begin(), streams.detach_keys.end());
    return options;
}

std::vector<kernel::IdMapping> kernel_map(const std::vector<model::oci::IdMapping>& mappings) {
    std::vector<kernel::IdMapping> map;
    for (const auto& m : mappings) map.push_back({m.container_id, m.host_id, m.size});
    return map;
}

class KeeperRuntime : public engine::RuntimePort {
public:
    KeeperRuntime(KeeperRuntimeOptions options, CgroupDriver driver, std::unique_ptr<kernel::cgroup::Cgroups> cgroups,
                  std::unique_ptr<event::Loop> loop)
        : options_(std::move(options)), driver_(std::move(driver)), cgroups_(std::move(cgroups)),
          loop_(std::move(loop)), plans_(options_.exec_root, *cgroups_, driver_), foreign_(options_.exec_root, driver_),
          oom_(*loop_, *cgroups_,
               [this](const ContainerId& id) {
                   if (listener_) listener_->on_oom(id);
               }),
          link_(std::make_unique<KeeperLink>(KeeperLinkOptions{options_.exec_root, options_.keeper_program}, *loop_)) {}
    ~KeeperRuntime() override {
        // First the loop: what is posted to it is the link's.
        loop_->stop();
        if (loop_thread_.joinable()) loop_thread_.join();
        link_.reset();
    }

    Result<std::vector<engine::Survivor>> start(engine::RuntimeListener& listener) override;
    Result<engine::Sandbox> make_sandbox(const std::vector<model::oci::IdMapping>& uid_mappings,
                                         const std::vector<model::oci::IdMapping>& gid_mappings) override;
    Result<Launched> launch(const engine::LaunchRequest& request) override;
    std::shared_ptr<void> expect_attach(const ContainerId& id) override;
    Result<void> attach(const ContainerId& id, Streams streams) override;
    void cancel_attach(const ContainerId& id) override;
    Result<void> cleanup(const ContainerId& id, const std::string& cgroup_parent) override;
    std::vector<std::string> leftovers(const ContainerId& id, const std::string& cgroup_parent) override {
        std::vector<std::string> out;
        auto path = driver_.path(cgroup_parent + "/" + id.str());
        if (!path.ok()) return out;
        auto place = cgroups_->locate(*path);
        if (place.ok())
            for (const auto& dir : place->dirs) out.push_back("cgroup " + dir.path);
        return out;
    }
    std::vector<ContainerId> known() override {
        std::vector<ContainerId> ids;
        for (std::string& id : link_->containers()) ids.emplace_back(std::move(id));
        return ids;
    }
    Result<void> kill(const ContainerId& id, int signal) override {
        if (link_->find(key_of(id)) && foreign_.has(id)) return foreign_.kill(id, signal);
        return link_->signal(key_of(id), signal);
    }
    Result<void> pause(const ContainerId& id) override { return cgroups_->freeze(TRY(note(id)).cgroup); }
    Result<void> resume(const ContainerId& id) override { return cgroups_->thaw(TRY(note(id)).cgroup); }
    Result<void> resize(const ContainerId& id, uint16_t rows, uint16_t columns) override {
        return link_->resize(key_of(id), rows, columns);
    }
    Result<void> update(const ContainerId& id, const model::oci::Resources& resources) override;
    Result<std::vector<int>> processes(const ContainerId& id) override { return cgroups_->pids(TRY(note(id)).cgroup); }
    Result<engine::ResourceUsage> usage(const ContainerId& id) override;
    Result<engine::OpenFiles> open_files(const engine::FilesRequest& request) override {
        return open_container_files(request, options_.exec_root);
    }
    Result<store::Owner> find_owner(const engine::OpenFiles& files, const std::string& user) override {
        return find_container_owner(files, user);
    }
    Result<void> as_root_of(const engine::OpenFiles& files, const std::function<Result<void>()>& work) override {
        return as_container_root(files, work);
    }
    Result<int> exec(engine::ExecRequest request) override;
    Result<void> resize_exec(const ContainerId& id, const ExecId& exec, uint16_t rows, uint16_t columns) override {
        return link_->resize({id.str(), exec.str()}, rows, columns);
    }

private:
    void on_ended(const keeper::ExitReport& report);
    Result<ContainerNote> note(const ContainerId& id);
    Result<keeper::Launched> launch_made(const engine::LaunchRequest& request, const MadePlan& made,
                                         const std::vector<Streams>& streams);
    Result<int> await_foreign(const ContainerId& id);
    Result<void> end_half_started(const ContainerId& id, const MadePlan& made);
    void remove_remains(const MadePlan& made, ErrorKind why);
    void attach_late(const ContainerId& id);
    std::vector<Streams> take_pending(const ContainerId& id);
    std::vector<Streams> take_expected(const ContainerId& id);
    void trace(const ContainerId& id, const Launched& launched);

    KeeperRuntimeOptions options_;
    CgroupDriver driver_;
    std::unique_ptr<kernel::cgroup::Cgroups> cgroups_;
    std::unique_ptr<event::Loop> loop_;
    PlanMaker plans_;
    ForeignRuntimes foreign_;
    OomWatch oom_;
    std::unique_ptr<KeeperLink> link_;
    std::thread loop_thread_;
    engine::RuntimeListener* listener_ = nullptr;
    std::mutex mutex_; // what follows
    std::condition_variable arrived_;
    std::map<ContainerId, int> expected_; // clients whose sockets are on their way
    std::map<ContainerId, std::vector<Streams>> pending_;
};

Result<std::vector<engine::Survivor>> KeeperRuntime::start(engine::RuntimeListener& listener) {
    listener_ = &listener;
    // Containers of a keeper that was killed come to us.
    TRY(sys::become_subreaper());
    TRY(sys::mkdir_parents(options_.exec_root, 0700));
    loop_thread_ = std::thread([this] {
        if (auto ran = loop_->run(); !ran.ok()) log::error("supervise", ran.error());
    });
    auto detached = [this](const keeper::TaskKey& key) {
        listener_->on_detach(ContainerId(key.container),
                             key.exec.empty() ? std::nullopt : std::optional(ExecId(key.exec)));
    };
    auto records = TRY(link_->start([this](const keeper::ExitReport& report) { on_ended(report); }, detached));
    std::map<std::string, engine::Survivor> found;
    for (const keeper::TaskRecord& record : records) {
        engine::Survivor& survivor = found[record.key.container];
        survivor.container = ContainerId(record.key.container);
        if (!record.key.exec.empty()) {
            survivor.execs.push_back(ExecId(record.key.exec));
            continue;
        }
        survivor.pid = foreign_.has(survivor.container) ? foreign_.pid(survivor.container) : record.pid;
        survivor.started_at = WallTime{record.started_at};
        auto note = note_of(record.note, record.key.container);
        if (!note.ok() || note->cgroup.empty()) continue;
        auto frozen = cgroups_->frozen(note->cgroup);
        survivor.paused = frozen.ok() && *frozen;
        if (note->memory_limited) oom_.add(survivor.container, note->cgroup);
    }
    std::vector<engine::Survivor> survivors;
    for (auto& [id, survivor] : found)
        if (survivor.pid != 0) survivors.push_back(std::move(survivor));
    link_->deliver();
    return survivors;
}

void KeeperRuntime::on_ended(const keeper::ExitReport& report) {
    ExitRecord exit;
    exit.container = ContainerId(report.key.container);
    if (!report.key.exec.empty()) exit.exec = ExecId(report.key.exec);
    exit.exit_code = report.code;
    exit.status_known = report.known;
    exit.finished_at = WallTime{report.finished_at};
    exit.error = report.error;
    if (!exit.exec) {
        auto note = note_of(report.note, report.key.container);
        if (note.ok() && !note->cgroup.empty()) exit.oom_killed = oom_.remove(exit.container, note->cgroup);
    }
    listener_->on_exit(exit);
}

Result<engine::Sandbox> KeeperRuntime::make_sandbox(const std::vector<model::oci::IdMapping>& uid_mappings,
                                                    const std::vector<model::oci::IdMapping>& gid_mappings) {
    auto pair = TRY(kernel::make_user_and_net_namespace(kernel_map(uid_mappings), kernel_map(gid_mappings)));
    return engine::Sandbox{std::move(pair.user), std::move(pair.net)};
}

Result<ContainerNote> KeeperRuntime::note(const ContainerId& id) {
    auto record = link_->find(key_of(id));
    if (!record) return not_running(id);
    return note_of(record->note, record->key.container);
}

// ---- launch ----------------------------------------------------------------

Result<Launched> KeeperRuntime::launch(const engine::LaunchRequest& request) {
    std::vector<Streams> streams = take_expected(request.id);
    MadePlan made = TRY(request.runtime ? foreign_.make(request) : plans_.make(request));
    auto started = launch_made(request, made, streams);
    // A keeper that dies is nothing that the container's user should notice.
    if (!started.ok() && started.error().kind() == ErrorKind::unavailable && end_half_started(request.id, made).ok())
        started = launch_made(request, made, streams);
    if (!started.ok()) {
        cancel_attach(request.id);
        remove_remains(made, started.error().kind());
        if (request.runtime) (void)foreign_.remove(request.id);
        return std::move(started).error();
    }
    if (request.runtime) started->record.pid = TRY(await_foreign(request.id));
    if (made.note.memory_limited) oom_.add(request.id, made.note.cgroup);
    attach_late(request.id);
    Launched launched{started->record.pid, WallTime{started->record.started_at}, {}};
    for (auto& step : started->steps) launched.steps.push_back({std::move(step.name), step.ns});
    if (options_.trace_start) trace(request.id, launched);
    return launched;
}

// The runtime runs; the container does when it has written down its pid.
Result<int> KeeperRuntime::await_foreign(const ContainerId& id) {
    constexpr int64_t patience_ns = 30'000'000'000;
    int64_t deadline = monotonic_ns() + patience_ns;
    for (;;) {
        bool ended = !link_->find(key_of(id));
        if (int pid = foreign_.pid(id); pid > 0) return pid;
        if (ended || monotonic_ns() > deadline) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    (void)link_->signal(key_of(id), 9);
    Error error = foreign_.failure(id);
    if (auto removed = foreign_.remove(id); !removed.ok()) log::warning("remove a bundle", removed.error());
    return error;
}

Result<keeper::Launched> KeeperRuntime::launch_made(const engine::LaunchRequest& request, const MadePlan& made,
                                                    const std::vector<Streams>& streams) {
    keeper::Launch launch;
    keeper::TaskRecord& record = launch.record;
    record.key = key_of(request.id);
    record.terminal = made.plan.process.terminal;
    record.open_stdin = request.stdio.open_stdin;
    record.stdin_once = request.stdio.stdin_once;
    record.shared_pids = made.plan.ns.pid.mode != runtime::NamespaceUse::Mode::fresh;
    record.log = log_spec(request.log);
    // One hierarchy lists every process.
    if (!made.plan.cgroup.dirs.empty()) record.cgroups.push_back(made.plan.cgroup.dirs.front().folder());
    if (request.runtime) {
        auto place = TRY(cgroups_->locate(made.note.cgroup));
        if (!place.dirs.empty()) record.cgroups.push_back(place.dirs.front().folder());
    }
    record.note = to_text(made.note);
    launch.rows = request.stdio.rows;
    launch.columns = request.stdio.columns;
    launch.plan = runtime::encode(made.plan);
    launch.plan_fds = static_cast<uint32_t>(made.fds.size());
    std::vector<BorrowedFd> clients;
    for (const Streams& one : streams) {
        launch.streams.push_back(stream_options(one));
        launch.streams.back().foreground = true;
        clients.push_back(one.client);
    }
    return link_->launch(launch, made.fds, clients);
}

// The keeper died with the start half done, or done and not told.
Result<void> KeeperRuntime::end_half_started(const ContainerId& id, const MadePlan& made) {
    if (!made.note.cgroup.empty()) (void)cgroups_->kill_all(made.note.cgroup);
    TRY(link_->settle(key_of(id)));
    if (made.plan.cgroup.dirs.empty()) return {};
    (void)cgroups_->kill_all(made.note.cgroup); // what was born meanwhile
    return kernel::cgroup::remove(made.plan.cgroup);
}

void KeeperRuntime::remove_remains(const MadePlan& made, ErrorKind why) {
    // A conflict: it isn't ours, a container of that name runs.
    if (made.plan.cgroup.dirs.empty() || why == ErrorKind::conflict) return;
    if (why == ErrorKind::unavailable) (void)cgroups_->kill_all(made.note.cgroup);
    if (auto removed = kernel::cgroup::remove(made.plan.cgroup); !removed.ok())
        log::warning("remove the cgroups of a failed start", removed.error());
}

void KeeperRuntime::trace(const ContainerId& id, const Launched& launched) {
    std::string text = "start of " + id.str().substr(0, 12) + ":";
    int64_t sum = 0;
    for (const auto& step : launched.steps) {
        text += " " + step.name + "=" + std::to_string(step.ns / 1000) + "us";
        sum += step.ns;
    }
    log::info(text + " sum=" + std::to_string(sum / 1000) + "us");
}

// ---- attach ----------------------------------------------------------------

std::vector<Streams> KeeperRuntime::take_pending(const ContainerId& id) {
    std::lock_guard lock(mutex_);
    auto node = pending_.extract(id);
    return node ? std::move(node.mapped()) : std::vector<Streams>();
}

std::shared_ptr<void> KeeperRuntime::expect_attach(const ContainerId& id) {
    {
        std::lock_guard lock(mutex_);
        ++expected_[id];
    }
    return std::shared_ptr<void>(nullptr, [this, id](void*) {
        std::lock_guard lock(mutex_);
        if (--expected_[id] == 0) expected_.erase(id);
        arrived_.notify_all();
    });
}

std::vector<Streams> KeeperRuntime::take_expected(const ContainerId& id) {
    constexpr auto patience = std::chrono::seconds(5);
    {
        std::unique_lock lock(mutex_);
        arrived_.wait_for(lock, patience, [&] { return !expected_.contains(id); });
    }
    return take_pending(id);
}

Result<void> KeeperRuntime::attach(const ContainerId& id, Streams streams) {
    if (!link_->find(key_of(id))) {
        {
            std::lock_guard lock(mutex_);
            pending_[id].push_back(std::move(streams));
        }
        // It may have started between the look and now.
        if (link_->find(key_of(id))) attach_late(id);
        return {};
    }
    return link_->attach({key_of(id), stream_options(streams)}, streams.client);
}

// Those that came while the start was under way.
void KeeperRuntime::attach_late(const ContainerId& id) {
    for (Streams& streams : take_pending(id)) {
        auto attached = link_->attach({key_of(id), stream_options(streams)}, streams.client);
        if (!attached.ok()) log::debug("a client came too late: " + attached.error().message());
    }
}

void KeeperRuntime::cancel_attach(const ContainerId& id) { take_pending(id); }

// ---- the rest --------------------------------------------------------------

Result<void> KeeperRuntime::cleanup(const ContainerId& id, const std::string& cgroup_parent) {
    cancel_attach(id);
    if (foreign_.has(id)) {
        TRY(foreign_.remove(id));
        foreign_.remove_parent(cgroup_parent);
    }
    std::string path = TRY(driver_.path(cgroup_parent + "/" + id.str()));
    auto place = TRY(cgroups_->locate(path));
    if (place.dirs.empty()) return {};
    driver_.name_unit(place, path);
    // Of containers that share process ids something may still run.
    auto killed = cgroups_->kill_all(path);
    if (!killed.ok() && killed.error().kind() != ErrorKind::not_found) return killed;
    return kernel::cgroup::remove(place);
}

Result<engine::ResourceUsage> KeeperRuntime::usage(const ContainerId& id) {
    auto record = link_->find(key_of(id));
    if (!record) return not_running(id);
    ContainerNote found = TRY(note_of(record->note, record->key.container));
    int pid = foreign_.has(id) ? foreign_.pid(id) : record->pid;
    return read_usage(*cgroups_, found.cgroup, found.own_network ? pid : 0);
}

Result<void> KeeperRuntime::update(const ContainerId& id, const model::oci::Resources& resources) {
    ContainerNote found = TRY(note(id));
    TRY(cgroups_->update(found.cgroup, resources));
    TRY(driver_.tell(*cgroups_, found.cgroup, resources));
    // One that had no limit at its start isn't watched yet.
    if (resources.memory && resources.memory->limit && !found.memory_limited) oom_.add(id, found.cgroup);
    return {};
}

Result<int> KeeperRuntime::exec(engine::ExecRequest request) {
    ContainerNote of_container = TRY(note(request.container));
    auto plan =
        TRY(foreign_.has(request.container) ? foreign_.make_exec(*request.process, request.container)
                                            : plans_.make_exec(*request.process, request.container, of_container));
    plan.process.rows = request.stdio.rows;
    plan.process.columns = request.stdio.columns;
    keeper::Launch launch;
    launch.record.key = {request.container.str(), request.id.str()};
    launch.record.terminal = plan.process.terminal;
    launch.record.open_stdin = request.stdio.open_stdin;
    launch.record.stdin_once = true; // a client that ends its input ends the program's
    launch.record.dropped_output = !request.streams && !plan.process.terminal;
    launch.plan = runtime::encode(plan);
    std::vector<BorrowedFd> clients;
    if (request.streams) {
        launch.streams.push_back(stream_options(*request.streams));
        launch.streams.back().foreground = true;
        clients.push_back(request.streams->client);
    }
    auto launched = TRY(link_->launch(launch, {}, clients));
    return launched.record.pid;
}

} // namespace

Result<std::string> find_keeper_program() {
    std::string self = TRY(sys::readlink("/proc/self/exe"));
    // A program replaced by an upgrade while it runs.
    constexpr std::string_view deleted = " (deleted)";
    if (self.ends_with(deleted)) self.resize(self.size() - deleted.size());
    std::string folder = self.substr(0, self.rfind('/'));
    std::string installed = folder + "/../libexec/hull/hull-keeper", built = folder + "/../hull-keeper/hull-keeper";
    for (const std::string& path : {installed, built})
        if (sys::exists(path)) return path;
    return Error(ErrorKind::not_found, "hull-keeper is neither " + installed + " nor " + built);
}

Result<std::unique_ptr<engine::RuntimePort>> make_keeper_runtime(KeeperRuntimeOptions options) {
    if (options.keeper_program.empty()) options.keeper_program = TRY(find_keeper_program());
    auto cgroups = TRY(kernel::cgroup::detect());
    CgroupDriver driver;
    if (options.systemd_cgroups) driver = TRY(CgroupDriver::systemd());
    auto loop = TRY(event::Loop::create());
    return std::unique_ptr<engine::RuntimePort>(
        std::make_unique<KeeperRuntime>(std::move(options), std::move(driver), std::move(cgroups), std::move(loop)));
}

} // namespace hull
