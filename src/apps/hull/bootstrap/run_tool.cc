#include "apps/hull/bootstrap/run_tool.h"

#include <array>
#include <string_view>

#include <sys/wait.h>

#include "apps/hull/stream/pump.h"
#include "sys/child_program.h"
#include "sys/file.h"
#include "sys/nonblocking.h"
#include "sys/process.h"
#include "sys/ready.h"

namespace hull::cli {

namespace {
constexpr size_t max_output = size_t{16} << 20;
constexpr size_t shown_errors = 2000; // the last bytes of standard error

// Both outputs of the program until both are at their end.
Result<void> collect(BorrowedFd out_fd, BorrowedFd err_fd, std::string& out, std::string& err) {
    std::array<sys::Readiness, 2> waited{{{out_fd}, {err_fd}}};
    std::array<char, 16384> piece;
    while (waited[0].fd.valid() || waited[1].fd.valid()) {
        TRY(sys::wait_ready(waited));
        for (size_t i = 0; i < 2; ++i) {
            if (!waited[i].ready) continue;
            size_t n = TRY(sys::read(waited[i].fd, piece));
            if (n == 0) waited[i].fd = BorrowedFd();
            std::string& into = i == 0 ? out : err;
            into.append(piece.data(), n);
            if (out.size() > max_output) return Error(ErrorKind::too_large, "too much output");
            if (err.size() > 4 * shown_errors) err.erase(0, err.size() - shown_errors);
        }
    }
    return {};
}
} // namespace

Error missing_tool(const std::string& program, const std::string& package) {
    return Error(ErrorKind::no_such_program,
                 program + " is not installed. Install it with: apt-get install " + package);
}

std::string bad_end(int status) {
    if (WIFSIGNALED(status)) return "signal " + signal_name(WTERMSIG(status));
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) return "exit code " + std::to_string(WEXITSTATUS(status));
    return "";
}

Result<std::string> run_tool(const ToolRequest& request) {
    auto [out_read, out_write] = TRY(sys::make_pipe());
    auto [err_read, err_write] = TRY(sys::make_pipe());
    sys::ProgramRequest program;
    program.args = request.args;
    program.folder = request.folder;
    program.null_input = true;
    program.output = out_write;
    program.error = err_write;
    auto pid = sys::start_program(program);
    if (!pid.ok() && pid.error().kind() == ErrorKind::no_such_program)
        return missing_tool(request.args[0], request.package);
    if (!pid.ok()) return std::move(pid).error();
    out_write.reset();
    err_write.reset();
    std::string out, err;
    auto collected = collect(out_read, err_read, out, err);
    out_read.reset();
    err_read.reset();
    auto end = TRY(sys::wait_for(*pid));
    TRY(std::move(collected));
    if (std::string why = bad_end(end.status); !why.empty())
        return Error(ErrorKind::internal, request.args[0] + " failed (" + why + "):\n" + err);
    return out;
}

} // namespace hull::cli
