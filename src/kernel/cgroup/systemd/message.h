// D-Bus messages as bytes, as far as talking to systemd needs them: pure, no
// sockets. Source: D-Bus Specification 0.43, "Type system" and "Message
// protocol". Little-endian both ways: the other side is on the same machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace hull::kernel::cgroup::systemd {

// ---- values --------------------------------------------------------------

struct Bytes { // ay
    std::string data;
    bool operator==(const Bytes&) const = default;
};
using TextPairs = std::vector<std::pair<std::string, std::string>>; // a(ss)
using TextNumbers = std::vector<std::pair<std::string, uint64_t>>;  // a(st)

// What a property can hold, with its D-Bus signature: b y n q i u x t d s as
// au ay a(ss) a(st).
using Value = std::variant<bool, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t, double, std::string,
                           std::vector<std::string>, std::vector<uint32_t>, Bytes, TextPairs, TextNumbers>;
std::string_view signature_of(const Value& value);

// ---- writing -------------------------------------------------------------

// Alignment counts from the first byte written, which has to come to lie on a
// multiple of 8.
class Writer {
public:
    void align(size_t to) { out_.resize((out_.size() + to - 1) / to * to, '\0'); }
    template <class N>
    void number(N value) {
        align(sizeof value);
        out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void byte(uint8_t value) { out_ += static_cast<char>(value); }
    void text(std::string_view value); // s and o
    void signature(std::string_view value);
    void value(const Value& value);
    void variant(const Value& value);
    // An array whose elements fill() writes; their alignment counts even when
    // there are none.
    template <class Fill>
    void array(size_t alignment, Fill&& fill) {
        align(4);
        size_t length_at = out_.size();
        number(uint32_t{0});
        align(alignment);
        size_t begin = out_.size();
        fill();
        auto length = static_cast<uint32_t>(out_.size() - begin);
        out_.replace(length_at, sizeof length, reinterpret_cast<const char*>(&length), sizeof length);
    }
    // Bytes that were written from a multiple of 8 elsewhere.
    void append(std::string_view bytes) {
        align(8);
        out_.append(bytes);
    }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

// Elements of an a(sv), which may be put into any Writer with append().
class Properties {
public:
    void add(std::string_view name, const Value& value);
    std::string take() { return out_.take(); }

private:
    Writer out_;
};

struct Call {
    std::string_view destination, path, interface, member, signature;
    std::string body;
};
// serial: not 0, another one for each message of a connection.
std::string method_call(uint32_t serial, const Call& call);

// ---- reading -------------------------------------------------------------

enum class MessageType : uint8_t { call = 1, result = 2, error = 3, signal = 4 };

struct Message {
    MessageType type = MessageType::call;
    uint32_t serial = 0, reply_serial = 0;
    std::string path, interface, member, error, sender, signature;
    std::string body;
};

constexpr size_t message_head = 16;                   // bytes that message_size() needs
constexpr size_t max_message_bytes = size_t{1} << 20; // longer ones are refused; systemd's are far below

// The size of a whole message, from its first message_head bytes. Errors:
// corrupt, too_large.
Result<size_t> message_size(std::string_view head);
// Exactly one message. Errors: corrupt.
Result<Message> parse_message(std::string_view bytes);

// Reads a body from its beginning. After the first thing that isn't right
// everything reads as empty, and ok() is false.
class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}
    uint8_t byte();
    uint32_t u32();
    std::string_view text();      // s and o
    std::string_view signature(); // g
    void align(size_t to);
    // One value of a basic type.
    void skip(char type);
    bool ok() const { return ok_; }
    size_t position() const { return at_; }

private:
    std::string_view take(size_t size);
    std::string_view bytes_;
    size_t at_ = 0;
    bool ok_ = true;
};

} // namespace hull::kernel::cgroup::systemd
