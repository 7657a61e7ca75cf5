#include "apps/hull/client/autostart.h"

#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "apps/hull/cli/session.h"
#include "base/clock.h"
#include "sys/child_program.h"
#include "sys/file.h"
#include "sys/ready.h"

namespace hull::cli {

namespace {

constexpr int64_t start_timeout_ns = 20'000'000'000;
constexpr int poll_interval_ms = 5;
constexpr const char* log_path = "/var/log/hulld.log";

bool service_manager_in_charge() {
    if (!sys::exists("/run/systemd/system")) return false; // PID 1 is not systemd
    for (const char* folder : {"/etc/systemd/system/", "/run/systemd/system/", "/usr/local/lib/systemd/system/",
                               "/usr/lib/systemd/system/", "/lib/systemd/system/"})
        for (const char* unit : {"hull.service", "hull.socket"})
            if (sys::exists(std::string(folder) + unit)) return true;
    return false;
}

// hulld as installed beside hull, as built beside it, or in PATH.
std::string engine_program() {
    if (auto self = sys::readlink("/proc/self/exe"); self.ok()) {
        std::string folder = self->substr(0, self->rfind('/'));
        for (const char* place : {"/hulld", "/../hulld/hulld"})
            if (::access((folder + place).c_str(), X_OK) == 0 && !sys::list_dir(folder + place).ok())
                return folder + place;
    }
    return "hulld";
}

Error unavailable(const http::Endpoint& endpoint, const std::string& why) {
    return Error(ErrorKind::unavailable, "Cannot connect to the Hull engine at " + endpoint.text + ": " + why);
}

std::string last_lines_of_log(off_t from) {
    auto log = sys::read_file(log_path, size_t{64} << 20);
    if (!log.ok() || log->size() <= static_cast<size_t>(from)) return "";
    std::string fresh = log->substr(static_cast<size_t>(from));
    return fresh.size() > 2000 ? fresh.substr(fresh.size() - 2000) : fresh;
}

Result<void> wait_until_it_answers(const http::Endpoint& endpoint, pid_t pid, off_t log_start) {
    int64_t deadline = monotonic_ns() + start_timeout_ns;
    bool ended = false;
    while (monotonic_ns() < deadline) {
        if (http::ClientConnection::connect(endpoint).ok()) return {};
        // Another hull may have started an engine in the same moment: then ours
        // ends, but one answers. Look once more before giving up.
        if (ended)
            return unavailable(endpoint, "hulld ended while it started:\n" + last_lines_of_log(log_start) +
                                             "(log: " + log_path + ")");
        ended = TRY(sys::poll_exit(pid)).has_value();
        TRY(sys::wait_ready({}, ended ? 200 : poll_interval_ms));
    }
    return unavailable(endpoint,
                       "hulld (pid " + std::to_string(pid) + ") did not answer within 20 seconds; log: " + log_path);
}

} // namespace

Result<void> start_engine(const http::Endpoint& endpoint) {
    if (service_manager_in_charge())
        return unavailable(endpoint, "the engine is not running. Start it with: systemctl start hull");
    if (::geteuid() != 0)
        return unavailable(endpoint, "the engine is not running, and only root can start it. Try: sudo hull version");
    UniqueFd log = TRY(sys::open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    off_t log_start = TRY(sys::stat(log_path)).st_size;
    sys::ProgramRequest request;
    request.args = {engine_program()};
    request.null_input = true;
    request.output = request.error = log;
    request.new_session = true;
    auto pid = sys::start_program(request);
    if (!pid.ok())
        return unavailable(endpoint, "the engine is not running and can't be started: " + pid.error().message());
    TRY(wait_until_it_answers(endpoint, *pid, log_start));
    print_error("hull: started the engine (hulld, pid " + std::to_string(*pid) + "); log: " + log_path + "\n");
    return {};
}

} // namespace hull::cli
