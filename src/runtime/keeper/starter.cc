#include "runtime/keeper/starter.h"

#include "runtime/exec.h"
#include "runtime/launch.h"
#include "runtime/listener.h"
#include "runtime/plan.h"

namespace hull::keeper {

namespace {

// Of the engine's containers an agent gets no bundle: there is none.
struct AgentNote {
    runtime::ProcessPlan process; // the members about the listener
    std::string container;
    const char* status = "";
};

AgentNote note_for(const runtime::ProcessPlan& process, const std::string& container, const char* status) {
    AgentNote note{{}, container, status};
    note.process.seccomp_listener = process.seccomp_listener;
    note.process.seccomp_metadata = process.seccomp_metadata;
    return note;
}

class RuntimeStart : public Start {
public:
    RuntimeStart(runtime::PendingLaunch pending, AgentNote agent)
        : pending_(std::move(pending)), agent_(std::move(agent)) {}
    pid_t intermediate() const override { return pending_.intermediate; }
    BorrowedFd fd() const override { return pending_.report.fd(); }

    std::vector<runtime::LaunchEvent> events() override {
        std::vector<runtime::LaunchEvent> out;
        for (runtime::LaunchEvent& event : pending_.report.read()) {
            if (event.kind == runtime::LaunchEvent::Kind::pid) pid_ = event.pid;
            if (event.kind == runtime::LaunchEvent::Kind::listener) {
                auto sent = send_to_agent(event.fd);
                if (sent.ok()) continue;
                event.kind = runtime::LaunchEvent::Kind::failed;
                event.error = std::move(sent).error();
            }
            out.push_back(std::move(event));
        }
        return out;
    }

private:
    Result<void> send_to_agent(BorrowedFd listener) {
        constexpr const char* oci_version = "1.3.0";
        // An id needs no quoting.
        std::string state = std::string("{\"ociVersion\":\"") + oci_version + "\",\"id\":\"" + agent_.container +
                            "\",\"status\":\"" + agent_.status + "\",\"pid\":" + std::to_string(pid_) +
                            ",\"bundle\":\"\"}";
        TRY(runtime::send_to_agent({agent_.process, oci_version, std::move(state), pid_}, listener));
        return pending_.report.resume("");
    }

    runtime::PendingLaunch pending_;
    AgentNote agent_;
    pid_t pid_ = 0;
};

runtime::LaunchFds launch_fds(const ProgramStdio& stdio) {
    runtime::LaunchFds fds;
    fds.stdin_ = stdio.in;
    fds.stdout_ = stdio.out;
    fds.stderr_ = stdio.err;
    return fds;
}

class RuntimeStarter : public Starter {
public:
    Result<std::unique_ptr<Start>> launch(std::string_view plan, std::span<const BorrowedFd> plan_fds,
                                          const ProgramStdio& stdio) override {
        runtime::Plan decoded = TRY(runtime::decode_plan(plan));
        if (decoded.gate != runtime::Gate::none || decoded.stop_for_hooks)
            return Error(ErrorKind::unsupported, "the keeper neither opens gates nor runs hooks");
        auto pending = TRY(runtime::launch(decoded, plan_fds, launch_fds(stdio)));
        return std::unique_ptr<Start>(
            std::make_unique<RuntimeStart>(std::move(pending), note_for(decoded.process, decoded.id, "creating")));
    }
    Result<std::unique_ptr<Start>> exec(BorrowedFd init, std::string_view plan, const ProgramStdio& stdio) override {
        runtime::ExecPlan decoded = TRY(runtime::decode_exec_plan(plan));
        auto pending = TRY(runtime::exec(init, decoded, launch_fds(stdio)));
        return std::unique_ptr<Start>(
            std::make_unique<RuntimeStart>(std::move(pending), note_for(decoded.process, decoded.id, "running")));
    }
};

} // namespace

std::unique_ptr<Starter> make_starter() { return std::make_unique<RuntimeStarter>(); }

} // namespace hull::keeper
