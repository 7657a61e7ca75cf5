#include "logs/syslog.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "logs/address.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/remote_socket.h"

namespace hull::logs {
namespace {

constexpr int kTimeoutMs = 10'000;
constexpr int kInformational = 6, kErrors = 3;

std::tm local_time(WallTime time) {
    auto seconds = static_cast<std::time_t>(time.ns / 1'000'000'000);
    std::tm out{};
    ::localtime_r(&seconds, &out);
    return out;
}

std::string print(const std::tm& time, const char* format) {
    std::array<char, 64> text{};
    return std::string(text.data(), std::strftime(text.data(), text.size(), format, &time));
}

// "2026-11-22T02:26:24.123456+01:00"
std::string rfc5424_time(WallTime when, bool micro) {
    std::tm time = local_time(when);
    std::string text = print(time, "%Y-%m-%dT%H:%M:%S");
    if (micro) {
        std::string digits = std::to_string(when.ns % 1'000'000'000 / 1000);
        text += "." + std::string(6 - digits.size(), '0') + digits;
    }
    if (time.tm_gmtoff == 0) return text + "Z";
    std::string zone = print(time, "%z"); // +0100
    return text + zone.substr(0, 3) + ":" + zone.substr(3);
}

class Syslog : public Target {
public:
    // Tried one after the other: how a machine's own daemon is found.
    struct Place {
        sys::Remote kind;
        std::string host, port;
    };
    Syslog(SyslogHeader header, std::vector<Place> places) : header_(std::move(header)), places_(std::move(places)) {}

    Result<void> connect() override {
        if (fd_) return {};
        Error error(ErrorKind::unavailable, "Unix syslog delivery error");
        for (const Place& place : places_) {
            auto fd = sys::connect_remote(place.kind, place.host, place.port, kTimeoutMs);
            if (fd.ok()) {
                fd_ = std::move(*fd);
                return {};
            }
            if (places_.size() == 1) error = std::move(fd).error();
        }
        return error;
    }

    Result<void> send(const Line& line) override {
        if (line.text.empty()) return {};
        TRY(connect());
        auto sent = sys::send_remote(fd_, format_syslog(header_, line));
        // Too long for a datagram: its beginning is better than nothing.
        if (!sent.ok() && sent.error().kind() == ErrorKind::too_large) {
            Line part = line;
            constexpr size_t kSafe = 1024;
            part.text = part.text.substr(0, kSafe);
            sent = sys::send_remote(fd_, format_syslog(header_, part));
        }
        if (!sent.ok()) fd_.reset();
        return sent;
    }

private:
    SyslogHeader header_;
    std::vector<Place> places_;
    UniqueFd fd_;
};

Result<SyslogFormat> parse_format(const std::string& text) {
    if (text.empty()) return SyslogFormat::local;
    if (text == "rfc3164") return SyslogFormat::rfc3164;
    if (text == "rfc5424") return SyslogFormat::rfc5424;
    if (text == "rfc5424micro") return SyslogFormat::rfc5424_micro;
    return invalid("Invalid syslog format");
}

Result<std::vector<Syslog::Place>> parse_places(const std::string& text) {
    using enum sys::Remote;
    std::vector<Syslog::Place> places;
    if (text.empty()) {
        for (const char* path : {"/dev/log", "/var/run/syslog", "/var/run/log"})
            for (auto kind : {unix_datagram, unix_stream}) places.push_back({kind, path, ""});
        return places;
    }
    Address address = TRY(parse_address(text, "514"));
    if (address.scheme.empty()) return invalid("syslog-address should be in form proto://address, got " + text);
    if (address.scheme == "tcp+tls")
        return unsupported("syslog-address " + text +
                           ": syslog over TLS is not supported; use tcp, udp, unix or unixgram");
    if (address.scheme == "unix")
        places.push_back({unix_stream, address.host, ""});
    else if (address.scheme == "unixgram")
        places.push_back({unix_datagram, address.host, ""});
    else if (address.scheme == "tcp" || address.scheme == "udp")
        places.push_back({address.scheme == "tcp" ? tcp : udp, address.host, address.port});
    else
        return invalid("unsupported scheme: '" + address.scheme + "'");
    return places;
}

} // namespace

Result<int> parse_facility(const std::string& text) {
    static constexpr std::array<std::string_view, 12> names = {"kern", "user", "mail", "daemon", "auth",     "syslog",
                                                               "lpr",  "news", "uucp", "cron",   "authpriv", "ftp"};
    constexpr int kDaemon = 3, kLocal0 = 16, kMost = 23;
    if (text.empty()) return kDaemon;
    if (auto at = std::ranges::find(names, text); at != names.end()) return static_cast<int>(at - names.begin());
    if (text.size() == 6 && text.starts_with("local") && text[5] >= '0' && text[5] <= '7')
        return kLocal0 + text[5] - '0';
    int number = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed == std::errc() && end == text.data() + text.size() && number >= 0 && number <= kMost) return number;
    return invalid("invalid syslog facility");
}

std::string format_syslog(const SyslogHeader& header, const Line& line) {
    int priority = header.facility * 8 + (line.is_stderr ? kErrors : kInformational);
    std::string text = "<" + std::to_string(priority) + ">";
    std::string pid = std::to_string(header.pid);
    switch (header.format) {
    case SyslogFormat::local:
        text += print(local_time(line.time), "%b %e %H:%M:%S") + " " + header.tag + "[" + pid + "]: ";
        break;
    case SyslogFormat::rfc3164:
        text += print(local_time(line.time), "%b %e %H:%M:%S") + " " + header.hostname + " " + header.tag + "[" + pid +
                "]: ";
        break;
    case SyslogFormat::rfc5424:
    case SyslogFormat::rfc5424_micro:
        text += "1 " + rfc5424_time(line.time, header.format == SyslogFormat::rfc5424_micro) + " " + header.hostname +
                " " + header.tag + " " + pid + " " + header.tag + " - ";
        break;
    }
    text += line.text;
    // A line end or a zero byte within would begin another message.
    for (char& c : text)
        if (c == '\n' || c == '\0') c = ' ';
    return text + "\n";
}

Result<std::unique_ptr<Target>> make_syslog(const TargetSpec& spec) {
    auto option = [&](const char* name) {
        auto found = spec.options.find(name);
        return found == spec.options.end() ? std::string() : found->second;
    };
    for (const char* name : {"syslog-tls-ca-cert", "syslog-tls-cert", "syslog-tls-key", "syslog-tls-skip-verify"})
        if (!option(name).empty()) return unsupported(std::string(name) + ": syslog over TLS is not supported");
    SyslogHeader header;
    header.format = TRY(parse_format(option("syslog-format")));
    header.facility = TRY(parse_facility(option("syslog-facility")));
    header.tag = spec.tag;
    header.pid = sys::own_pid();
    auto places = TRY(parse_places(option("syslog-address")));
    auto host = sys::read_file("/proc/sys/kernel/hostname", 4096);
    header.hostname = host.ok() ? host->substr(0, host->find('\n')) : "localhost";
    return std::unique_ptr<Target>(std::make_unique<Syslog>(std::move(header), std::move(places)));
}

} // namespace hull::logs
