// The starting process's side of the report (report.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::runtime {

// What a message says; docs/formats/plan.md, "Report".
enum class ReportKind : uint8_t { pid, terminal, at_hooks, at_gate, starting, listener, failed };

struct StepRecord {
    std::string name;
    int64_t ns = 0;
};

struct ReportMessage {
    ReportKind kind = ReportKind::starting;
    std::vector<StepRecord> steps; // finished since the last message
    int32_t pid = 0;
    uint8_t error_kind = 0;
    int32_t error_code = 0;
    std::string error_message;
};
std::string encode_report(const ReportMessage& message);
Result<ReportMessage> decode_report(std::string_view bytes);

// Steps are collected and go out with the next message, so that the reader
// isn't woken for each.
class ReportWriter {
public:
    explicit ReportWriter(UniqueFd socket) : socket_(std::move(socket)) {}

    void step(const char* name, int64_t ns) { message_.steps.push_back({name, ns}); }
    // After a fork: the steps so far are told by the other process.
    void forget_steps() { message_ = {}; }
    Result<void> pid(pid_t pid, BorrowedFd pidfd);
    Result<void> terminal(BorrowedFd master);
    Result<void> listener(BorrowedFd fd);
    Result<void> simple(ReportKind kind); // at_hooks, at_gate, starting
    void failed(const Error& error);      // best effort
    // The answer to at_hooks: the text given to ReportReader::resume().
    Result<std::string> wait_for_resume();

    BorrowedFd fd() const { return socket_; }
    // Goes on over another connection (gate).
    void replace(UniqueFd socket) { socket_ = std::move(socket); }

private:
    Result<void> send(ReportKind kind, BorrowedFd fd = {});
    UniqueFd socket_;
    ReportMessage message_;
};

} // namespace hull::runtime
