#include "model/container_record.h"

#include <array>

#include "codec/json.h"

namespace hull::json {

using enum Emit;
namespace m = hull::model;

template <>
struct Codec<WallTime> {
    static Value encode(const WallTime& time) { return time.ns; }
    static Result<WallTime> decode(const Value& value) {
        if (!value.is_int64()) return detail::mismatch(value, "integer");
        return WallTime{value.get_int64()};
    }
    static bool empty(const WallTime& time) { return time.ns == 0; }
};

constexpr std::array kStatusNames = {"created",    "starting", "running", "paused",
                                     "restarting", "removing", "exited",  "dead"};
template <>
struct Codec<m::ContainerStatus> {
    static Value encode(m::ContainerStatus status) { return kStatusNames.at(static_cast<size_t>(status)); }
    static Result<m::ContainerStatus> decode(const Value& value) {
        for (size_t i = 0; i < kStatusNames.size(); ++i)
            if (value.is_string() && value.get_string() == kStatusNames[i]) return static_cast<m::ContainerStatus>(i);
        return detail::mismatch(value, "a status");
    }
    static bool empty(m::ContainerStatus) { return false; }
};

template <>
struct Fields<m::MountPoint> {
    static constexpr auto list =
        std::tuple{field("type", &m::MountPoint::type),
                   field("name", &m::MountPoint::name, omit_empty),
                   field("driver", &m::MountPoint::driver, omit_empty),
                   field("source", &m::MountPoint::source, omit_empty),
                   field("chain_id", &m::MountPoint::chain_id, omit_empty),
                   field("destination", &m::MountPoint::destination),
                   field("mode", &m::MountPoint::mode, omit_empty),
                   field("rw", &m::MountPoint::rw),
                   field("propagation", &m::MountPoint::propagation, omit_empty),
                   field("create_source", &m::MountPoint::create_source, omit_empty),
                   field("non_recursive", &m::MountPoint::non_recursive, omit_empty),
                   field("read_only_non_recursive", &m::MountPoint::read_only_non_recursive, omit_empty),
                   field("from_mounts", &m::MountPoint::from_mounts, omit_empty),
                   field("tmpfs_options", &m::MountPoint::tmpfs_options, omit_empty),
                   field("subpath", &m::MountPoint::subpath, omit_empty)};
};
template <>
struct Fields<m::EndpointRecord> {
    static constexpr auto list =
        std::tuple{field("network_id", &m::EndpointRecord::network_id),
                   field("endpoint_id", &m::EndpointRecord::endpoint_id),
                   field("network", &m::EndpointRecord::network, omit_empty),
                   field("ip_address", &m::EndpointRecord::ip_address),
                   field("prefix_length", &m::EndpointRecord::prefix_length),
                   field("gateway", &m::EndpointRecord::gateway),
                   field("mac_address", &m::EndpointRecord::mac_address),
                   field("interface", &m::EndpointRecord::interface),
                   field("host_interface", &m::EndpointRecord::host_interface),
                   field("ipv6_address", &m::EndpointRecord::ipv6_address, omit_empty),
                   field("ipv6_prefix_length", &m::EndpointRecord::ipv6_prefix_length, omit_empty),
                   field("ipv6_gateway", &m::EndpointRecord::ipv6_gateway, omit_empty)};
};
template <>
struct Fields<m::PublishedPort> {
    static constexpr auto list = std::tuple{
        field("protocol", &m::PublishedPort::protocol), field("container_port", &m::PublishedPort::container_port),
        field("host_port", &m::PublishedPort::host_port), field("host_ip", &m::PublishedPort::host_ip)};
};
// config, host_config and networking have a mapping of their own
// (container_json.cc); a second one here would break the one-definition rule.
template <>
struct Fields<m::ContainerSettings> {
    static constexpr auto list = std::tuple{field("id", &m::ContainerSettings::id),
                                            field("name", &m::ContainerSettings::name),
                                            field("created", &m::ContainerSettings::created),
                                            field("image_id", &m::ContainerSettings::image_id),
                                            field("chain_id", &m::ContainerSettings::chain_id, omit_empty),
                                            field("path", &m::ContainerSettings::path),
                                            field("args", &m::ContainerSettings::args),
                                            field("mounts", &m::ContainerSettings::mounts, omit_empty),
                                            field("architecture", &m::ContainerSettings::architecture, omit_empty),
                                            field("transient", &m::ContainerSettings::transient, omit_empty)};
};
template <>
struct Fields<m::ContainerState> {
    static constexpr auto list = std::tuple{field("status", &m::ContainerState::status),
                                            field("pid", &m::ContainerState::pid, omit_empty),
                                            field("exit_code", &m::ContainerState::exit_code, omit_empty),
                                            field("oom_killed", &m::ContainerState::oom_killed, omit_empty),
                                            field("error", &m::ContainerState::error, omit_empty),
                                            field("started_at", &m::ContainerState::started_at, omit_empty),
                                            field("finished_at", &m::ContainerState::finished_at, omit_empty),
                                            field("restart_count", &m::ContainerState::restart_count, omit_empty),
                                            field("manually_stopped", &m::ContainerState::manually_stopped, omit_empty),
                                            field("id_first", &m::ContainerState::id_first, omit_empty),
                                            field("id_count", &m::ContainerState::id_count, omit_empty),
                                            field("endpoint", &m::ContainerState::endpoint, omit_empty),
                                            field("endpoints", &m::ContainerState::endpoints, omit_empty),
                                            field("ports", &m::ContainerState::ports, omit_empty)};
};
} // namespace hull::json

namespace hull::model {

namespace {

Result<void> read_asked_for(const json::Object& from, ContainerSettings& into) {
    if (const auto* config = from.if_contains("config"))
        into.config = TRY(container_config_from_json(*config).context("config"));
    if (const auto* host = from.if_contains("host_config"))
        into.host_config = TRY(host_config_from_json(*host).context("host_config"));
    const auto* networking = from.if_contains("networking");
    if (!networking || !networking->is_object()) return {};
    for (const auto& [name, settings] : networking->get_object())
        into.networking.endpoints_config[std::string(name)] =
            TRY(endpoint_settings_from_json(settings).context("networking"));
    return {};
}

Result<ContainerSettings> read_settings(const json::Value& value) {
    auto settings = TRY(json::decode<ContainerSettings>(value));
    TRY(read_asked_for(value.as_object(), settings));
    return settings;
}

} // namespace

std::string print_container_settings(const ContainerSettings& settings) {
    json::Object out;
    json::encode_into(settings, out);
    out["config"] = to_json(settings.config);
    out["host_config"] = to_json(settings.host_config);
    json::Object networking;
    for (const auto& [name, endpoint] : settings.networking.endpoints_config) networking[name] = to_json(endpoint);
    out["networking"] = std::move(networking);
    return json::print(out);
}

std::string print_container_state(const ContainerState& state) {
    json::Object out;
    json::encode_into(state, out);
    if (state.networks) {
        json::Object networks;
        for (const auto& [name, endpoint] : *state.networks) networks[name] = to_json(endpoint);
        out["networks"] = std::move(networks);
    }
    return json::print(out);
}

Result<ContainerSettings> parse_container_settings(std::string_view text) {
    auto value = json::parse(text);
    if (!value.ok()) return std::move(value).error().with_kind(ErrorKind::corrupt);
    auto settings = read_settings(*value);
    if (!settings.ok()) return std::move(settings).error().with_kind(ErrorKind::corrupt);
    if (settings->id.size() != 64) return Error(ErrorKind::corrupt, "container record without an id");
    return settings;
}

Result<ContainerState> parse_container_state(std::string_view text) {
    auto value = json::parse(text);
    if (!value.ok()) return std::move(value).error().with_kind(ErrorKind::corrupt);
    auto state = json::decode<ContainerState>(*value);
    if (!state.ok()) return std::move(state).error().with_kind(ErrorKind::corrupt);
    const auto* networks = value->as_object().if_contains("networks");
    if (!networks || !networks->is_object()) return state;
    state->networks.emplace();
    for (const auto& [name, settings] : networks->get_object()) {
        auto endpoint = endpoint_settings_from_json(settings);
        if (!endpoint.ok()) return std::move(endpoint).error().with_kind(ErrorKind::corrupt);
        state->networks->emplace(name, *std::move(endpoint));
    }
    return state;
}

} // namespace hull::model
