// Syslog: RFC 3164 and RFC 5424 (with seconds or microseconds), and the form
// that unix sockets' daemons read, over UDP, TCP and unix sockets.
#pragma once

#include <string>

#include "logs/target.h"

namespace hull::logs {

enum class SyslogFormat : unsigned char { local, rfc3164, rfc5424, rfc5424_micro };

struct SyslogHeader {
    SyslogFormat format = SyslogFormat::local;
    int facility = 3; // daemon
    std::string hostname, tag;
    int pid = 0;
};

// One message with its line end.
std::string format_syslog(const SyslogHeader& header, const Line& line);
// "daemon", "local3" or a number up to 23. Errors: invalid_argument.
Result<int> parse_facility(const std::string& text);

Result<std::unique_ptr<Target>> make_syslog(const TargetSpec& spec);

} // namespace hull::logs
