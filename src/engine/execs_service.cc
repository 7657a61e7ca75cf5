#include "engine/execs_service.h"

#include "base/random.h"
#include "engine/links.h"
#include "engine/runner.h"
#include "engine/spec_builder.h"

namespace hull::engine {
namespace {

constexpr int64_t kKeepMs = 5 * 60 * 1000;

std::string command_text(const ExecConfig& config) {
    // As Docker has it: the program, a blank, the arguments.
    std::string text = config.cmd[0] + " ";
    for (size_t i = 1; i < config.cmd.size(); ++i) text += (i > 1 ? " " : "") + config.cmd[i];
    return text;
}

Result<void> check_running(const Container& container) {
    switch (container.status()) {
    case ContainerStatus::running: return {};
    case ContainerStatus::paused:
        return Error(ErrorKind::conflict,
                     "container " + container.name() + " is paused, unpause the container before exec");
    case ContainerStatus::restarting:
        return Error(ErrorKind::conflict,
                     "container " + container.id.str() + " is restarting, wait until the container is running");
    default: return not_running(container);
    }
}

// Docker's wording, which clients read exit codes out of.
Error exec_error(const Error& error) {
    if (is_about_users(error)) return error;
    bool program = error.kind() == ErrorKind::no_such_program || error.kind() == ErrorKind::not_executable;
    std::string text = "OCI runtime exec failed: exec failed: ";
    if (program) text += "unable to start container process: ";
    return {error.kind(), text + error.message() + (program ? ": unknown" : "")};
}

} // namespace

Result<DetachKeys> parse_detach_keys(const std::string& text) {
    if (text.empty()) return DetachKeys{16, 17};
    DetachKeys keys;
    size_t begin = 0;
    while (begin <= text.size()) {
        size_t end = std::min(text.find(',', begin), text.size());
        std::string key = text.substr(begin, end - begin);
        begin = end + 1;
        if (key.size() == 1) {
            keys.push_back(static_cast<uint8_t>(key[0]));
        } else if (key.size() == 6 && key.starts_with("ctrl-") &&
                   ((key[5] >= 'a' && key[5] <= 'z') || (key[5] >= '@' && key[5] <= '_'))) {
            keys.push_back(static_cast<uint8_t>(key[5] & 0x1f));
        } else {
            return Error(ErrorKind::invalid_argument, "invalid detach keys (" + text + ") provided");
        }
    }
    return keys;
}

Result<ExecId> ExecsService::create(const std::string& name, ExecConfig config) {
    ContainerPtr container = TRY(core_.registry.find(name));
    TRY(check_running(*container));
    if (config.cmd.empty() || config.cmd[0].empty())
        return Error(ErrorKind::invalid_argument, "no exec command specified");
    TRY(parse_detach_keys(config.detach_keys));
    if (!config.working_dir.empty() && !config.working_dir.starts_with('/'))
        return Error(ErrorKind::invalid_argument,
                     "the working directory '" + config.working_dir + "' is invalid, it needs to be an absolute path");
    for (const std::string& entry : config.env)
        if (entry.empty() || entry[0] == '=')
            return Error(ErrorKind::invalid_argument, "invalid environment variable: " + entry);
    auto exec = std::make_shared<Exec>();
    exec->id = ExecId(random_id());
    exec->container = container;
    exec->config = std::move(config);
    {
        std::lock_guard lock(mutex_);
        execs_[exec->id.str()] = exec;
    }
    container->update([&](ContainerState&, Volatile& v) { v.execs.insert(exec->id.str()); });
    core_.publish(*container, "exec_create: " + command_text(exec->config), {{"execID", exec->id.str()}});
    return exec->id;
}

Result<ExecsService::ExecPtr> ExecsService::find(const std::string& id) const {
    std::lock_guard lock(mutex_);
    auto found = execs_.lower_bound(id);
    bool prefix = !id.empty() && found != execs_.end() && found->first.starts_with(id);
    if (prefix && found->first != id) {
        auto other = std::next(found);
        if (other != execs_.end() && other->first.starts_with(id)) prefix = false;
    }
    if (!prefix) return Error(ErrorKind::not_found, "No such exec instance: " + id);
    return found->second;
}

ExecView ExecsService::view(const Exec& exec) const {
    std::lock_guard lock(mutex_);
    ExecView view;
    view.id = exec.id;
    view.container = exec.container->id;
    view.running = exec.phase == Phase::running;
    view.exit_code = exec.exit_code;
    view.pid = exec.pid;
    view.tty = exec.config.tty;
    view.privileged = exec.config.privileged;
    view.open_stdin = exec.config.attach_stdin;
    view.open_stdout = exec.config.attach_stdout;
    view.open_stderr = exec.config.attach_stderr;
    view.entrypoint = exec.config.cmd[0];
    view.arguments.assign(exec.config.cmd.begin() + 1, exec.config.cmd.end());
    view.user = exec.config.user;
    view.working_dir = exec.config.working_dir;
    view.env = exec.config.env;
    view.own_detach_keys = !exec.config.detach_keys.empty();
    std::string keys = exec.config.detach_keys.empty() ? core_.options.detach_keys : exec.config.detach_keys;
    if (auto parsed = parse_detach_keys(keys); parsed.ok()) view.detach_keys = *parsed;
    return view;
}

Result<ExecView> ExecsService::check_start(const std::string& id) {
    ExecPtr exec = TRY(find(id));
    {
        std::lock_guard lock(mutex_);
        if (exec->phase == Phase::running)
            return Error(ErrorKind::conflict, "exec command " + id + " is already running");
        if (exec->phase == Phase::ended) return Error(ErrorKind::conflict, "exec command " + id + " has already run");
    }
    TRY(check_running(*exec->container));
    return view(*exec);
}

Result<void> ExecsService::start(const std::string& id, ExecStart request) {
    TRY(check_start(id));
    ExecPtr exec = TRY(find(id));
    {
        std::lock_guard lock(mutex_);
        if (exec->phase != Phase::created)
            return Error(ErrorKind::conflict, "exec command " + id + " is already running");
        exec->phase = Phase::running;
    }
    core_.publish(*exec->container, "exec_start: " + command_text(exec->config), {{"execID", exec->id.str()}});
    auto ran = run(exec, std::move(request));
    if (ran.ok()) return {};
    bool missing = ran.error().kind() == ErrorKind::no_such_program;
    finish(exec, missing ? 127 : 126);
    return exec_error(ran.error());
}

Result<void> ExecsService::run(const ExecPtr& exec, ExecStart request) {
    const ExecConfig& config = exec->config;
    const std::vector<uint32_t>& size = request.console_size.size() == 2 ? request.console_size : config.console_size;
    ExecInput input{.args = config.cmd,
                    .env = config.env,
                    .link_env = linked_environment(core_, *exec->container),
                    .user = config.user,
                    .working_dir = config.working_dir,
                    .tty = config.tty,
                    .privileged = config.privileged,
                    .console_size = size};
    model::oci::Process process = TRY(build_exec_process(exec->container->settings(), core_.options, input));
    ExecRequest run;
    run.container = exec->container->id;
    run.id = exec->id;
    run.process = &process;
    run.stdio.terminal = config.tty;
    run.stdio.open_stdin = config.attach_stdin && request.streams && request.streams->stdin_;
    run.stdio.stdin_once = true;
    if (size.size() == 2) {
        run.stdio.rows = static_cast<uint16_t>(size[0]);
        run.stdio.columns = static_cast<uint16_t>(size[1]);
    }
    run.streams = std::move(request.streams);
    int pid = TRY(core_.runtime.exec(std::move(run)));
    std::lock_guard lock(mutex_);
    // It may have ended before this thread got here.
    exec->pid = pid;
    ended_.notify_all(); // inspect may wait for the pid
    return {};
}

void ExecsService::finish(const ExecPtr& exec, int exit_code) {
    {
        std::lock_guard lock(mutex_);
        if (exec->phase == Phase::ended) return;
        exec->phase = Phase::ended;
        exec->exit_code = exit_code;
        ended_.notify_all(); // the pid stays shown, as in Docker
    }
    exec->container->update([&](ContainerState&, Volatile& v) { v.execs.erase(exec->id.str()); });
    core_.publish(*exec->container, "exec_die", {{"execID", exec->id.str()}, {"exitCode", std::to_string(exit_code)}});
    core_.scheduler.after(kKeepMs, [this, id = exec->id.str()] {
        std::lock_guard lock(mutex_);
        execs_.erase(id);
    });
}

Result<ExecsService::Ran> ExecsService::run_to_end(const ContainerId& container, ExecConfig config, int64_t timeout_ns,
                                                   size_t max_output) {
    int64_t deadline = monotonic_ns() + timeout_ns;
    auto capture = TRY(core_.host.capture());
    ExecId id = TRY(create(container.str(), std::move(config)));
    ExecStart request;
    request.streams = Streams{.client = capture->take_client(),
                              .already_read = {},
                              .stdin_ = false,
                              .stdout_ = true,
                              .stderr_ = true,
                              .detach_keys = {}};
    TRY(start(id.str(), std::move(request)));
    Ran ran;
    ran.output = capture->read(max_output, timeout_ns / 1'000'000);
    ExecPtr exec = TRY(find(id.str()));
    std::unique_lock lock(mutex_);
    auto left = std::chrono::nanoseconds(std::max<int64_t>(deadline - monotonic_ns(), 0));
    if (!ended_.wait_for(lock, left, [&] { return exec->phase == Phase::ended; })) {
        int pid = exec->pid;
        lock.unlock();
        if (pid > 0) core_.host.kill_process(pid);
        return Error(ErrorKind::timed_out, "the command did not end in time");
    }
    ran.exit_code = exec->exit_code.value_or(0);
    return ran;
}

void ExecsService::ended(const ExitRecord& record) {
    auto exec = find(record.exec->str());
    // One that an earlier engine began.
    if (!exec.ok()) return;
    finish(*exec, record.exit_code);
}

void ExecsService::forget(const ContainerId& container) {
    std::lock_guard lock(mutex_);
    std::erase_if(execs_, [&](const auto& entry) {
        return entry.second->container->id == container && entry.second->phase != Phase::running;
    });
}

// A client asks for the exit code as soon as its stream ends; the report of the
// end may still be on its way then.
void ExecsService::await_report(const Exec& exec) {
    using namespace std::chrono_literals;
    std::unique_lock lock(mutex_);
    auto ended = [&] { return exec.phase != Phase::running; };
    if (!ended_.wait_for(lock, 1s, [&] { return ended() || exec.pid != 0; }) || ended()) return;
    std::string process = "/proc/" + std::to_string(exec.pid);
    lock.unlock();
    if (core_.host.kind(process) != PathKind::missing) return;
    lock.lock();
    ended_.wait_for(lock, 2s, ended);
}

Result<ExecView> ExecsService::inspect(const std::string& id) {
    ExecPtr exec = TRY(find(id));
    await_report(*exec);
    return view(*exec);
}

Result<void> ExecsService::resize(const std::string& id, uint16_t rows, uint16_t columns) {
    ExecPtr exec = TRY(find(id));
    {
        std::lock_guard lock(mutex_);
        if (exec->phase != Phase::running) return Error(ErrorKind::conflict, "exec process is not running: " + id);
    }
    return core_.runtime.resize_exec(exec->container->id, exec->id, rows, columns);
}

} // namespace hull::engine
