// hulld: the engine. Flags, signals, and the Daemon between them.
#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <malloc.h>

#include "apps/hulld/daemon.h"
#include "apps/hulld/options.h"
#include "base/log.h"
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
    auto options = load_options(args);
    if (!options.ok()) return log::error("reload the configuration", options.error());
    daemon.reload(*options);
    log::info("the configuration was reloaded");
}

// Until a signal asks for the end.
void wait_for_end(sys::SignalQueue& signals, Daemon& daemon, const std::vector<std::string>& args) {
    for (;;) {
        std::array<sys::Readiness, 1> entries{{{.fd = signals.fd()}}};
        static_cast<void>(sys::wait_ready(entries).ok()); // an error is seen as no signal below
        while (auto signal = signals.take()) {
            if (*signal == SIGHUP) {
                reload(daemon, args);
            } else {
                log::info(std::string("ending after ") + ::strsignal(*signal));
                return;
            }
        }
    }
}

Result<void> serve(const Options& options, const std::vector<std::string>& args) {
    sys::ignore_sigpipe();
    sys::raise_descriptor_limit();
    TRY(sys::become_subreaper()); // containers of a keeper that was killed come to us
    auto signals = TRY(sys::SignalQueue::create({SIGTERM, SIGINT, SIGHUP}));
    auto daemon = TRY(Daemon::start(options, sys::take_activation_sockets()));
    for (const Host& host : options.hosts)
        log::info("listening on " + (host.kind == Host::Kind::activation ? "fd://" : "unix://" + host.path));
    tell("READY=1");
    wait_for_end(signals, *daemon, args);
    tell("STOPPING=1");
    daemon->stop();
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
    auto served = serve(*options, args);
    if (!served.ok()) {
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
