// journald by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).
#pragma once

#include "logs/target.h"

namespace hull::logs {

// One entry as it is sent.
std::string format_journal(const TargetSpec& spec, const Line& line);
// "my.label" -> "MY_LABEL": letters, digits and underscores, none in front.
std::string journal_field(std::string_view name);

Result<std::unique_ptr<Target>> make_journald(const TargetSpec& spec);

} // namespace hull::logs
