#include "model/network.h"

#include "codec/json.h"

namespace hull::json {

using enum Emit;
namespace m = hull::model;

template <>
struct Fields<m::IpamPool> {
    static constexpr auto list = std::tuple{field("Subnet", &m::IpamPool::subnet, omit_empty),
                                            field("IPRange", &m::IpamPool::ip_range, omit_empty),
                                            field("Gateway", &m::IpamPool::gateway, omit_empty),
                                            field("AuxiliaryAddresses", &m::IpamPool::aux_addresses, omit_empty)};
};
template <>
struct Fields<m::IpamSettings> {
    static constexpr auto list =
        std::tuple{field("Driver", &m::IpamSettings::driver), field("Options", &m::IpamSettings::options),
                   field("Config", &m::IpamSettings::config)};
};
template <>
struct Fields<m::NetworkRequest> {
    static constexpr auto list = std::tuple{field("Name", &m::NetworkRequest::name),
                                            field("CheckDuplicate", &m::NetworkRequest::check_duplicate),
                                            field("Driver", &m::NetworkRequest::driver),
                                            field("Scope", &m::NetworkRequest::scope),
                                            field("Internal", &m::NetworkRequest::internal),
                                            field("Attachable", &m::NetworkRequest::attachable),
                                            field("Ingress", &m::NetworkRequest::ingress),
                                            field("ConfigOnly", &m::NetworkRequest::config_only),
                                            field("EnableIPv4", &m::NetworkRequest::enable_ipv4),
                                            field("EnableIPv6", &m::NetworkRequest::enable_ipv6),
                                            field("IPAM", &m::NetworkRequest::ipam),
                                            field("Options", &m::NetworkRequest::options),
                                            field("Labels", &m::NetworkRequest::labels)};
};
// Options of IPAM stand in the record's own object, so the wire names serve there, too.
template <>
struct Fields<m::NetworkRecord> {
    static constexpr auto list = std::tuple{field("id", &m::NetworkRecord::id),
                                            field("name", &m::NetworkRecord::name),
                                            field("driver", &m::NetworkRecord::driver),
                                            field("internal", &m::NetworkRecord::internal),
                                            field("attachable", &m::NetworkRecord::attachable),
                                            field("enable_ipv4", &m::NetworkRecord::enable_ipv4),
                                            field("enable_ipv6", &m::NetworkRecord::enable_ipv6),
                                            field("ipam", &m::NetworkRecord::ipam),
                                            field("options", &m::NetworkRecord::options),
                                            field("labels", &m::NetworkRecord::labels),
                                            field("bridge", &m::NetworkRecord::bridge),
                                            field("config_only", &m::NetworkRecord::config_only),
                                            field("config_from", &m::NetworkRecord::config_from)};
};

} // namespace hull::json

namespace hull::model {

std::string print_network_record(const NetworkRecord& record) {
    json::Object out;
    json::encode_into(record, out);
    out["created"] = record.created.ns;
    return json::print(out);
}

Result<NetworkRecord> parse_network_record(std::string_view text) {
    auto value = json::parse(text);
    if (!value.ok()) return std::move(value).error().with_kind(ErrorKind::corrupt);
    auto record = json::decode<NetworkRecord>(*value);
    if (!record.ok()) return std::move(record).error().with_kind(ErrorKind::corrupt);
    if (record->id.size() != 64 || record->name.empty())
        return Error(ErrorKind::corrupt, "network record without an id or a name");
    const auto* created = value->get_object().if_contains("created");
    if (created && created->is_int64()) record->created = WallTime{created->get_int64()};
    return record;
}

Result<NetworkRequest> parse_network_request(std::string_view text) {
    json::Value value = TRY(json::parse(text, {.max_depth = 64, .max_bytes = size_t{4} << 20}));
    auto request = TRY(json::decode<NetworkRequest>(value));
    const json::Value* from = json::detail::find(value.as_object(), "ConfigFrom");
    if (from && from->is_object())
        if (const json::Value* name = json::detail::find(from->get_object(), "Network"); name && name->is_string())
            request.config_from = name->get_string();
    return request;
}

Result<NetworkConnectRequest> parse_network_connect(std::string_view text) {
    json::Value value = TRY(json::parse(text, {.max_depth = 64, .max_bytes = size_t{4} << 20}));
    if (!value.is_object()) return json::detail::mismatch(value, "object");
    NetworkConnectRequest request;
    const json::Object& object = value.get_object();
    if (const json::Value* name = json::detail::find(object, "Container"); name && name->is_string())
        request.container = name->get_string();
    if (const json::Value* force = json::detail::find(object, "Force"); force && force->is_bool())
        request.force = force->get_bool();
    if (const json::Value* endpoint = json::detail::find(object, "EndpointConfig"); endpoint && !endpoint->is_null())
        request.endpoint = TRY(endpoint_settings_from_json(*endpoint).context("EndpointConfig"));
    return request;
}

} // namespace hull::model
