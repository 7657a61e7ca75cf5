#include <algorithm>
#include <charconv>
#include <set>

#include "engine/service.h"

namespace hull::engine {
namespace {

std::vector<std::string> fields(std::string_view line) {
    std::vector<std::string> parts;
    size_t at = 0;
    while ((at = line.find_first_not_of(" \t", at)) != std::string_view::npos) {
        size_t end = std::min(line.find_first_of(" \t", at), line.size());
        parts.emplace_back(line.substr(at, end - at));
        at = end;
    }
    return parts;
}

// The rest of the line belongs to the last column.
std::vector<std::string> columns(std::string_view line, size_t count) {
    std::vector<std::string> parts = fields(line);
    while (parts.size() > count) {
        parts[count - 1] += " " + parts[count];
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return parts;
}

// Splits like a shell would, without quoting; as Docker does.
Result<std::vector<std::string>> ps_arguments(const std::string& text) {
    std::vector<std::string> arguments = fields(text.empty() ? "-ef" : text);
    // Titles are looked for by name, so what changes them can't be had.
    for (const std::string& argument : arguments)
        if (argument.find("=") != std::string::npos && argument.find("pid=") != std::string::npos)
            return Error(ErrorKind::invalid_argument, "specifying \"" + argument + "\" is not allowed");
    return arguments;
}

// Asks ps for these processes alone. Some of its options (such as f) don't go
// together with -q; then for what they give without, to choose from.
Result<std::string> run_ps(HostPort& host, const std::vector<std::string>& arguments,
                           const std::vector<int>& processes) {
    std::string chosen = "-q";
    for (int pid : processes) chosen += (chosen.size() == 2 ? "" : ",") + std::to_string(pid);
    std::vector<std::string> with_pids = arguments;
    with_pids.push_back(chosen);
    auto output = host.ps(with_pids);
    return output.ok() ? std::move(output) : host.ps(arguments);
}

} // namespace

Result<TopView> ContainersService::top(const std::string& name, const std::string& ps_args) {
    ContainerPtr container = TRY(core_.registry.find(name));
    if (!has_processes(container->status())) return not_running(*container);
    auto arguments = TRY(ps_arguments(ps_args));
    std::vector<int> processes = TRY(core_.runtime.processes(container->id));
    std::string output = TRY(run_ps(core_.host, arguments, processes));

    TopView view;
    std::set<std::string> pids;
    for (int pid : processes) pids.insert(std::to_string(pid));
    std::string_view rest = output;
    size_t pid_column = 0;
    while (!rest.empty()) {
        size_t end = std::min(rest.find('\n'), rest.size());
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (view.titles.empty()) {
            view.titles = fields(line);
            auto at = std::ranges::find(view.titles, "PID");
            if (at == view.titles.end())
                return Error(ErrorKind::invalid_argument, "couldn't find PID field in ps output");
            pid_column = static_cast<size_t>(at - view.titles.begin());
            continue;
        }
        auto row = columns(line, view.titles.size());
        if (row.size() > pid_column && pids.contains(row[pid_column])) view.processes.push_back(std::move(row));
    }
    core_.publish(*container, "top");
    return view;
}

} // namespace hull::engine
