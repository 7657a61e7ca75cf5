#include "apps/hull-runtime/criu.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <deque>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace hull::oci_runtime {

namespace {

constexpr int socket_number = 3, first_inherited = 4;
// From the child, when in_child() is done; what comes later is CRIU's.
constexpr const char* ready_message = "ready";

Result<std::string> find_program(const std::string& name) {
    if (name.find('/') != name.npos) return name;
    const char* path = std::getenv("PATH");
    std::string_view rest = path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    while (!rest.empty()) {
        std::string candidate = std::string(rest.substr(0, rest.find(':'))) + "/" + name;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
        rest.remove_prefix(std::min(rest.size(), candidate.size() - name.size()));
    }
    return Error(ErrorKind::unsupported, "the program " + name +
                                             " is not there: checkpoint and restore need CRIU (Debian: apt install "
                                             "criu, or name it with --criu)");
}

Result<void> place_descriptors(BorrowedFd socket, std::span<const BorrowedFd> inherited) {
    // Out of the way first, so that none is overwritten before its turn.
    const int above = first_inherited + static_cast<int>(inherited.size());
    std::vector<UniqueFd> moved;
    moved.push_back(TRY(sys::duplicate_above(socket, above)));
    for (BorrowedFd fd : inherited) moved.push_back(TRY(sys::duplicate_above(fd, above)));
    for (size_t i = 0; i < moved.size(); ++i) TRY(sys::duplicate_to(moved[i], socket_number + static_cast<int>(i)));
    return sys::close_on_exec_from(static_cast<unsigned>(above));
}

[[noreturn]] void become_criu(const CriuRun& run, const std::string& path, BorrowedFd socket) {
    auto fail = [](const Error& error) {
        (void)sys::write_all(BorrowedFd(STDERR_FILENO), error.message() + "\n");
        sys::exit_now(127);
    };
    sys::quiet_signals();
    if (run.in_child)
        if (auto done = run.in_child(); !done.ok()) fail(done.error());
    if (auto told = sys::send_message(socket, ready_message); !told.ok()) fail(told.error());
    if (auto placed = place_descriptors(socket, run.inherited); !placed.ok()) fail(placed.error());
    sys::unblock_signals();
    fail(sys::exec(path, {"criu", "swrk", std::to_string(socket_number)}, sys::own_environment()));
    sys::exit_now(127);
}

// The last lines of the log that say "Error".
std::string last_errors(const std::string& log) {
    constexpr size_t most = 5;
    auto text = sys::read_file(log, size_t{64} << 20);
    if (!text.ok()) return {};
    std::deque<std::string_view> lines;
    for (std::string_view rest = *text; !rest.empty();) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line.find("Error") == line.npos) continue;
        lines.push_back(line);
        if (lines.size() > most) lines.pop_front();
    }
    std::string out;
    for (std::string_view line : lines) out.append(out.empty() ? "" : "; ").append(line);
    return out;
}

Error failure(const CriuRun& run, const std::string& why) {
    std::string said = last_errors(run.log);
    return {ErrorKind::system, "criu failed: " + why + " (log: " + run.log + ")" + (said.empty() ? "" : ": " + said)};
}

// From the request to the response, answering notifications.
Result<void> converse(CriuRun& run, BorrowedFd socket, const Logger& log) {
    constexpr size_t longest = size_t{64} << 10;
    TRY(sys::send_message(socket, encode_criu_request(run.type, run.options)));
    for (;;) {
        auto message = sys::receive_message(socket, longest);
        if (!message.ok() || message->end_of_file) return failure(run, "it ended without an answer");
        auto response = TRY(decode_criu_response(message->data));
        if (!response.success) {
            std::string why = std::string("type ") + name_of(response.type) + " errno " + std::to_string(response.code);
            return failure(run, response.message.empty() ? why : why + " " + response.message);
        }
        if (response.type == run.type) return {};
        if (response.type != CriuRequest::notify) return failure(run, "an answer to something else");
        log.debug("criu: " + response.script);
        CriuNotification notification{response.script, response.pid, {}};
        if (!message->fds.empty()) notification.fd = std::move(message->fds.front());
        if (run.notified) TRY(run.notified(notification));
        TRY(sys::send_message(socket, encode_criu_acknowledgement()));
    }
}

} // namespace

Result<void> run_criu(CriuRun& run, const Logger& log) {
    std::string path = TRY(find_program(run.program));
    auto [ours, theirs] = TRY(sys::socket_pair(sys::SocketType::seqpacket));
    sys::CloneRequest request;
    request.exit_signal = SIGCHLD;
    pid_t pid = TRY(sys::clone(request).context("start criu"));
    if (pid == 0) {
        ours.reset();
        become_criu(run, path, theirs);
    }
    theirs.reset();
    auto talk = [&, &socket = ours]() -> Result<void> {
        auto ready = sys::receive_message(socket, 16);
        if (!ready.ok() || ready->end_of_file) return failure(run, "it could not be started");
        if (run.started) TRY(run.started(pid, run.options));
        return converse(run, socket, log);
    };
    auto done = talk();
    ours.reset(); // ends it, whatever it is at
    int status = TRY(sys::wait_for(pid)).status;
    TRY(std::move(done));
    // After a pre-dump it waits for more requests, and takes our leaving ill.
    if (status == 0 || run.type == CriuRequest::pre_dump) return {};
    return failure(run, WIFEXITED(status) ? "exit status " + std::to_string(WEXITSTATUS(status))
                                          : "killed by signal " + std::to_string(WTERMSIG(status)));
}

} // namespace hull::oci_runtime
