// DNS messages as far as a container's name server needs them: the question of
// a query, and answers made from it. Pure; bytes are hostile. RFC 1035, 6891.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"

namespace hull::net {

enum class DnsType : uint16_t { a = 1, ptr = 12, aaaa = 28, any = 255 };
enum class DnsCode : uint8_t {
    ok = 0,
    format_error = 1,
    server_failure = 2,
    no_such_name = 3,
    not_implemented = 4,
    refused = 5
};

struct DnsQuestion {
    std::string name; // lower case, without the final dot; labels joined by dots
    uint16_t type = 0;
    size_t end = 0;         // of the question section in the message
    uint16_t payload = 512; // what the asker takes over UDP
};

// nullopt: not a standard query with one question of class IN.
std::optional<DnsQuestion> parse_dns_query(std::string_view message);

// Answers to query, of which question was parsed. Those that don't fit into
// limit bytes are left out and the message says so (TC).
std::string dns_addresses(std::string_view query, const DnsQuestion& question, std::span<const IpAddress> addresses,
                          size_t limit);
std::string dns_pointer(std::string_view query, const DnsQuestion& question, std::string_view name);
std::string dns_code(std::string_view query, const DnsQuestion* question, DnsCode code);
// A longer answer cut so that it fits.
std::string dns_truncated(std::string_view query, const DnsQuestion& question);

// Where the TTLs of an answer's records stand, but for those of EDNS. nullopt: the
// records aren't what the header says.
std::optional<std::vector<size_t>> dns_ttls(std::string_view answer);

// The addresses in the answer section of an answer to a look-up of addresses, and the
// least TTL of theirs. None: no answer of that kind.
struct DnsAddresses {
    std::vector<IpAddress> list;
    uint32_t ttl = 0; // seconds
};
DnsAddresses dns_addresses_in(std::string_view answer);

// "4.3.2.1.in-addr.arpa" is 1.2.3.4; nullopt: no such name.
std::optional<IpAddress> reverse_address(std::string_view name);

} // namespace hull::net
