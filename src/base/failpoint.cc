#include "base/failpoint.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace hull::detail {

namespace {

enum class Action : unsigned char { error, crash, delay };

struct Point {
    Action action = Action::error;
    int milliseconds = 0;
    int only = 0; // the how many-th time; 0: each
    int reached = 0;
};

std::mutex points_mutex;

int leading_number(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// A test that misspells an action has to notice.
[[noreturn]] void refuse_spec(const std::string& entry) {
    std::fprintf(stderr, "HULL_FAILPOINTS: %s: not name=error, name=crash or name=delay:<ms>\n", entry.c_str());
    std::exit(2);
}

Point parse_point(const std::string& entry, std::string_view text) {
    Point point;
    size_t at = text.find('@');
    if (at != text.npos) point.only = leading_number(text.substr(at + 1));
    text = text.substr(0, at);
    if (text == "error") {
        point.action = Action::error;
    } else if (text == "crash") {
        point.action = Action::crash;
    } else if (text.starts_with("delay:")) {
        point.action = Action::delay;
        point.milliseconds = leading_number(text.substr(6));
    } else {
        refuse_spec(entry);
    }
    return point;
}

std::map<std::string, Point, std::less<>>& points() {
    static std::map<std::string, Point, std::less<>> all = [] {
        std::map<std::string, Point, std::less<>> parsed;
        std::string spec(std::getenv("HULL_FAILPOINTS"));
        for (size_t begin = 0; begin < spec.size();) {
            size_t end = std::min(spec.find(';', begin), spec.size());
            std::string entry = spec.substr(begin, end - begin);
            begin = end + 1;
            if (entry.empty()) continue;
            size_t equals = entry.find('=');
            if (equals == entry.npos) refuse_spec(entry);
            parsed.emplace(entry.substr(0, equals), parse_point(entry, std::string_view(entry).substr(equals + 1)));
        }
        return parsed;
    }();
    return all;
}

} // namespace

const bool failpoints_wanted = std::getenv("HULL_FAILPOINTS") != nullptr;

Result<void> reach_failpoint(std::string_view name) {
    Point point;
    {
        std::lock_guard held(points_mutex);
        auto found = points().find(name);
        if (found == points().end()) return {};
        ++found->second.reached;
        point = found->second;
    }
    if (point.only != 0 && point.only != point.reached) return {};
    switch (point.action) {
    case Action::error: return Error::from_errno("failpoint", name, EIO);
    case Action::crash: std::raise(SIGKILL); break;
    case Action::delay: std::this_thread::sleep_for(std::chrono::milliseconds(point.milliseconds)); break;
    }
    return {};
}

} // namespace hull::detail
