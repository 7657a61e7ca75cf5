// The programs' log: one line per event on standard error, logfmt-shaped
// (time=... level=... msg="..."), or what set_output() makes of it. Thread-safe:
// a line is one write(2).
// Log or return an error, never both.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace hull::log {

enum class Level : unsigned char { debug, info, warning, error };

// One event as a line, ended by a newline.
std::string as_text(Level level, std::string_view message, WallTime when); // logfmt
std::string as_json(Level level, std::string_view message, WallTime when);

// Where events go instead of standard error as text. Set once, at start; called
// by any thread, and must neither log nor throw.
using Output = void (*)(Level level, std::string_view message, WallTime when);
void set_output(Output output);
void write_line(std::string_view line); // to standard error, in one write(2)

// Lines below this level are dropped; info at start.
void set_level(Level level);
bool enabled(Level level);
void write(Level level, std::string_view message);

inline void debug(std::string_view message) {
    if (enabled(Level::debug)) write(Level::debug, message);
}
inline void info(std::string_view message) { write(Level::info, message); }
inline void warning(std::string_view message) { write(Level::warning, message); }
inline void error(std::string_view message) { write(Level::error, message); }
// An error that ends here: what was being done, and the error's own chain.
void error(std::string_view doing, const Error& error);
void warning(std::string_view doing, const Error& error);

} // namespace hull::log
