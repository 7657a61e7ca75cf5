// Making a container or a process in one, and following its start.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "apps/hull-runtime/context.h"
#include "base/unique_fd.h"
#include "model/oci_spec.h"
#include "runtime/launch.h"
#include "sys/signal_queue.h"

namespace hull::oci_runtime {

// What a start's report says until it rests.
struct Followed {
    pid_t pid = 0; // 0: not told
    UniqueFd pidfd, terminal;
};
struct OnWay { // all may be empty
    // The process was made.
    std::function<Result<void>(pid_t)> made;
    // It waits for the hooks of the runtime; gives the state for the hooks that
    // it runs itself.
    std::function<Result<std::string>()> at_hooks;
    // Its seccomp filter has a listener, for the agent. pid: of the process.
    std::function<Result<void>(BorrowedFd listener, pid_t pid)> at_listener;
};
// Flags that create, run and exec share.
struct StartOptions {
    std::string bundle; // absolute
    std::string pid_file;
    UniqueFd console;      // connected; invalid without --console-socket
    UniqueFd pidfd_socket; // the same of --pidfd-socket
    runtime::RootChange root_change = runtime::RootChange::pivot;
    runtime::Keyring keyring = runtime::Keyring::fresh;
    int64_t preserve_fds = 0;
    // For restore: makes the process in another way than runtime::launch(), in
    // cgroups that it makes itself.
    std::function<Result<void>(const runtime::Plan&, const Container&, const OnWay&, Followed&)> instead_of_launch;
    static Result<StartOptions> from(const Args& args);
};

// Descriptors 3 to 3 + n - 1 of this process, for the program to keep; an
// error names one that isn't open.
Result<std::vector<BorrowedFd>> preserved_fds(int64_t n);

struct Made {
    Container container;
    UniqueFd terminal; // master side, when there is one and no console socket
    UniqueFd lock;
};

// create (with a gate) and run (without). Everything is undone on error.
Result<Made> make_container(Context& context, const std::string& id, const StartOptions& options, runtime::Gate gate);

// Bits of the capabilities that a container of this configuration can have.
uint64_t grantable_capabilities(const model::oci::Spec& spec);

// Makes a process of a config.json one that can be: as runc, with a warning,
// where its generator (`runc spec` before 1.2) writes impossible things. A
// terminal without a size gets that of the caller's, if that is one.
// Capabilities outside of grantable (bits) are left out, with a warning.
void adapt_process(model::oci::Process& process, uint64_t grantable, const Logger& log);

// Until the program runs or waits at the gate. On error `pid` of into tells
// whom to reap.
Result<void> follow(runtime::ReportReader& report, const OnWay& on_way, const Logger& log, Followed& into);

// The text that containerd and Docker know.
Error start_error(Error error);

// With a warning for each that fails.
void run_poststop(const Context& context, const Container& container, const std::vector<model::oci::Hook>& hooks);

Result<void> run_hooks(const std::vector<model::oci::Hook>& hooks, const char* kind, const std::string& state);

// runc's rule: without somebody to hold the other side there is no terminal.
Result<void> check_console(const StartOptions& options, bool detached);
// After the end: somebody else may have deleted it, and made another of that id.
Result<void> destroy_unless_gone(Context& context, const Container& container);

// To who asked for it by --pidfd-socket: one message, data "standard" for a
// container's first process and "setns" for one that joins, as runc's.
Result<void> send_pidfd(const StartOptions& options, const Followed& followed, const char* kind);

// To the agent that the plan names: the listener and the container process
// state. status: of the container, as the agent is to see it.
Result<void> send_to_agent(const Container& container, const char* status, const runtime::ProcessPlan& plan,
                           BorrowedFd listener, pid_t pid);

// As runc: complete or not there at all.
Result<void> write_pid_file(const std::string& path, pid_t pid);

// Keeps what a process in the foreground is to get. Called before that process
// is made, so that none is lost, or ends us, in between.
Result<sys::SignalQueue> hold_signals();

// Waits for the child `pid`, passing signals on to it and, with a terminal,
// bytes between it and ours. Its exit code, 128 + signal.
Result<int> attend(pid_t pid, UniqueFd terminal, sys::SignalQueue& signals);

} // namespace hull::oci_runtime
