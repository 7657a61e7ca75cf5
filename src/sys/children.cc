#include "sys/children.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include <unistd.h>

#include "sys/file.h"

namespace hull::sys {

namespace {

struct Kinship {
    pid_t parent = 0, session = 0;
};

// Not every kernel has /proc/<pid>/task/<tid>/children.
Kinship kinship_of(const std::string& pid) {
    Kinship kin;
    auto text = read_file("/proc/" + pid + "/stat", 8192);
    if (!text.ok()) return kin; // gone meanwhile
    size_t end = text->rfind(") ");
    if (end == std::string::npos) return kin;
    // After the name: state, parent, group, session.
    const char* at = text->c_str() + end + 3;
    const char* stop = text->c_str() + text->size();
    pid_t group = 0;
    for (pid_t* number : {&kin.parent, &group, &kin.session}) {
        auto [rest, error] = std::from_chars(std::min(at + 1, stop), stop, *number);
        if (error != std::errc{}) return {};
        at = rest;
    }
    return kin;
}

} // namespace

Result<std::vector<pid_t>> children_of_other_sessions() {
    std::vector<pid_t> found;
    pid_t self = ::getpid(), session = ::getsid(0);
    for (const std::string& name : TRY(list_dir("/proc"))) {
        if (name[0] < '1' || name[0] > '9') continue;
        Kinship kin = kinship_of(name);
        if (kin.parent == self && kin.session != session) found.push_back(std::atoi(name.c_str()));
    }
    return found;
}

} // namespace hull::sys
