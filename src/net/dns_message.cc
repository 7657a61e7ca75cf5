#include "net/dns_message.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace hull::net {
namespace {

constexpr size_t k_dns_header = 12, k_most_name = 253, k_most_label = 63;
constexpr uint32_t k_ttl_seconds = 600; // Docker's
constexpr uint16_t k_class_in = 1, k_opt_type = 41;

uint16_t word(std::string_view bytes, size_t at) {
    return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 | static_cast<uint8_t>(bytes[at + 1]));
}

void put_word(std::string& out, uint16_t value) {
    out += static_cast<char>(value >> 8);
    out += static_cast<char>(value & 0xff);
}

// The name at `at`, without compression: a question comes first, so there is
// nothing it could point to. Moves at behind it.
std::optional<std::string> read_name(std::string_view message, size_t& at) {
    std::string name;
    while (at < message.size()) {
        const auto length = static_cast<uint8_t>(message[at++]);
        if (length == 0) return name;
        if (length > k_most_label || at + length > message.size()) return std::nullopt;
        if (!name.empty()) name += '.';
        for (const char c : message.substr(at, length)) {
            // A dot inside a label would read as two labels.
            if (c == '.' || c == '\0') return std::nullopt;
            name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
        if (name.size() > k_most_name) return std::nullopt;
        at += length;
    }
    return std::nullopt;
}

// The header and the question, as an answer.
std::string begin_answer(std::string_view query, const DnsQuestion* question, DnsCode code) {
    std::string out(query.substr(0, 2));
    const auto asked = static_cast<uint8_t>(query[2]);
    // QR, the opcode and RD as asked; RA.
    out += static_cast<char>(0x80 | (asked & 0x79));
    out += static_cast<char>(0x80 | static_cast<uint8_t>(code));
    put_word(out, question ? 1 : 0);
    put_word(out, 0);
    put_word(out, 0);
    put_word(out, 0);
    if (question) out += query.substr(k_dns_header, question->end - k_dns_header);
    return out;
}

void add_record(std::string& out, uint16_t type, std::string_view data) {
    put_word(out, 0xc000 | k_dns_header); // the question's name
    put_word(out, type);
    put_word(out, k_class_in);
    put_word(out, k_ttl_seconds >> 16);
    put_word(out, k_ttl_seconds & 0xffff);
    put_word(out, static_cast<uint16_t>(data.size()));
    out += data;
}

void count_answers(std::string& out, uint16_t count) {
    out[6] = static_cast<char>(count >> 8);
    out[7] = static_cast<char>(count & 0xff);
}

} // namespace

std::optional<DnsQuestion> parse_dns_query(std::string_view message) {
    if (message.size() < k_dns_header) return std::nullopt;
    const auto flags = static_cast<uint8_t>(message[2]);
    if (flags & 0x80 || (flags >> 3 & 0xf) != 0) return std::nullopt; // an answer; another opcode
    if (word(message, 4) != 1 || word(message, 6) != 0) return std::nullopt;
    size_t at = k_dns_header;
    auto name = read_name(message, at);
    if (!name || at + 4 > message.size() || word(message, at + 2) != k_class_in) return std::nullopt;
    DnsQuestion question{.name = std::move(*name), .type = word(message, at), .end = at + 4, .payload = 512};
    // EDNS: an OPT record with the root's name says how much the asker takes.
    at = question.end;
    if (word(message, 8) == 0 && word(message, 10) >= 1 && at + 11 <= message.size() && message[at] == 0 &&
        word(message, at + 1) == k_opt_type)
        question.payload = std::clamp<uint16_t>(word(message, at + 3), 512, 4096);
    return question;
}

std::string dns_addresses(std::string_view query, const DnsQuestion& question, std::span<const IpAddress> addresses,
                          size_t limit) {
    std::string out = begin_answer(query, &question, DnsCode::ok);
    uint16_t count = 0;
    for (const IpAddress& address : addresses) {
        const size_t before = out.size();
        const auto bytes = address.bytes();
        add_record(out, static_cast<uint16_t>(address.is_v6() ? DnsType::aaaa : DnsType::a),
                   {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        if (out.size() > limit) {
            out.resize(before);
            out[2] = static_cast<char>(out[2] | 0x02);
            break;
        }
        ++count;
    }
    count_answers(out, count);
    return out;
}

std::string dns_pointer(std::string_view query, const DnsQuestion& question, std::string_view name) {
    std::string data;
    while (!name.empty()) {
        const size_t dot = name.find('.');
        const std::string_view label = name.substr(0, dot);
        name = dot == name.npos ? std::string_view() : name.substr(dot + 1);
        if (label.empty() || label.size() > k_most_label) continue;
        data += static_cast<char>(label.size());
        data += label;
    }
    data += '\0';
    std::string out = begin_answer(query, &question, DnsCode::ok);
    add_record(out, static_cast<uint16_t>(DnsType::ptr), data);
    count_answers(out, 1);
    return out;
}

std::string dns_code(std::string_view query, const DnsQuestion* question, DnsCode code) {
    if (query.size() < k_dns_header) return {};
    return begin_answer(query, question, code);
}

std::string dns_truncated(std::string_view query, const DnsQuestion& question) {
    std::string out = begin_answer(query, &question, DnsCode::ok);
    out[2] = static_cast<char>(out[2] | 0x02);
    return out;
}

// Calls each with where the fixed part of a record stands, and whether it is of the
// answer section. False: the records aren't what the header says.
template <class F>
static bool for_each_record(std::string_view answer, F&& each) {
    if (answer.size() < k_dns_header) return false;
    size_t at = k_dns_header;
    // Past a name; one that is compressed ends with a pointer.
    auto skip_name = [&] {
        while (at < answer.size()) {
            const auto length = static_cast<uint8_t>(answer[at]);
            if (length == 0) return ++at, true;
            if (length >= 0xc0) return at += 2, at <= answer.size();
            if (length > k_most_label) return false;
            at += length + size_t{1};
        }
        return false;
    };
    for (unsigned i = word(answer, 4); i > 0; --i) {
        if (!skip_name() || at + 4 > answer.size()) return false;
        at += 4;
    }
    const unsigned answers = word(answer, 6);
    const unsigned all = answers + word(answer, 8) + word(answer, 10);
    for (unsigned i = 0; i < all; ++i) {
        if (!skip_name() || at + 10 > answer.size()) return false;
        const size_t size = word(answer, at + 8);
        if (at + 10 + size > answer.size()) return false;
        each(at, i < answers);
        at += 10 + size;
    }
    return true;
}

std::optional<std::vector<size_t>> dns_ttls(std::string_view answer) {
    std::vector<size_t> ttls;
    const bool whole = for_each_record(answer, [&](size_t at, bool) {
        if (word(answer, at) != k_opt_type) ttls.push_back(at + 4);
    });
    if (!whole) return std::nullopt;
    return ttls;
}

DnsAddresses dns_addresses_in(std::string_view answer) {
    DnsAddresses out;
    const bool whole = for_each_record(answer, [&](size_t at, bool answers) {
        const auto type = static_cast<DnsType>(word(answer, at));
        const size_t size = word(answer, at + 8);
        if (!answers || word(answer, at + 2) != k_class_in) return;
        if (!(type == DnsType::a && size == 4) && !(type == DnsType::aaaa && size == 16)) return;
        const auto ip = IpAddress::from_bytes({reinterpret_cast<const uint8_t*>(answer.data()) + at + 10, size});
        const uint32_t ttl = static_cast<uint32_t>(word(answer, at + 4)) << 16 | word(answer, at + 6);
        if (!ip) return;
        out.ttl = out.list.empty() ? ttl : std::min(out.ttl, ttl);
        out.list.push_back(*ip);
    });
    if (!whole) return {};
    return out;
}

std::optional<IpAddress> reverse_address(std::string_view name) {
    constexpr std::string_view k_v4 = ".in-addr.arpa", k_v6 = ".ip6.arpa";
    if (name.ends_with(k_v4)) {
        name.remove_suffix(k_v4.size());
        uint32_t value = 0;
        for (int i = 0; i < 4; ++i) {
            unsigned part = 0;
            const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), part);
            if (failed != std::errc() || part > 255) return std::nullopt;
            name.remove_prefix(static_cast<size_t>(end - name.data()));
            if (i < 3 && !name.starts_with('.')) return std::nullopt;
            if (i < 3) name.remove_prefix(1);
            value |= part << (8 * i);
        }
        if (!name.empty()) return std::nullopt;
        return IpAddress::v4(value);
    }
    if (!name.ends_with(k_v6)) return std::nullopt;
    name.remove_suffix(k_v6.size());
    if (name.size() != 63) return std::nullopt;
    std::array<uint8_t, 16> bytes{};
    for (size_t i = 0; i < 32; ++i) {
        const char c = name[2 * i];
        if (i < 31 && name[2 * i + 1] != '.') return std::nullopt;
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) return std::nullopt;
        bytes[15 - i / 2] |= static_cast<uint8_t>(i % 2 ? digit << 4 : digit);
    }
    return IpAddress::v6(bytes);
}

} // namespace hull::net
