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
struct Codec<m::ContainerConfig> {
    static Value encode(const m::ContainerConfig& config) { return m::to_json(config); }
    static Result<m::ContainerConfig> decode(const Value& value) { return m::container_config_from_json(value); }
};
template <>
struct Codec<m::HostConfig> {
    static Value encode(const m::HostConfig& config) { return m::to_json(config); }
    static Result<m::HostConfig> decode(const Value& value) { return m::host_config_from_json(value); }
};
template <>
struct Codec<m::EndpointSettings> {
    static Value encode(const m::EndpointSettings& settings) { return m::to_json(settings); }
    static Result<m::EndpointSettings> decode(const Value& value) { return m::endpoint_settings_from_json(value); }
};
template <>
struct Fields<m::NetworkingConfig> {
    static constexpr auto list = std::tuple{field("endpoints", &m::NetworkingConfig::endpoints_config, omit_empty)};
};
template <>
struct Fields<m::MountPoint> {
    static constexpr auto list =
        std::tuple{field("type", &m::MountPoint::type),
                   field("name", &m::MountPoint::name, omit_empty),
                   field("source", &m::MountPoint::source, omit_empty),
                   field("destination", &m::MountPoint::destination),
                   field("mode", &m::MountPoint::mode, omit_empty),
                   field("rw", &m::MountPoint::rw),
                   field("propagation", &m::MountPoint::propagation, omit_empty),
                   field("create_source", &m::MountPoint::create_source, omit_empty),
                   field("non_recursive", &m::MountPoint::non_recursive, omit_empty),
                   field("read_only_non_recursive", &m::MountPoint::read_only_non_recursive, omit_empty),
                   field("from_mounts", &m::MountPoint::from_mounts, omit_empty),
                   field("tmpfs_options", &m::MountPoint::tmpfs_options, omit_empty)};
};
template <>
struct Fields<m::EndpointRecord> {
    static constexpr auto list = std::tuple{field("network_id", &m::EndpointRecord::network_id),
                                            field("endpoint_id", &m::EndpointRecord::endpoint_id),
                                            field("ip_address", &m::EndpointRecord::ip_address),
                                            field("prefix_length", &m::EndpointRecord::prefix_length),
                                            field("gateway", &m::EndpointRecord::gateway),
                                            field("mac_address", &m::EndpointRecord::mac_address),
                                            field("interface", &m::EndpointRecord::interface),
                                            field("host_interface", &m::EndpointRecord::host_interface)};
};
template <>
struct Fields<m::ContainerSettings> {
    static constexpr auto list = std::tuple{field("id", &m::ContainerSettings::id),
                                            field("name", &m::ContainerSettings::name),
                                            field("created", &m::ContainerSettings::created),
                                            field("image_id", &m::ContainerSettings::image_id),
                                            field("chain_id", &m::ContainerSettings::chain_id, omit_empty),
                                            field("path", &m::ContainerSettings::path),
                                            field("args", &m::ContainerSettings::args),
                                            field("config", &m::ContainerSettings::config),
                                            field("host_config", &m::ContainerSettings::host_config),
                                            field("networking", &m::ContainerSettings::networking),
                                            field("mounts", &m::ContainerSettings::mounts, omit_empty)};
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
                                            field("endpoint", &m::ContainerState::endpoint, omit_empty)};
};
template <>
struct Fields<m::ContainerRecord> {
    static constexpr auto list =
        std::tuple{field("state", &m::ContainerRecord::state), field("settings", &m::ContainerRecord::settings)};
};

} // namespace hull::json

namespace hull::model {

std::string print_settings(const ContainerSettings& settings) { return json::print(json::encode(settings)); }

std::string print_record(std::string_view settings_json, const ContainerState& state) {
    std::string text = R"({"version":1,"state":)";
    text += json::print(json::encode(state));
    text += R"(,"settings":)";
    text += settings_json;
    text += '}';
    return text;
}

Result<ContainerRecord> parse_container_record(std::string_view text) {
    auto value = json::parse(text);
    if (!value.ok()) return std::move(value).error().with_kind(ErrorKind::corrupt);
    auto record = json::decode<ContainerRecord>(*value);
    if (!record.ok()) return std::move(record).error().with_kind(ErrorKind::corrupt);
    if (record->settings.id.size() != 64) return Error(ErrorKind::corrupt, "container record without an id");
    return record;
}

} // namespace hull::model
