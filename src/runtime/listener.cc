#include "runtime/listener.h"

#include <array>
#include <memory>

#include "sys/companion.h"
#include "sys/credentials.h"
#include "sys/socket.h"

namespace hull::runtime {

namespace {

constexpr int agent_timeout_ms = 1000;

void add_quoted(std::string_view text, std::string& out) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') out += '\\';
        if (byte >= 0x20)
            out += c;
        else
            out += {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    }
    out += '"';
}

} // namespace

Result<void> load_and_hand_over(Starting& s) {
    auto tell = [&report = s.report](int listener) {
        bool told = report.listener(BorrowedFd(listener)).ok() && report.wait_for_resume().ok();
        return told && report.simple(ReportKind::starting).ok();
    };
    // Never freed: the other thread may still be on its stack.
    auto* companion = new sys::Companion(tell);
    TRY(companion->start().context("seccomp listener"));
    auto listener = sys::load_notifying_seccomp(s.process.seccomp, s.process.seccomp_flags);
    if (!listener.ok()) {
        companion->give_up();
        return std::move(listener).error();
    }
    // Whatever comes now may be denied, or wait for an agent that isn't there.
    if (!companion->hand_over(listener->get())) __builtin_trap();
    return {};
}

std::string container_process_state(const ListenerTarget& target) {
    std::string out = "{\"ociVersion\":";
    add_quoted(target.oci_version, out);
    out += ",\"fds\":[\"seccompFd\"],\"pid\":" + std::to_string(target.pid);
    if (!target.process.seccomp_metadata.empty()) {
        out += ",\"metadata\":";
        add_quoted(target.process.seccomp_metadata, out);
    }
    return out + ",\"state\":" + target.state + "}";
}

Result<void> send_to_agent(const ListenerTarget& target, BorrowedFd listener) {
    auto send = [&]() -> Result<void> {
        UniqueFd socket =
            TRY(sys::connect_unix(target.process.seccomp_listener, sys::SocketType::stream, agent_timeout_ms));
        return sys::send_message(socket, container_process_state(target), std::array{listener});
    };
    return send().context("send the seccomp listener to " + target.process.seccomp_listener);
}

} // namespace hull::runtime
