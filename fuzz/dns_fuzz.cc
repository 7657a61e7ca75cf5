// links: hull_net
// Queries of containers, and the answers made from them.
#include <cstdint>
#include <string_view>

#include "net/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace hull::net;
    const std::string_view message(reinterpret_cast<const char*>(data), size);
    const auto question = parse_dns_query(message);
    (void)reverse_address(message);
    if (const auto ttls = dns_ttls(message))
        for (const size_t at : *ttls)
            if (at + 4 > size) __builtin_trap();
    if (dns_addresses_in(message).list.size() > size / 14) __builtin_trap(); // a record has ten octets and four of data
    if (!question) {
        (void)dns_code(message, nullptr, DnsCode::not_implemented);
        return 0;
    }
    (void)reverse_address(question->name);
    const IpAddress many[40] = {};
    const std::string answer = dns_addresses(message, *question, many, 512);
    // What is answered is never longer than allowed, and is an answer.
    if (answer.size() > 512 && answer.size() > question->end) __builtin_trap();
    if (!(answer[2] & 0x80)) __builtin_trap();
    (void)dns_pointer(message, *question, question->name);
    (void)dns_truncated(message, *question);
    return 0;
}
