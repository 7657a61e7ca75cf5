#include "apps/hulld/journal.h"

#include <cstdint>

#include <cstdlib>

#include "sys/remote_socket.h"

namespace hull {

namespace {

// Lives as long as the process: threads may log until its last moment.
BorrowedFd journal;
constexpr int wait_ms = 1000; // for a journal that doesn't read

char priority_of(log::Level level) { // syslog(3)
    switch (level) {
    case log::Level::debug: return '7';
    case log::Level::info: return '6';
    case log::Level::warning: return '4';
    case log::Level::error: return '3';
    }
    return '5';
}

void write_entry(log::Level level, std::string_view message, WallTime when) {
    if (!sys::send_remote(journal, journal_entry(level, message)).ok())
        log::write_line(log::as_text(level, message, when));
}

} // namespace

std::string journal_entry(log::Level level, std::string_view message) {
    std::string entry = std::string("PRIORITY=") + priority_of(level) + "\nSYSLOG_IDENTIFIER=hulld\nMESSAGE";
    if (message.find('\n') == message.npos) return entry.append("=").append(message).append("\n");
    entry.push_back('\n');
    uint64_t length = message.size();
    for (int i = 0; i < 8; ++i) entry.push_back(static_cast<char>(length >> (8 * i)));
    return entry.append(message).append("\n");
}

std::string journal_socket() {
    const char* other = std::getenv("HULL_JOURNAL_SOCKET");
    return other ? other : "/run/systemd/journal/socket";
}

Result<void> log_to_journal(const std::string& socket) {
    auto opened =
        TRY(sys::connect_remote(sys::Remote::unix_datagram, socket, "", wait_ms).context("log to the journal"));
    journal = BorrowedFd(opened.release());
    log::set_output(write_entry);
    return {};
}

} // namespace hull
