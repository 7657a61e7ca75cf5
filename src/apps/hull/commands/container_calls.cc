#include "apps/hull/commands/container_calls.h"

#include <charconv>
#include <cstdio>
#include <ctime>

#include "apps/hull/cli/session.h"
#include "apps/hull/format/human.h"
#include "apps/hull/stream/detach_keys.h"
#include "base/clock.h"

namespace hull::cli {

std::string container_path(const std::string& name, const char* action) {
    return "/containers/" + path_part(name) + (*action ? "/" : "") + action;
}

Result<ExitWaiter> ExitWaiter::begin(Engine& engine, const std::string& name, const char* condition) {
    Query query;
    query.add_unless_empty("condition", condition);
    Call call{.method = http::Method::post,
              .path = container_path(name, "wait"),
              .query = query.str(),
              .body = {},
              .headers = {}};
    return ExitWaiter(TRY(engine.begin(std::move(call))));
}

Result<void> ExitWaiter::settle() {
    if (!settled_) TRY(exchange_.head());
    settled_ = true;
    return {};
}

Result<int> ExitWaiter::code() {
    TRY(settle());
    std::string body = TRY(exchange_.read_all());
    Json answer = TRY(read_json(body, "the engine's answer to wait"));
    if (std::string why = text(answer, "Error.Message"); !why.empty()) return Error(ErrorKind::internal, why);
    return static_cast<int>(number(answer, "StatusCode"));
}

Result<Exchange> begin_attach(Engine& engine, const std::string& name, const Streams& streams,
                              const std::string& detach_keys, bool with_logs) {
    Query query;
    query.add_unless_empty("detachKeys", detach_keys)
        .add_if(with_logs, "logs", "1")
        .add("stream", "1")
        .add_if(streams.in, "stdin", "1")
        .add_if(streams.out, "stdout", "1")
        .add_if(streams.err, "stderr", "1");
    return engine.begin({.method = http::Method::post,
                         .path = container_path(name, "attach"),
                         .query = query.str(),
                         .body = {},
                         .upgrade = true,
                         .headers = {}});
}

void connect_controls(Streams& streams, Engine& engine, const std::string& name, bool proxy_signals) {
    if (streams.tty)
        streams.resize = [&engine, name](sys::TerminalSize size) {
            // A container that is gone has no window; nothing to say about it.
            (void)engine
                .post(container_path(name, "resize"),
                      Query().add("h", std::to_string(size.rows)).add("w", std::to_string(size.columns)))
                .ok();
        };
    if (proxy_signals)
        streams.forward = [&engine, name](int signal) {
            (void)engine.post(container_path(name, "kill"), Query().add("signal", signal_name(signal))).ok();
        };
}

int exit_code_of_start_error(const std::string& message) {
    auto says = [&](const char* text) { return message.find(text) != message.npos; };
    if (says("executable file not found") || says("no such file or directory") || says("system cannot find the file"))
        return 127;
    if (says("permission denied") || says("is a directory")) return 126;
    return 125;
}

Result<DetachKeys> detach_keys_of(Session& session) {
    DetachKeys keys;
    keys.given = session.flags().text("detach-keys");
    if (keys.given.empty()) keys.given = TRY(session.config())->detach_keys;
    keys.bytes = TRY(parse_detach_keys(keys.given.empty() ? default_detach_keys : keys.given));
    return keys;
}

Result<void> check_terminal(bool attach_stdin, bool tty) {
    if (attach_stdin && tty && !sys::is_terminal(BorrowedFd(0)))
        return Error(ErrorKind::invalid_argument, "the input device is not a TTY");
    return {};
}

namespace {

// "2006-01-02T15:04:05" in whole or cut short, without a zone: local time.
std::optional<int64_t> local_time(const std::string& text) {
    std::tm parts{};
    double seconds = 0;
    int n = std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                        &parts.tm_hour, &parts.tm_min, &seconds);
    if (n < 3 || n == 4) return std::nullopt;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    parts.tm_isdst = -1;
    std::time_t whole = ::mktime(&parts);
    return static_cast<int64_t>(whole) * 1'000'000'000 + static_cast<int64_t>(seconds * 1e9);
}

} // namespace

Result<std::string> timestamp_of(const std::string& name, const std::string& text) {
    if (text.empty()) return text;
    int64_t ns = 0;
    if (text.find_first_not_of("0123456789.") == text.npos) return text; // seconds already
    if (auto before = format::parse_duration(text); before.ok())
        ns = wall_now().ns - *before;
    else if (auto time = from_rfc3339(text))
        ns = time->ns;
    else if (auto local = local_time(text.ends_with('Z') ? text.substr(0, text.size() - 1) : text))
        ns = *local;
    else
        return Error(ErrorKind::invalid_argument,
                     "invalid value for \"" + name + "\": failed to parse value as time or duration: \"" + text + "\"");
    char out[64];
    std::snprintf(out, sizeof out, "%lld.%09lld", static_cast<long long>(ns / 1'000'000'000),
                  static_cast<long long>(ns % 1'000'000'000));
    return std::string(out);
}

} // namespace hull::cli
