// Protocol Buffers' wire format: fields by number, without knowing of messages.
// Who knows a message reads the fields it wants and passes over the rest.
// Source: protobuf.dev, "Encoding". Pure; a reader is safe on any bytes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace hull::protobuf {

// Builds one message. As proto3 wants it, what is 0 or empty is left out.
class Writer {
public:
    Writer& number(unsigned field, uint64_t value);
    Writer& boolean(unsigned field, bool value) { return number(field, value ? 1 : 0); }
    Writer& text(unsigned field, std::string_view value);
    Writer& element(unsigned field, std::string_view value); // of a repeated one: also when it is empty
    Writer& message(unsigned field, const Writer& message);  // also when it is empty
    Writer& timestamp(unsigned field, WallTime time);        // google.protobuf.Timestamp
    Writer& entry(unsigned field, std::string_view key, std::string_view value); // of map<string, string>

    const std::string& bytes() const { return bytes_; }
    std::string take() { return std::move(bytes_); }

private:
    void varint(uint64_t value);
    std::string bytes_;
};

struct Field {
    enum class Kind : unsigned char { number, text } kind = Kind::number; // fixed32 and fixed64 are numbers
    unsigned number = 0;
    uint64_t value = 0;    // of a number; negative ones in two's complement
    std::string_view text; // of strings, bytes and messages; points into what is read

    int64_t signed_value() const { return static_cast<int64_t>(value); }
    bool is_number(unsigned n) const { return kind == Kind::number && number == n; }
    bool is_text(unsigned n) const { return kind == Kind::text && number == n; }
};

class Reader {
public:
    // The bytes must outlive it.
    explicit Reader(std::string_view message) : rest_(message) {}
    // The next field; false at the end. Errors: invalid_argument (cut off, a
    // number of more than 64 bits, groups).
    Result<bool> next(Field& field);

private:
    Result<uint64_t> varint();
    std::string_view rest_;
};

// map<string, string> has one message for each entry.
Result<std::pair<std::string, std::string>> read_entry(std::string_view message);

} // namespace hull::protobuf
