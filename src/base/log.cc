#include "base/log.h"

#include <atomic>
#include <string>

#include <unistd.h>

#include "base/clock.h"

namespace hull::log {

namespace {

std::atomic<Level> threshold{Level::info};

void write_text(Level level, std::string_view message, WallTime when) { write_line(as_text(level, message, when)); }
std::atomic<Output> output{write_text};

const char* name_of(Level level) {
    switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: return "error";
    }
    return "?";
}

void append_quoted(std::string& out, std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    out.push_back('"');
    for (char c : text) {
        auto u = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (c == '\n') {
            out.append("\\n");
        } else if (u < 0x20 || u == 0x7f) {
            out.append("\\x").push_back(hex[u >> 4]);
            out.push_back(hex[u & 15]);
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
}

// Text of foreign origin may not be UTF-8; JSON has to be.
void append_json(std::string& out, std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    out.push_back('"');
    for (char c : text) {
        auto u = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (c == '\n') {
            out.append("\\n");
        } else if (u < 0x20 || u >= 0x7f) {
            out.append("\\u00").push_back(hex[u >> 4]);
            out.push_back(hex[u & 15]);
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
}

} // namespace

void set_level(Level level) { threshold = level; }
bool enabled(Level level) { return level >= threshold.load(std::memory_order_relaxed); }

std::string as_text(Level level, std::string_view message, WallTime when) {
    std::string line = "time=" + to_rfc3339(when) + " level=" + name_of(level) + " msg=";
    append_quoted(line, message);
    line.push_back('\n');
    return line;
}

std::string as_json(Level level, std::string_view message, WallTime when) {
    std::string line = std::string("{\"level\":\"") + name_of(level) + "\",\"msg\":";
    append_json(line, message);
    return line + ",\"time\":\"" + to_rfc3339(when) + "\"}\n";
}

void write_line(std::string_view line) {
    // Nothing can be done when the log itself can't be written.
    [[maybe_unused]] ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
}

void set_output(Output to) { output = to; }

void write(Level level, std::string_view message) {
    if (!enabled(level)) return;
    output.load(std::memory_order_relaxed)(level, message, wall_now());
}

void error(std::string_view doing, const Error& e) { write(Level::error, std::string(doing) + ": " + e.message()); }
void warning(std::string_view doing, const Error& e) { write(Level::warning, std::string(doing) + ": " + e.message()); }

} // namespace hull::log
