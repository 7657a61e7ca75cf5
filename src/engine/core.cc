#include "engine/core.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <string_view>

#include "base/log.h"

namespace hull::engine {
namespace {

struct Signal {
    std::string_view name;
    int number;
};
constexpr std::array kSignals = {
    Signal{"ABRT", SIGABRT}, Signal{"ALRM", SIGALRM}, Signal{"BUS", SIGBUS},       Signal{"CHLD", SIGCHLD},
    Signal{"CLD", SIGCHLD},  Signal{"CONT", SIGCONT}, Signal{"FPE", SIGFPE},       Signal{"HUP", SIGHUP},
    Signal{"ILL", SIGILL},   Signal{"INT", SIGINT},   Signal{"IO", SIGIO},         Signal{"IOT", SIGABRT},
    Signal{"KILL", SIGKILL}, Signal{"PIPE", SIGPIPE}, Signal{"POLL", SIGIO},       Signal{"PROF", SIGPROF},
    Signal{"PWR", SIGPWR},   Signal{"QUIT", SIGQUIT}, Signal{"SEGV", SIGSEGV},     Signal{"STKFLT", SIGSTKFLT},
    Signal{"STOP", SIGSTOP}, Signal{"SYS", SIGSYS},   Signal{"TERM", SIGTERM},     Signal{"TRAP", SIGTRAP},
    Signal{"TSTP", SIGTSTP}, Signal{"TTIN", SIGTTIN}, Signal{"TTOU", SIGTTOU},     Signal{"URG", SIGURG},
    Signal{"USR1", SIGUSR1}, Signal{"USR2", SIGUSR2}, Signal{"VTALRM", SIGVTALRM}, Signal{"WINCH", SIGWINCH},
    Signal{"XCPU", SIGXCPU}, Signal{"XFSZ", SIGXFSZ},
};
// Of the kernel, not of the C library, which keeps two for itself.
constexpr int kRtMin = 34, kRtMax = 64;

std::optional<int> number(std::string_view text) {
    int value = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<int> real_time(std::string_view name) {
    for (auto [base, from] : {std::pair("RTMIN", kRtMin), std::pair("RTMAX", kRtMax)}) {
        if (!name.starts_with(base)) continue;
        std::string_view rest = name.substr(5);
        if (rest.empty()) return from;
        auto offset = number(rest.substr(rest[0] == '+' ? 1 : 0));
        if (!offset) return std::nullopt;
        int value = from + *offset;
        if (value >= kRtMin && value <= kRtMax) return value;
    }
    return std::nullopt;
}

} // namespace

std::vector<std::string> Core::lower_of(const Container& container) const {
    std::vector<std::string> lower = container.lease().lower();
    lower.push_back(dirs->base());
    return lower;
}

void Core::save(const Container& container) {
    std::lock_guard writing(container.writing().mutex);
    if (container.writing().erased) return;
    auto saved = records.put(store::Table::containers, container.id.str() + kStateKey, container.state_text());
    if (!saved.ok()) log::error("save container " + container.id.str(), saved.error());
}

Result<void> Core::save_settings(const Container& container) {
    std::lock_guard writing(container.writing().mutex);
    if (container.writing().erased) return no_such_container(container.id.str());
    return records.put(store::Table::containers, container.id.str(), container.settings_text());
}

Result<void> Core::erase(const Container& container) {
    const std::array changes = {
        store::Change{.table = store::Table::containers, .key = container.id.str(), .text = {}},
        store::Change{.table = store::Table::containers, .key = container.id.str() + kStateKey, .text = {}}};
    std::lock_guard writing(container.writing().mutex);
    TRY(records.commit(changes, store::Durability::process_crash));
    container.writing().erased = true;
    return {};
}

Event Core::event_of(const Container& container, std::string action, std::map<std::string, std::string> more) {
    Event event{.type = "container",
                .action = std::move(action),
                .actor = container.id.str(),
                .attributes = container.settings().config.labels,
                .time = {}};
    event.attributes["image"] = container.settings().config.image;
    event.attributes["name"] = container.name();
    for (auto& [key, value] : more) event.attributes[key] = std::move(value);
    return event;
}

void Core::publish(const Container& container, std::string action, std::map<std::string, std::string> more) {
    events.publish(event_of(container, std::move(action), std::move(more)));
}

std::string network_name(const std::string& mode) { return mode.empty() || mode == "default" ? "bridge" : mode; }

std::string joined_container(const std::string& mode) {
    return mode.starts_with("container:") ? mode.substr(10) : std::string();
}

Result<int> parse_signal(const std::string& text) {
    if (auto value = number(text)) {
        if (*value >= 1 && *value <= kRtMax) return *value;
        return Error(ErrorKind::invalid_argument, "Invalid signal: " + text);
    }
    std::string name = text;
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (name.starts_with("SIG")) name.erase(0, 3);
    for (const Signal& signal : kSignals)
        if (signal.name == name) return signal.number;
    if (auto value = real_time(name)) return *value;
    return Error(ErrorKind::invalid_argument, "Invalid signal: " + text);
}

std::string signal_name(int wanted) {
    for (const Signal& signal : kSignals)
        if (signal.number == wanted) return "SIG" + std::string(signal.name);
    return std::to_string(wanted);
}

} // namespace hull::engine
