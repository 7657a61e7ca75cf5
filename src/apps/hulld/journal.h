// The engine's log to systemd's journal, by its native protocol
// (systemd.io/JOURNAL_NATIVE_PROTOCOL): fields, so that a message of several
// lines stays one entry with a priority.
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"

namespace hull {

// One entry as a datagram.
std::string journal_entry(log::Level level, std::string_view message);
// $HULL_JOURNAL_SOCKET, or the journal's own.
std::string journal_socket();
// From now on the log goes there; what can't be sent is written to standard
// error. Errors: when there is no journal.
Result<void> log_to_journal(const std::string& socket);

} // namespace hull
