#include "net/address.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

#include <arpa/inet.h>

namespace hull::net {
namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

// Applies keep/set to every bit beyond the prefix.
IpAddress with_host_bits(const Prefix& prefix, bool set) {
    std::array<uint8_t, 16> out{};
    const auto in = prefix.address.bytes();
    for (size_t i = 0; i < in.size(); ++i) {
        const int network_bits = std::clamp(static_cast<int>(prefix.length) - static_cast<int>(i) * 8, 0, 8);
        const auto host_mask = static_cast<uint8_t>(0xff >> network_bits);
        out[i] = static_cast<uint8_t>(set ? in[i] | host_mask : in[i] & ~host_mask);
    }
    return *IpAddress::from_bytes({out.data(), in.size()});
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

} // namespace

IpAddress IpAddress::v4(uint32_t host_order) {
    IpAddress ip;
    for (unsigned i = 0; i < 4; ++i) ip.bytes_[i] = static_cast<uint8_t>(host_order >> (24 - 8 * i));
    return ip;
}

IpAddress IpAddress::v6(const std::array<uint8_t, 16>& bytes) {
    IpAddress ip;
    ip.v6_ = true;
    ip.bytes_ = bytes;
    return ip;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
    const std::string terminated(text);
    IpAddress ip;
    ip.v6_ = text.find(':') != std::string_view::npos;
    if (terminated.size() != std::strlen(terminated.c_str()) ||
        ::inet_pton(ip.family(), terminated.c_str(), ip.bytes_.data()) != 1)
        return Error(ErrorKind::invalid_argument, "invalid IP address: " + quoted(text));
    return ip;
}

std::optional<IpAddress> IpAddress::from_bytes(std::span<const uint8_t> bytes) {
    if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
    IpAddress ip;
    ip.v6_ = bytes.size() == 16;
    std::ranges::copy(bytes, ip.bytes_.begin());
    return ip;
}

int IpAddress::family() const { return v6_ ? AF_INET6 : AF_INET; }

uint32_t IpAddress::to_v4() const {
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i) value = value << 8 | bytes_[i];
    return value;
}

bool IpAddress::unspecified() const {
    return std::ranges::all_of(bytes(), [](uint8_t byte) { return byte == 0; });
}

bool IpAddress::loopback() const {
    if (!v6_) return bytes_[0] == 127;
    std::array<uint8_t, 16> one{};
    one[15] = 1;
    return bytes_ == one;
}

std::string IpAddress::str() const {
    char text[INET6_ADDRSTRLEN];
    return ::inet_ntop(family(), bytes_.data(), text, sizeof text);
}

Result<Prefix> Prefix::parse(std::string_view text) {
    const auto wrong = [&] { return Error(ErrorKind::invalid_argument, "invalid CIDR address: " + quoted(text)); };
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos) return wrong();
    auto address = IpAddress::parse(text.substr(0, slash));
    if (!address.ok()) return wrong();
    const std::string_view digits = text.substr(slash + 1);
    unsigned length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || length > address->bits())
        return wrong();
    return Prefix{*address, static_cast<uint8_t>(length)};
}

std::string Prefix::str() const { return address.str() + "/" + std::to_string(length); }

IpAddress Prefix::mask() const {
    std::array<uint8_t, 16> ones;
    ones.fill(0xff);
    return with_host_bits({*IpAddress::from_bytes({ones.data(), address.bytes().size()}), length}, false);
}

Prefix Prefix::network() const { return {with_host_bits(*this, false), length}; }
IpAddress Prefix::broadcast() const { return with_host_bits(*this, true); }

bool Prefix::contains(const IpAddress& ip) const {
    return ip.is_v6() == address.is_v6() && Prefix{ip, length}.network() == network();
}

bool Prefix::overlaps(const Prefix& other) const {
    return length <= other.length ? contains(other.address) : other.contains(address);
}

Result<MacAddress> MacAddress::parse(std::string_view text) {
    MacAddress mac;
    const auto wrong = [&] { return Error(ErrorKind::invalid_argument, "invalid MAC address: " + std::string(text)); };
    if (text.size() != 17) return wrong();
    for (size_t i = 0; i < 6; ++i) {
        const int high = hex_value(text[3 * i]), low = hex_value(text[3 * i + 1]);
        if (high < 0 || low < 0) return wrong();
        if (i < 5 && text[3 * i + 2] != ':' && text[3 * i + 2] != '-') return wrong();
        mac.bytes[i] = static_cast<uint8_t>(high << 4 | low);
    }
    // A group address can't be a device's own.
    if (mac.bytes[0] & 1) return wrong();
    return mac;
}

MacAddress MacAddress::from_ip(const IpAddress& ip) {
    MacAddress mac{{0x02, 0x42}};
    std::ranges::copy(ip.bytes().last(4), mac.bytes.begin() + 2);
    return mac;
}

Prefix MacAddress::link_local() const {
    std::array<uint8_t, 16> ip{0xfe, 0x80};
    ip[8] = bytes[0] ^ 0x02;
    ip[9] = bytes[1];
    ip[10] = bytes[2];
    ip[11] = 0xff;
    ip[12] = 0xfe;
    std::copy(bytes.begin() + 3, bytes.end(), ip.begin() + 13);
    return {IpAddress::v6(ip), 64};
}

std::string MacAddress::str() const {
    char text[18];
    std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
                  bytes[5]);
    return text;
}

} // namespace hull::net
