// A keeper whose tasks are plain shells on this machine: the plan is a command
// for sh, with "tty:" before it for one on a terminal. "fail:" fails like a
// missing program; "slow:" takes 0.3 s to be told,
// "stuck:" eight.
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runtime/keeper/program.h"
#include "sys/nonblocking.h"
#include "sys/process.h"

namespace {

using namespace hull;
using runtime::LaunchEvent;

class FakeStart : public keeper::Start {
public:
    FakeStart(std::vector<LaunchEvent> events, UniqueFd ready, pid_t helper)
        : events_(std::move(events)), ready_(std::move(ready)), helper_(helper) {}
    pid_t intermediate() const override { return helper_; }
    BorrowedFd fd() const override { return ready_; }
    std::vector<LaunchEvent> events() override { return std::move(events_); }

private:
    std::vector<LaunchEvent> events_;
    UniqueFd ready_; // readable at its end of file
    pid_t helper_;
};

class FakeStarter : public keeper::Starter {
public:
    Result<std::unique_ptr<keeper::Start>> launch(std::string_view plan, std::span<const BorrowedFd>,
                                                  const keeper::ProgramStdio& stdio) override {
        auto [ready, writing] = TRY(sys::make_pipe());
        pid_t helper = 0;
        bool slow = plan.starts_with("slow:"), stuck = plan.starts_with("stuck:");
        if (slow || stuck) {
            plan.remove_prefix(plan.find(':') + 1);
            helper = ::fork();
            if (helper == 0) {
                ::usleep(slow ? 300'000 : 8'000'000);
                ::_exit(0);
            }
        }
        writing.reset();
        std::vector<LaunchEvent> events;
        if (plan.starts_with("fail:")) {
            events.push_back({.kind = LaunchEvent::Kind::failed,
                              .name = "",
                              .fd = {},
                              .error = Error(ErrorKind::no_such_program, std::string(plan.substr(5)))});
        } else {
            events = TRY(start(plan, stdio));
        }
        return std::unique_ptr<keeper::Start>(std::make_unique<FakeStart>(std::move(events), std::move(ready), helper));
    }
    Result<std::unique_ptr<keeper::Start>> exec(BorrowedFd, std::string_view plan,
                                                const keeper::ProgramStdio& stdio) override {
        return launch(plan, {}, stdio);
    }

private:
    static Result<std::vector<LaunchEvent>> start(std::string_view plan, const keeper::ProgramStdio& stdio) {
        bool terminal = plan.starts_with("tty:");
        std::string command(terminal ? plan.substr(4) : plan);
        UniqueFd master, slave;
        if (terminal) {
            master.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
            if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0)
                return Error::from_errno("posix_openpt");
            slave.reset(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
        }
        pid_t pid = ::fork();
        if (pid < 0) return Error::from_errno("fork");
        if (pid == 0) {
            sys::quiet_signals();
            sys::unblock_signals();
            ::setsid();
            for (int fd = 0; fd < 3; ++fd) {
                BorrowedFd ours = terminal ? slave.borrow() : fd == 0 ? stdio.in : fd == 1 ? stdio.out : stdio.err;
                (void)sys::duplicate_to(ours, fd);
            }
            if (terminal) ::ioctl(0, TIOCSCTTY, 0);
            ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
            ::_exit(127);
        }
        std::vector<LaunchEvent> events;
        events.push_back({.kind = LaunchEvent::Kind::step, .name = "fork", .ns = 1, .fd = {}});
        events.push_back({.kind = LaunchEvent::Kind::pid, .name = "", .pid = pid, .fd = TRY(sys::pidfd_open(pid))});
        if (terminal) events.push_back({.kind = LaunchEvent::Kind::terminal, .name = "", .fd = std::move(master)});
        events.push_back({.kind = LaunchEvent::Kind::executed, .name = "", .fd = {}});
        return events;
    }
};

} // namespace

int main(int argc, char** argv) {
    FakeStarter starter;
    return keeper::run_program(argc, argv, starter);
}
