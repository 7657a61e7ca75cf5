#include "kernel/cgroup/systemd/message.h"

#include <array>
#include <bit>
#include <cstring>

namespace hull::kernel::cgroup::systemd {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

namespace {

constexpr std::array<std::string_view, std::variant_size_v<Value>> signatures{
    "b", "y", "n", "q", "i", "u", "x", "t", "d", "s", "as", "au", "ay", "a(ss)", "a(st)"};

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

enum Field : uint8_t {
    field_path = 1,
    field_interface = 2,
    field_member = 3,
    field_error = 4,
    field_reply_serial = 5,
    field_destination = 6,
    field_sender = 7,
    field_signature = 8,
};

} // namespace

std::string_view signature_of(const Value& value) { return signatures[value.index()]; }

void Writer::text(std::string_view value) {
    number(static_cast<uint32_t>(value.size()));
    out_.append(value);
    out_ += '\0';
}

void Writer::signature(std::string_view value) {
    byte(static_cast<uint8_t>(value.size()));
    out_.append(value);
    out_ += '\0';
}

void Writer::value(const Value& value) {
    std::visit(Overloaded{
                   [&](bool v) { number(uint32_t{v}); },
                   [&](uint8_t v) { byte(v); },
                   [&](const std::string& v) { text(v); },
                   [&](const std::vector<std::string>& v) {
                       array(4, [&] {
                           for (const auto& element : v) text(element);
                       });
                   },
                   [&](const std::vector<uint32_t>& v) {
                       array(4, [&] {
                           for (uint32_t element : v) number(element);
                       });
                   },
                   [&](const Bytes& v) { array(1, [&] { out_.append(v.data); }); },
                   [&](const TextPairs& v) {
                       array(8, [&] {
                           for (const auto& [first, second] : v) {
                               align(8);
                               text(first);
                               text(second);
                           }
                       });
                   },
                   [&](const TextNumbers& v) {
                       array(8, [&] {
                           for (const auto& [first, second] : v) {
                               align(8);
                               text(first);
                               number(second);
                           }
                       });
                   },
                   [&](auto v) { number(v); },
               },
               value);
}

void Writer::variant(const Value& v) {
    signature(signature_of(v));
    value(v);
}

void Properties::add(std::string_view name, const Value& value) {
    out_.align(8);
    out_.text(name);
    out_.variant(value); // the array's length counts no padding behind it
}

std::string method_call(uint32_t serial, const Call& call) {
    Writer out;
    out.byte('l');
    out.byte(static_cast<uint8_t>(MessageType::call));
    out.byte(0); // flags
    out.byte(1); // version of the protocol
    out.number(static_cast<uint32_t>(call.body.size()));
    out.number(serial);
    out.array(8, [&] {
        auto field = [&](Field code, char type, std::string_view value) {
            if (value.empty()) return;
            out.align(8);
            out.byte(code);
            out.signature(std::string_view(&type, 1));
            if (type == 'g')
                out.signature(value);
            else
                out.text(value);
        };
        field(field_path, 'o', call.path);
        field(field_interface, 's', call.interface);
        field(field_member, 's', call.member);
        field(field_destination, 's', call.destination);
        field(field_signature, 'g', call.signature);
    });
    out.append(call.body);
    return out.take();
}

std::string_view Reader::take(size_t size) {
    if (!ok_ || size > bytes_.size() - at_) {
        ok_ = false;
        at_ = bytes_.size();
        return {};
    }
    at_ += size;
    return bytes_.substr(at_ - size, size);
}

void Reader::align(size_t to) { take((to - at_ % to) % to); }

uint8_t Reader::byte() {
    auto bytes = take(1);
    return bytes.empty() ? 0 : static_cast<uint8_t>(bytes[0]);
}

uint32_t Reader::u32() {
    align(4);
    auto bytes = take(4);
    uint32_t value = 0;
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

std::string_view Reader::text() {
    uint32_t size = u32();
    auto bytes = take(size);
    auto end = take(1);
    if (ok_ && (end[0] != '\0' || bytes.find('\0') != bytes.npos)) ok_ = false;
    return ok_ ? bytes : std::string_view();
}

std::string_view Reader::signature() {
    auto bytes = take(byte());
    auto end = take(1);
    if (ok_ && end[0] != '\0') ok_ = false;
    return ok_ ? bytes : std::string_view();
}

void Reader::skip(char type) {
    auto fixed = [&](size_t size) {
        align(size);
        take(size);
    };
    switch (type) {
    case 'y': return fixed(1);
    case 'n':
    case 'q': return fixed(2);
    case 'b':
    case 'i':
    case 'u':
    case 'h': return fixed(4);
    case 'x':
    case 't':
    case 'd': return fixed(8);
    case 's':
    case 'o': text(); return;
    case 'g': signature(); return;
    default: ok_ = false;
    }
}

namespace {

Error wrong(const char* what) { return Error(ErrorKind::corrupt, std::string("D-Bus message: ") + what); }

uint32_t number_at(std::string_view bytes, size_t at) {
    uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

size_t padded(size_t size) { return (size + 7) / 8 * 8; }

// One header field; those that nobody needs are passed over.
Result<void> read_field(Reader& in, Message& out) {
    in.align(8);
    uint8_t code = in.byte();
    std::string_view type = in.signature();
    if (!in.ok() || type.size() != 1) return wrong("a header field of an odd type");
    auto texts = [&]() -> std::string* {
        switch (code) {
        case field_path: return type == "o" ? &out.path : nullptr;
        case field_interface: return type == "s" ? &out.interface : nullptr;
        case field_member: return type == "s" ? &out.member : nullptr;
        case field_error: return type == "s" ? &out.error : nullptr;
        case field_sender: return type == "s" ? &out.sender : nullptr;
        default: return nullptr;
        }
    };
    if (std::string* text = texts())
        *text = in.text();
    else if (code == field_reply_serial && type == "u")
        out.reply_serial = in.u32();
    else if (code == field_signature && type == "g")
        out.signature = in.signature();
    else
        in.skip(type[0]);
    return in.ok() ? Result<void>() : wrong("a header field that ends too early");
}

} // namespace

Result<size_t> message_size(std::string_view head) {
    if (head.size() < message_head) return wrong("too short");
    if (head[0] != 'l') return wrong("not little-endian");
    if (head[3] != 1) return wrong("another version of the protocol");
    size_t body = number_at(head, 4), fields = number_at(head, 12);
    if (body > max_message_bytes || fields > max_message_bytes)
        return Error(ErrorKind::too_large, "D-Bus message of more than 1 MiB");
    return padded(message_head + fields) + body;
}

Result<Message> parse_message(std::string_view bytes) {
    size_t size = TRY(message_size(bytes));
    if (size != bytes.size()) return wrong("length");
    Message out;
    auto type = static_cast<uint8_t>(bytes[1]);
    if (type < 1 || type > 4) return wrong("type");
    out.type = static_cast<MessageType>(type);
    out.serial = number_at(bytes, 8);
    size_t end = message_head + number_at(bytes, 12);
    Reader in(bytes.substr(0, end));
    for (char kind : {'u', 'u', 'u', 'u'}) in.skip(kind);
    while (in.position() < end) TRY(read_field(in, out));
    out.body = bytes.substr(padded(end));
    return out;
}

} // namespace hull::kernel::cgroup::systemd
