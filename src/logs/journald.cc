#include "logs/journald.h"

#include <cctype>
#include <cstdlib>

#include "sys/remote_socket.h"

namespace hull::logs {
namespace {

constexpr int kWaitMs = 10'000;
constexpr const char* kSocket = "/run/systemd/journal/socket";

void add_field(std::string& entry, std::string_view name, std::string_view value) {
    entry += name;
    if (value.find('\n') == value.npos) {
        entry += '=';
    } else {
        entry += '\n';
        uint64_t size = value.size();
        for (int i = 0; i < 8; ++i) entry += static_cast<char>(size >> (8 * i) & 0xff);
    }
    entry += value;
    entry += '\n';
}

class Journald : public Target {
public:
    explicit Journald(TargetSpec spec) : spec_(std::move(spec)) {}

    Result<void> connect() override {
        if (fd_) return {};
        const char* other = std::getenv("HULL_JOURNAL_SOCKET"); // a journal of another machine's, or a test's
        auto fd = sys::connect_remote(sys::Remote::unix_datagram, other ? other : kSocket, "", kWaitMs);
        if (!fd.ok())
            return Error(ErrorKind::unavailable, "journald is not enabled on this host: " + fd.error().message());
        fd_ = std::move(*fd);
        return {};
    }

    Result<void> send(const Line& line) override {
        TRY(connect());
        auto sent = sys::send_remote(fd_, format_journal(spec_, line));
        if (!sent.ok()) fd_.reset();
        return sent;
    }

private:
    TargetSpec spec_;
    UniqueFd fd_;
};

} // namespace

std::string journal_field(std::string_view name) {
    std::string out;
    for (unsigned char c : name) {
        char upper = static_cast<char>(std::toupper(c));
        bool good = (upper >= 'A' && upper <= 'Z') || (upper >= '0' && upper <= '9');
        if (good)
            out += upper;
        else if (!out.empty())
            out += '_';
    }
    return out;
}

std::string format_journal(const TargetSpec& spec, const Line& line) {
    std::string entry;
    add_field(entry, "MESSAGE", line.text);
    add_field(entry, "PRIORITY", line.is_stderr ? "3" : "6");
    add_field(entry, "CONTAINER_ID", std::string_view(spec.container_id).substr(0, 12));
    add_field(entry, "CONTAINER_ID_FULL", spec.container_id);
    add_field(entry, "CONTAINER_NAME", spec.container_name);
    add_field(entry, "CONTAINER_TAG", spec.tag);
    add_field(entry, "IMAGE_NAME", spec.image_name);
    add_field(entry, "SYSLOG_IDENTIFIER", spec.tag);
    add_field(entry, "SYSLOG_TIMESTAMP", to_rfc3339(line.time));
    if (line.partial) add_field(entry, "CONTAINER_PARTIAL_MESSAGE", "true");
    for (const auto& [name, value] : spec.attributes)
        if (std::string field = journal_field(name); !field.empty()) add_field(entry, field, value);
    return entry;
}

Result<std::unique_ptr<Target>> make_journald(const TargetSpec& spec) {
    return std::unique_ptr<Target>(std::make_unique<Journald>(spec));
}

} // namespace hull::logs
