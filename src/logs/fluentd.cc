#include "logs/fluentd.h"

#include <array>

#include "base/random.h"
#include "logs/address.h"
#include "logs/msgpack.h"
#include "sys/remote_socket.h"

namespace hull::logs {
namespace {

constexpr int64_t kDefaultWaitMs = 10'000;
constexpr size_t kMaxAnswer = 4096;

class Fluentd : public Target {
public:
    struct Settings {
        sys::Remote kind = sys::Remote::tcp;
        std::string host, port;
        EventTimes times = EventTimes::seconds;
        bool acknowledged = false;
        int64_t wait_ms = kDefaultWaitMs;
    };
    Fluentd(TargetSpec spec, Settings settings) : spec_(std::move(spec)), settings_(std::move(settings)) {}

    Result<void> connect() override {
        if (fd_) return {};
        fd_ = TRY(
            sys::connect_remote(settings_.kind, settings_.host, settings_.port, static_cast<int>(settings_.wait_ms)));
        return {};
    }

    Result<void> send(const Line& line) override {
        TRY(connect());
        std::string chunk = settings_.acknowledged ? random_hex(16) : std::string();
        auto sent = sys::send_remote(fd_, format_fluentd(spec_, line, settings_.times, chunk));
        if (sent.ok() && settings_.acknowledged) sent = await(chunk);
        if (!sent.ok()) fd_.reset();
        return sent;
    }

private:
    // {"ack": chunk}. The chunk is 32 digits of ours: finding it is enough.
    Result<void> await(const std::string& chunk) {
        std::string answer;
        std::array<char, 512> part;
        while (answer.find(chunk) == std::string::npos) {
            if (answer.size() > kMaxAnswer)
                return Error(ErrorKind::unavailable, "the answer of the collector is no acknowledgement");
            size_t n = TRY(sys::receive_remote(fd_, part));
            if (n == 0) return Error(ErrorKind::unavailable, "the collector closed the connection");
            answer.append(part.data(), n);
        }
        return {};
    }

    TargetSpec spec_;
    Settings settings_;
    UniqueFd fd_;
};

} // namespace

std::string format_fluentd(const TargetSpec& spec, const Line& line, EventTimes times, const std::string& chunk) {
    MessagePack out;
    out.array(chunk.empty() ? 3 : 4);
    out.text(spec.tag);
    auto seconds = static_cast<uint64_t>(line.time.ns / 1'000'000'000);
    if (times == EventTimes::seconds)
        out.number(seconds);
    else
        out.event_time(static_cast<uint32_t>(seconds), static_cast<uint32_t>(line.time.ns % 1'000'000'000));
    out.map(static_cast<uint32_t>(4 + spec.attributes.size() + (line.partial ? 1 : 0)));
    for (const auto& [name, value] : spec.attributes) {
        out.text(name);
        out.text(value);
    }
    out.text("container_id");
    out.text(spec.container_id);
    out.text("container_name");
    out.text("/" + spec.container_name);
    out.text("source");
    out.text(line.is_stderr ? "stderr" : "stdout");
    out.text("log");
    out.text(line.text);
    if (line.partial) {
        out.text("partial_message");
        out.text("true");
    }
    if (!chunk.empty()) {
        out.map(1);
        out.text("chunk");
        out.text(chunk);
    }
    return out.bytes();
}

Result<std::unique_ptr<Target>> make_fluentd(const TargetSpec& spec) {
    Fluentd::Settings settings;
    auto option = [&](const char* name) {
        auto found = spec.options.find(name);
        return found == spec.options.end() ? std::string() : found->second;
    };
    if (!option("fluentd-async-connect").empty())
        return invalid("fluentd-async-connect is not supported any more: use fluentd-async");
    std::string text = option("fluentd-address");
    Address address =
        TRY(parse_address(text.empty() ? "127.0.0.1" : text, "24224").context("error parsing fluentd-address"));
    if (address.scheme == "unix")
        settings.kind = sys::Remote::unix_stream;
    else if (address.scheme == "tls")
        return unsupported("fluentd-address " + text + ": fluentd over TLS is not supported; use tcp or unix");
    else if (!address.scheme.empty() && address.scheme != "tcp")
        return invalid("unsupported scheme: '" + address.scheme + "'");
    settings.host = address.host.empty() ? "127.0.0.1" : address.host;
    settings.port = address.port;
    auto is_on = [&](const char* name) -> Result<bool> {
        std::string value = option(name);
        if (value.empty()) return false;
        return parse_switch(name, value);
    };
    bool async = TRY(is_on("fluentd-async"));
    settings.acknowledged = TRY(is_on("fluentd-request-ack"));
    if (TRY(is_on("fluentd-sub-second-precision"))) settings.times = EventTimes::nanoseconds;
    for (const char* name : {"fluentd-write-timeout", "fluentd-read-timeout"})
        if (!option(name).empty()) settings.wait_ms = std::max<int64_t>(TRY(parse_duration_ms(name, option(name))), 1);
    auto target = std::make_unique<Fluentd>(spec, settings);
    target->starts_unconnected = async;
    for (const char* name : {"fluentd-retry-wait", "fluentd-async-reconnect-interval"})
        if (!option(name).empty())
            target->retry_wait_ms = std::max<int64_t>(TRY(parse_duration_ms(name, option(name))), 1);
    if (!option("fluentd-max-retries").empty())
        target->max_retries = TRY(parse_count("fluentd-max-retries", option("fluentd-max-retries")));
    // What waits for the collector is in the container's log file, which has limits of its own.
    std::string limit = option("fluentd-buffer-limit");
    if (!limit.empty() && limit.find_first_not_of("0123456789") == 0)
        return invalid("invalid value for fluentd-buffer-limit: invalid size: '" + limit + "'");
    return std::unique_ptr<Target>(std::move(target));
}

} // namespace hull::logs
