#include "codec/tar_header.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace hull::tar {

std::string_view text_field(std::string_view block, FieldAt where) {
    std::string_view all = field(block, where);
    return all.substr(0, all.find('\0'));
}

namespace {

std::optional<int64_t> parse_base256(std::string_view field) {
    const bool negative = (static_cast<unsigned char>(field[0]) & 0x40) != 0;
    const unsigned char invert = negative ? 0xff : 0;
    uint64_t value = 0;
    for (size_t i = 0; i < field.size(); ++i) {
        auto byte = static_cast<unsigned char>(static_cast<unsigned char>(field[i]) ^ invert);
        if (i == 0) byte &= 0x7f; // the mark of base-256 itself
        if (value >> 56 != 0) return std::nullopt;
        value = value << 8 | byte;
    }
    if (value >> 63 != 0) return std::nullopt;
    auto positive = static_cast<int64_t>(value);
    return negative ? ~positive : positive;
}

} // namespace

std::optional<int64_t> parse_number(std::string_view field) {
    if (field.empty()) return std::nullopt;
    if ((static_cast<unsigned char>(field[0]) & 0x80) != 0) return parse_base256(field);
    constexpr std::string_view padding(" \0", 2);
    size_t first = field.find_first_not_of(padding);
    if (first == field.npos) return 0; // an empty field
    field.remove_prefix(first);
    field = field.substr(0, field.find_first_of(padding));
    int64_t value = 0;
    auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value, 8);
    if (error != std::errc() || end != field.data() + field.size() || value < 0) return std::nullopt;
    return value;
}

bool print_octal(char* field, size_t bytes, uint64_t value) {
    for (size_t i = bytes - 1; i-- > 0; value >>= 3) field[i] = static_cast<char>('0' + (value & 7));
    field[bytes - 1] = '\0';
    return value == 0;
}

Checksums checksums(std::string_view block) {
    Checksums sums;
    for (size_t i = 0; i < block.size(); ++i) {
        bool own = i >= at::checksum.offset && i < at::checksum.offset + at::checksum.bytes;
        char c = own ? ' ' : block[i];
        sums.unsigned_sum += static_cast<unsigned char>(c);
        sums.signed_sum += static_cast<signed char>(c);
    }
    return sums;
}

bool is_zero(std::string_view bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

Error malformed(std::string_view what) { return {ErrorKind::invalid_argument, "invalid tar: " + std::string(what)}; }

Result<PaxRecords> parse_pax(std::string_view text) {
    PaxRecords records;
    std::string sparse_map;
    while (!text.empty()) {
        size_t length = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + std::min<size_t>(text.size(), 20), length);
        auto digits = static_cast<size_t>(end - text.data());
        // The shortest record is "5 a=\n" less the key: length, blank, "=", newline.
        if (error != std::errc() || length > text.size() || length < digits + 3 || text[digits] != ' ' ||
            text[length - 1] != '\n')
            return malformed("a pax record has a wrong length");
        std::string_view record = text.substr(digits + 1, length - digits - 2);
        text.remove_prefix(length);
        size_t equals = record.find('=');
        if (equals == record.npos || equals == 0) return malformed("a pax record has no key");
        std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
        const bool binary = key.starts_with("SCHILY.xattr.") || key.starts_with("LIBARCHIVE.xattr.");
        if (key.find('\0') != key.npos || (!binary && value.find('\0') != value.npos))
            return malformed("a pax record holds a NUL");
        if (key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes") {
            if (!sparse_map.empty()) sparse_map += ',';
            sparse_map += value;
        } else if (value.empty() && !binary) {
            records.erase(std::string(key));
        } else {
            records.insert_or_assign(std::string(key), std::string(value));
        }
    }
    if (!sparse_map.empty()) records.insert_or_assign("GNU.sparse.map", std::move(sparse_map));
    return records;
}

std::string print_pax_record(std::string_view key, std::string_view value) {
    // The length counts its own digits.
    size_t rest = key.size() + value.size() + 3;
    size_t length = rest + std::to_string(rest).size();
    length = rest + std::to_string(length).size();
    std::string record = std::to_string(length);
    record.append(" ").append(key).append("=").append(value).append("\n");
    return record;
}

std::optional<PaxTime> parse_pax_time(std::string_view text) {
    const bool negative = text.starts_with('-');
    size_t point = text.find('.');
    std::string_view whole = text.substr(0, point);
    PaxTime time;
    auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), time.seconds);
    if (error != std::errc() || end != whole.data() + whole.size()) return std::nullopt;
    if (point == text.npos) return time;
    uint32_t scale = 100'000'000;
    for (char c : text.substr(point + 1)) {
        if (c < '0' || c > '9') return std::nullopt;
        time.ns += static_cast<uint32_t>(c - '0') * scale;
        scale /= 10;
    }
    if (negative && time.ns > 0) {
        if (time.seconds == std::numeric_limits<int64_t>::min()) return std::nullopt;
        time.seconds -= 1;
        time.ns = 1'000'000'000 - time.ns;
    }
    return time;
}

std::string print_pax_time(const PaxTime& time) {
    if (time.ns == 0) return std::to_string(time.seconds);
    const bool negative = time.seconds < 0;
    // -1.25 is seconds -2 and 750,000,000 ns.
    uint64_t whole = negative ? static_cast<uint64_t>(-(time.seconds + 1)) : static_cast<uint64_t>(time.seconds);
    uint32_t fraction = negative ? 1'000'000'000 - time.ns : time.ns;
    std::string digits = std::to_string(fraction);
    digits.insert(0, 9 - digits.size(), '0');
    digits.erase(digits.find_last_not_of('0') + 1);
    return (negative ? "-" : "") + std::to_string(whole) + "." + digits;
}

} // namespace hull::tar
