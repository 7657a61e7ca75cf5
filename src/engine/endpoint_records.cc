#include "engine/endpoint_records.h"

#include "base/random.h"

namespace hull::engine {

Result<net::Endpoint> endpoint_from_record(const EndpointRecord& record) {
    net::Endpoint endpoint;
    if (!record.ip_address.empty()) endpoint.ip = TRY(net::IpAddress::parse(record.ip_address));
    endpoint.prefix_length = static_cast<uint8_t>(record.prefix_length);
    if (!record.gateway.empty()) endpoint.gateway = TRY(net::IpAddress::parse(record.gateway));
    endpoint.mac = TRY(net::MacAddress::parse(record.mac_address));
    endpoint.interface = record.interface;
    endpoint.host_interface = record.host_interface;
    if (!record.ipv6_address.empty()) endpoint.ip6 = TRY(net::IpAddress::parse(record.ipv6_address));
    endpoint.prefix_length6 = static_cast<uint8_t>(record.ipv6_prefix_length);
    if (!record.ipv6_gateway.empty()) endpoint.gateway6 = TRY(net::IpAddress::parse(record.ipv6_gateway));
    return endpoint;
}

EndpointRecord record_of_endpoint(const net::Endpoint& endpoint, const std::string& network_id,
                                  const std::string& network) {
    EndpointRecord record{.network_id = network_id,
                          .endpoint_id = random_id(),
                          .network = network,
                          .ip_address = {},
                          .prefix_length = endpoint.prefix_length,
                          .gateway = {},
                          .mac_address = endpoint.mac.str(),
                          .interface = endpoint.interface,
                          .host_interface = endpoint.host_interface};
    if (!endpoint.ip.unspecified()) {
        record.ip_address = endpoint.ip.str();
        record.gateway = endpoint.gateway.str();
    }
    if (endpoint.ip6) {
        record.ipv6_address = endpoint.ip6->str();
        record.ipv6_prefix_length = endpoint.prefix_length6;
        record.ipv6_gateway = endpoint.gateway6.str();
    }
    return record;
}

} // namespace hull::engine
