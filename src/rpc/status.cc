#include "rpc/status.h"

#include <array>
#include <utility>

namespace hull::rpc {

namespace {

constexpr std::array<std::pair<Code, ErrorKind>, 12> kinds{{
    {Code::cancelled, ErrorKind::cancelled},
    {Code::invalid_argument, ErrorKind::invalid_argument},
    {Code::deadline_exceeded, ErrorKind::timed_out},
    {Code::not_found, ErrorKind::not_found},
    {Code::already_exists, ErrorKind::conflict},
    {Code::permission_denied, ErrorKind::forbidden},
    {Code::resource_exhausted, ErrorKind::too_large},
    {Code::failed_precondition, ErrorKind::conflict},
    {Code::unimplemented, ErrorKind::unsupported},
    {Code::unavailable, ErrorKind::unavailable},
    {Code::data_loss, ErrorKind::corrupt},
    {Code::unauthenticated, ErrorKind::forbidden},
}};

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

} // namespace

Error error_of(Code code, std::string message) {
    if (message.empty()) message = "the call failed with gRPC status " + std::to_string(static_cast<int>(code));
    for (const auto& [known, kind] : kinds)
        if (known == code) return {kind, std::move(message)};
    return {ErrorKind::system, std::move(message)};
}

Code code_of(const Error& error) {
    for (const auto& [code, kind] : kinds)
        if (kind == error.kind()) return code;
    return Code::unknown;
}

std::string percent_encoded(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte <= 0x7E && c != '%')
            out += c;
        else
            out.append({'%', digits[byte >> 4], digits[byte & 15]});
    }
    return out;
}

std::string percent_decoded(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        bool whole = text[i] == '%' && text.size() - i > 2;
        int high = whole ? digit(text[i + 1]) : -1, low = whole ? digit(text[i + 2]) : -1;
        if (high >= 0 && low >= 0) {
            out += static_cast<char>(high << 4 | low);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

} // namespace hull::rpc
