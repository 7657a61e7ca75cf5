#include "runtime/keeper/starter.h"

#include "runtime/exec.h"
#include "runtime/launch.h"
#include "runtime/plan.h"

namespace hull::keeper {

namespace {

class RuntimeStart : public Start {
public:
    explicit RuntimeStart(runtime::PendingLaunch pending) : pending_(std::move(pending)) {}
    pid_t intermediate() const override { return pending_.intermediate; }
    BorrowedFd fd() const override { return pending_.report.fd(); }
    std::vector<runtime::LaunchEvent> events() override { return pending_.report.read(); }

private:
    runtime::PendingLaunch pending_;
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
        return std::unique_ptr<Start>(
            std::make_unique<RuntimeStart>(TRY(runtime::launch(decoded, plan_fds, launch_fds(stdio)))));
    }
    Result<std::unique_ptr<Start>> exec(BorrowedFd init, std::string_view plan, const ProgramStdio& stdio) override {
        runtime::ExecPlan decoded = TRY(runtime::decode_exec_plan(plan));
        return std::unique_ptr<Start>(
            std::make_unique<RuntimeStart>(TRY(runtime::exec(init, decoded, launch_fds(stdio)))));
    }
};

} // namespace

std::unique_ptr<Starter> make_starter() { return std::make_unique<RuntimeStarter>(); }

} // namespace hull::keeper
