// Addresses as values: IP (v4 and v6), IP with a prefix length, MAC.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hull::net {

class IpAddress {
public:
    IpAddress() = default; // 0.0.0.0
    static IpAddress v4(uint32_t host_order);
    static IpAddress v6(const std::array<uint8_t, 16>& bytes);
    // "172.17.0.2", "fd00::2". Errors: invalid_argument.
    static Result<IpAddress> parse(std::string_view text);
    // 4 or 16 bytes in network order, as netlink carries them.
    static std::optional<IpAddress> from_bytes(std::span<const uint8_t> bytes);

    bool is_v6() const { return v6_; }
    int family() const; // AF_INET or AF_INET6
    unsigned bits() const { return v6_ ? 128 : 32; }
    // Network order; 4 or 16 bytes.
    std::span<const uint8_t> bytes() const { return {bytes_.data(), v6_ ? size_t{16} : size_t{4}}; }
    uint32_t to_v4() const; // host order; precondition: !is_v6()
    std::string str() const;
    bool unspecified() const; // 0.0.0.0, ::
    bool loopback() const;    // 127.x.x.x, ::1

    auto operator<=>(const IpAddress&) const = default;

private:
    bool v6_ = false;
    std::array<uint8_t, 16> bytes_{};
};

// An address and the length of its network, e.g. 172.17.0.1/16. Depending on
// where it stands it is an interface's address or a network.
struct Prefix {
    IpAddress address;
    uint8_t length = 0;

    static Result<Prefix> parse(std::string_view text); // "172.17.0.1/16"
    std::string str() const;
    IpAddress mask() const;
    Prefix network() const;      // host bits cleared
    IpAddress broadcast() const; // host bits set
    bool contains(const IpAddress& ip) const;
    bool overlaps(const Prefix& other) const;

    auto operator<=>(const Prefix&) const = default;
};

struct MacAddress {
    std::array<uint8_t, 6> bytes{};

    static Result<MacAddress> parse(std::string_view text); // "02:42:ac:11:00:02", also with '-'
    // 02:42 and the four last bytes of the address, as Docker does: the same
    // address always has the same MAC, so that neighbours' caches stay right.
    static MacAddress from_ip(const IpAddress& ip);
    // fe80::/64 with the MAC in it (RFC 4291, appendix A).
    Prefix link_local() const;
    std::string str() const;

    auto operator<=>(const MacAddress&) const = default;
};

} // namespace hull::net
