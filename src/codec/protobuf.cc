#include "codec/protobuf.h"

namespace hull::protobuf {

namespace {

constexpr unsigned varint_type = 0, fixed64_type = 1, bytes_type = 2, fixed32_type = 5;
constexpr uint64_t most_field = (uint64_t{1} << 29) - 1;

Error cut_off() { return invalid("malformed protobuf message: it is cut off"); }

} // namespace

void Writer::varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
}

Writer& Writer::number(unsigned field, uint64_t value) {
    if (value == 0) return *this;
    varint(uint64_t{field} << 3 | varint_type);
    varint(value);
    return *this;
}

Writer& Writer::text(unsigned field, std::string_view value) { return value.empty() ? *this : element(field, value); }

Writer& Writer::element(unsigned field, std::string_view value) {
    varint(uint64_t{field} << 3 | bytes_type);
    varint(value.size());
    bytes_ += value;
    return *this;
}

Writer& Writer::message(unsigned field, const Writer& message) { return element(field, message.bytes_); }

Writer& Writer::timestamp(unsigned field, WallTime time) {
    constexpr int64_t second = 1'000'000'000;
    int64_t seconds = time.ns / second, rest = time.ns % second;
    if (rest < 0) {
        rest += second;
        --seconds;
    }
    Writer inner;
    inner.number(1, static_cast<uint64_t>(seconds)).number(2, static_cast<uint64_t>(rest));
    return message(field, inner);
}

Writer& Writer::entry(unsigned field, std::string_view key, std::string_view value) {
    Writer inner;
    inner.text(1, key).text(2, value);
    return message(field, inner);
}

Result<uint64_t> Reader::varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (rest_.empty()) return cut_off();
        auto byte = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        if (shift == 63 && byte > 1) break;
        value |= uint64_t{byte & 0x7Fu} << shift;
        if (byte < 0x80) return value;
    }
    return invalid("malformed protobuf message: a number has more than 64 bits");
}

Result<bool> Reader::next(Field& field) {
    if (rest_.empty()) return false;
    uint64_t tag = TRY(varint());
    field = {};
    if (tag >> 3 == 0 || tag >> 3 > most_field) return invalid("malformed protobuf message: no such field number");
    field.number = static_cast<unsigned>(tag >> 3);
    unsigned type = tag & 7;
    if (type == varint_type) {
        field.value = TRY(varint());
        return true;
    }
    uint64_t length = type == fixed64_type ? 8 : 4;
    if (type == bytes_type)
        length = TRY(varint());
    else if (type != fixed64_type && type != fixed32_type)
        return invalid("malformed protobuf message: unknown wire type " + std::to_string(type));
    if (length > rest_.size()) return cut_off();
    std::string_view bytes = rest_.substr(0, length);
    rest_.remove_prefix(length);
    if (type == bytes_type) {
        field.kind = Field::Kind::text;
        field.text = bytes;
        return true;
    }
    for (size_t i = bytes.size(); i-- > 0;) field.value = field.value << 8 | static_cast<unsigned char>(bytes[i]);
    return true;
}

Result<std::pair<std::string, std::string>> read_entry(std::string_view message) {
    std::pair<std::string, std::string> entry;
    Reader reader(message);
    Field field;
    while (TRY(reader.next(field))) {
        if (field.is_text(1)) entry.first = field.text;
        if (field.is_text(2)) entry.second = field.text;
    }
    return entry;
}

} // namespace hull::protobuf
