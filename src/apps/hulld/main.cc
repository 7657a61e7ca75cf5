// hulld: the engine. Flags, signals, and the Daemon between them.
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>

#include <malloc.h>
#include <unistd.h>

#include "apps/hulld/daemon.h"
#include "apps/hulld/journal.h"
#include "apps/hulld/options.h"
#include "base/log.h"
#include "kernel/cgroup/systemd/manager.h"
#include "sys/process.h"
#include "sys/ready.h"
#include "sys/self.h"
#include "sys/service_manager.h"
#include "sys/signal_queue.h"

namespace hull {
namespace {

int fail(const Error& error) {
    std::fprintf(stderr, "%s\n", error.message().c_str());
    return 1;
}

void tell(std::string_view state) {
    auto told = sys::notify_service_manager(state);
    if (!told.ok()) log::warning("tell the service manager", told.error());
}

void reload(Daemon& daemon, const std::vector<std::string>& args) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
    auto reloaded = [&]() -> Result<void> {
        Options options = TRY(load_options(args));
        return daemon.reload(options);
    }();
    if (reloaded.ok())
        log::info("the configuration was reloaded");
    else
        log::error("reload the configuration; the old one stays", reloaded.error());
    tell("READY=1");
}

// Containers outlive the engine, but not the machine: there nobody would give
// them their signal and their time.
bool machine_goes_down() {
    auto state = kernel::cgroup::systemd::system_state();
    return state.ok() && *state == "stopping";
}

enum class Leave : uint8_t { containers_run_on, nothing };

// Until a signal asks for the end; what that is to leave.
Leave wait_for_end(sys::SignalQueue& signals, Daemon& daemon, const std::vector<std::string>& args) {
    Leave leave = Leave::containers_run_on;
    for (;;) {
        std::array<sys::Readiness, 1> entries{{{.fd = signals.fd()}}};
        static_cast<void>(sys::wait_ready(entries).ok()); // an error is seen as no signal below
        while (auto signal = signals.take()) {
            if (*signal == SIGHUP) {
                reload(daemon, args);
            } else if (*signal == SIGUSR2) {
                leave = Leave::nothing;
            } else {
                log::info(std::string("ending after ") + ::strsignal(*signal));
                return leave;
            }
        }
    }
}

Result<void> serve(const Options& options, const std::vector<std::string>& args) {
    if (::geteuid() != 0)
        return Error(ErrorKind::forbidden,
                     "hulld needs to be started with root privileges: it makes mounts, networks and cgroups for "
                     "containers, in which root is nobody outside");
    sys::ignore_sigpipe();
    sys::set_umask(022); // what containers see must not depend on who started the engine
    sys::raise_descriptor_limit();
    TRY(sys::become_subreaper()); // containers of a keeper that was killed come to us
    auto signals = TRY(sys::SignalQueue::create({SIGTERM, SIGINT, SIGHUP, SIGUSR2}));
    auto daemon = TRY(Daemon::start(options, sys::take_activation_sockets()));
    for (const Host& host : options.hosts) log::info("listening on " + host.text());
    tell("READY=1");
    Leave leave = wait_for_end(signals, *daemon, args);
    tell("STOPPING=1");
    if (leave == Leave::nothing || machine_goes_down()) {
        log::info("stopping containers, which the next engine starts again as their restart policies say");
        daemon->stop_containers();
    }
    daemon->stop();
    return {};
}

void write_json(log::Level level, std::string_view message, WallTime when) {
    log::write_line(log::as_json(level, message, when));
}

Result<void> set_log_format(LogFormat format) {
    if (format == LogFormat::journald) return log_to_journal(journal_socket());
    if (format == LogFormat::json) log::set_output(write_json);
    return {};
}

int run(const std::vector<std::string>& args) {
    auto options = load_options(args);
    if (!options.ok()) return fail(options.error());
    if (options->help) {
        std::fputs(usage().c_str(), stdout);
        return 0;
    }
    if (options->version) {
        std::puts("Hull version " HULL_VERSION);
        return 0;
    }
    if (options->validate) {
        std::puts("configuration OK");
        return 0;
    }
    log::set_level(options->log_level);
    if (auto set = set_log_format(options->log_format); !set.ok()) return fail(set.error());
    auto served = serve(*options, args);
    if (!served.ok()) {
        if (options->log_format != LogFormat::text) log::error("failed to start hulld", served.error());
        std::fprintf(stderr, "failed to start hulld: %s\n", served.error().message().c_str());
        return 1;
    }
    return 0;
}

} // namespace
} // namespace hull

int main(int argc, char** argv) {
    // Many short-lived threads, little memory each: two arenas keep what they
    // leave behind small.
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
    return hull::run(std::vector<std::string>(argv + 1, argv + argc));
}
