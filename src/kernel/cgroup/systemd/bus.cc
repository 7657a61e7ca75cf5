#include "kernel/cgroup/systemd/bus.h"

#include <algorithm>
#include <array>

#include "sys/socket.h"
#include "sys/stream_socket.h"

namespace hull::kernel::cgroup::systemd {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string unescape(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        bool escape =
            text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
        if (escape) {
            out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string_view cut(std::string_view& rest, char separator) {
    std::string_view part = rest.substr(0, rest.find(separator));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    return part;
}

constexpr std::string_view bus_name = "org.freedesktop.DBus", bus_path = "/org/freedesktop/DBus";

} // namespace

std::vector<std::string> socket_paths(std::string_view address) {
    std::vector<std::string> paths;
    while (!address.empty()) {
        std::string_view one = cut(address, ';');
        if (cut(one, ':') != "unix") continue;
        while (!one.empty()) {
            std::string_view pair = cut(one, ',');
            if (cut(pair, '=') == "path") paths.push_back(unescape(pair));
        }
    }
    return paths;
}

Result<Bus> Bus::connect(std::string_view address, int64_t deadline_ns) {
    Error last(ErrorKind::unavailable, "no socket in the address \"" + std::string(address) + "\"");
    for (const std::string& path : socket_paths(address)) {
        auto socket = sys::connect_unix(path, sys::SocketType::stream);
        if (!socket.ok()) {
            last = std::move(socket).error().with_kind(ErrorKind::unavailable);
            continue;
        }
        Bus bus(std::move(*socket), deadline_ns);
        TRY(bus.authenticate());
        if (path != private_socket) bus.hello_ = TRY(bus.send({bus_name, bus_path, bus_name, "Hello", "", {}}));
        return bus;
    }
    return last;
}

// EXTERNAL with no name of our own: the other side takes the socket's
// credentials, also where a user namespace makes our idea of our uid wrong. All
// lines at once, as nothing in them depends on the answers.
Result<void> Bus::authenticate() {
    constexpr std::string_view lines("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n", 29);
    TRY(sys::send_all(socket_, std::array{lines}));
    constexpr size_t longest = 4096;
    for (;;) {
        size_t end = buffer_.find("\r\n");
        if (end == buffer_.npos) {
            if (buffer_.size() > longest) return Error(ErrorKind::corrupt, "D-Bus authentication: an endless line");
            TRY(fill(buffer_.size() + 1));
            continue;
        }
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 2);
        if (line == "DATA" || line.starts_with("DATA ")) continue;
        if (line.starts_with("OK")) return {};
        return Error(ErrorKind::forbidden, "D-Bus authentication refused: " + line);
    }
}

Result<void> Bus::fill(size_t size) {
    std::array<char, 4096> chunk;
    while (buffer_.size() < size) {
        size_t n = TRY(sys::receive(socket_, chunk, deadline_ns_));
        if (n == 0) return Error(ErrorKind::unavailable, "the D-Bus connection was closed by the other side");
        buffer_.append(chunk.data(), n);
    }
    return {};
}

Result<uint32_t> Bus::send(const Call& call) {
    std::string bytes = method_call(++serial_, call);
    TRY(sys::send_all(socket_, std::array<std::string_view, 1>{bytes}));
    return serial_;
}

Result<Message> Bus::receive() {
    TRY(fill(message_head));
    size_t size = TRY(message_size(buffer_));
    TRY(fill(size));
    Message message = TRY(parse_message(std::string_view(buffer_).substr(0, size)));
    buffer_.erase(0, size);
    return message;
}

Result<Message> Bus::reply(uint32_t serial) {
    for (;;) {
        Message message = TRY(receive());
        if (message.type == MessageType::signal) {
            constexpr size_t most = 4096; // of a machine that starts and ends a lot
            if (kept_.size() == most) kept_.pop_front();
            kept_.push_back(std::move(message));
            continue;
        }
        bool is_hello = message.reply_serial == hello_ && hello_ != 0;
        if (message.reply_serial != serial && !(is_hello && message.type == MessageType::error)) continue;
        if (message.type == MessageType::result) return message;
        if (message.type != MessageType::error) continue;
        std::string_view text = message.signature.starts_with('s') ? Reader(message.body).text() : std::string_view();
        return Error(ErrorKind::system, message.error + ": " + std::string(text));
    }
}

Result<Message> Bus::signal(const std::function<bool(const Message&)>& fits) {
    auto found = std::ranges::find_if(kept_, fits);
    if (found != kept_.end()) {
        Message message = std::move(*found);
        kept_.erase(found);
        return message;
    }
    for (;;) {
        Message message = TRY(receive());
        if (message.type == MessageType::signal && fits(message)) return message;
    }
}

} // namespace hull::kernel::cgroup::systemd
