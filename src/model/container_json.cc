// The JSON of container settings. What is null, [] or {} when empty follows
// what Docker's own answers show for a container made by its command line.
#include "codec/json.h"

#include <array>
#include <utility>

#include "model/container.h"

namespace hull::json {

using enum Emit;
namespace m = hull::model;

template <>
struct Fields<m::Healthcheck> {
    static constexpr auto list = std::tuple{
        field("Test", &m::Healthcheck::test, omit_empty),
        field("Interval", &m::Healthcheck::interval, omit_empty),
        field("Timeout", &m::Healthcheck::timeout, omit_empty),
        field("StartPeriod", &m::Healthcheck::start_period, omit_empty),
        field("StartInterval", &m::Healthcheck::start_interval, omit_empty),
        field("Retries", &m::Healthcheck::retries, omit_empty),
    };
};

// ExposedPorts and Volumes are sets written as objects: see codec below.
template <>
struct Fields<m::ContainerConfig> {
    static constexpr auto list = std::tuple{
        field("Hostname", &m::ContainerConfig::hostname),
        field("Domainname", &m::ContainerConfig::domainname),
        field("User", &m::ContainerConfig::user),
        field("AttachStdin", &m::ContainerConfig::attach_stdin),
        field("AttachStdout", &m::ContainerConfig::attach_stdout),
        field("AttachStderr", &m::ContainerConfig::attach_stderr),
        field("Tty", &m::ContainerConfig::tty),
        field("OpenStdin", &m::ContainerConfig::open_stdin),
        field("StdinOnce", &m::ContainerConfig::stdin_once),
        field("Env", &m::ContainerConfig::env, null_if_empty),
        field("Cmd", &m::ContainerConfig::cmd),
        field("Healthcheck", &m::ContainerConfig::healthcheck, omit_empty),
        field("ArgsEscaped", &m::ContainerConfig::args_escaped, omit_empty),
        field("Image", &m::ContainerConfig::image),
        field("WorkingDir", &m::ContainerConfig::working_dir),
        field("Entrypoint", &m::ContainerConfig::entrypoint),
        field("NetworkDisabled", &m::ContainerConfig::network_disabled, omit_empty),
        field("MacAddress", &m::ContainerConfig::mac_address, omit_empty),
        field("OnBuild", &m::ContainerConfig::on_build, null_if_empty),
        field("Labels", &m::ContainerConfig::labels),
        field("StopSignal", &m::ContainerConfig::stop_signal, omit_empty),
        field("StopTimeout", &m::ContainerConfig::stop_timeout, omit_empty),
        field("Shell", &m::ContainerConfig::shell, omit_empty),
    };
};

template <>
struct Fields<m::LogConfig> {
    static constexpr auto list = std::tuple{field("Type", &m::LogConfig::type), field("Config", &m::LogConfig::config)};
};
template <>
struct Fields<m::RestartPolicy> {
    static constexpr auto list = std::tuple{field("Name", &m::RestartPolicy::name),
                                            field("MaximumRetryCount", &m::RestartPolicy::maximum_retry_count)};
};
template <>
struct Fields<m::PortBinding> {
    static constexpr auto list =
        std::tuple{field("HostIp", &m::PortBinding::host_ip), field("HostPort", &m::PortBinding::host_port)};
};
template <>
struct Fields<m::DeviceMapping> {
    static constexpr auto list = std::tuple{field("PathOnHost", &m::DeviceMapping::path_on_host),
                                            field("PathInContainer", &m::DeviceMapping::path_in_container),
                                            field("CgroupPermissions", &m::DeviceMapping::cgroup_permissions)};
};
template <>
struct Fields<m::DeviceRequest> {
    static constexpr auto list =
        std::tuple{field("Driver", &m::DeviceRequest::driver), field("Count", &m::DeviceRequest::count),
                   field("DeviceIDs", &m::DeviceRequest::device_ids, null_if_empty),
                   field("Capabilities", &m::DeviceRequest::capabilities, null_if_empty),
                   field("Options", &m::DeviceRequest::options)};
};
template <>
struct Fields<m::Ulimit> {
    static constexpr auto list =
        std::tuple{field("Name", &m::Ulimit::name), field("Hard", &m::Ulimit::hard), field("Soft", &m::Ulimit::soft)};
};
template <>
struct Fields<m::BindOptions> {
    static constexpr auto list =
        std::tuple{field("Propagation", &m::BindOptions::propagation, omit_empty),
                   field("NonRecursive", &m::BindOptions::non_recursive, omit_empty),
                   field("CreateMountpoint", &m::BindOptions::create_mountpoint, omit_empty),
                   field("ReadOnlyNonRecursive", &m::BindOptions::read_only_non_recursive, omit_empty),
                   field("ReadOnlyForceRecursive", &m::BindOptions::read_only_force_recursive, omit_empty)};
};
template <>
struct Fields<m::TmpfsOptions> {
    static constexpr auto list = std::tuple{field("SizeBytes", &m::TmpfsOptions::size_bytes, omit_empty),
                                            field("Mode", &m::TmpfsOptions::mode, omit_empty),
                                            field("Options", &m::TmpfsOptions::options, omit_empty)};
};
// VolumeOptions is kept as text: see codec below.
template <>
struct Fields<m::ImageOptions> {
    static constexpr auto list = std::tuple{field("Subpath", &m::ImageOptions::subpath, omit_empty)};
};
template <>
struct Fields<m::MountRequest> {
    static constexpr auto list = std::tuple{field("Type", &m::MountRequest::type, omit_empty),
                                            field("Source", &m::MountRequest::source, omit_empty),
                                            field("Target", &m::MountRequest::target, omit_empty),
                                            field("ReadOnly", &m::MountRequest::read_only, omit_empty),
                                            field("Consistency", &m::MountRequest::consistency, omit_empty),
                                            field("BindOptions", &m::MountRequest::bind_options, omit_empty),
                                            field("TmpfsOptions", &m::MountRequest::tmpfs_options, omit_empty),
                                            field("ImageOptions", &m::MountRequest::image_options, omit_empty)};
};
template <>
struct Codec<m::MountRequest> {
    static Value encode(const m::MountRequest& mount) {
        Object object;
        encode_into(mount, object);
        if (!mount.volume_options.empty()) {
            auto options = parse(mount.volume_options);
            if (options.ok()) object["VolumeOptions"] = std::move(*options);
        }
        return object;
    }
    static Result<m::MountRequest> decode(const Value& value) {
        m::MountRequest mount;
        if (!value.is_object()) return detail::mismatch(value, "object");
        TRY(detail::decode_members(value.get_object(), mount));
        const Value* options = detail::find(value.get_object(), "VolumeOptions");
        if (options && !options->is_null()) {
            if (!options->is_object()) return detail::mismatch(*options, "object").context("VolumeOptions");
            mount.volume_options = print(*options);
        }
        return mount;
    }
};
template <>
struct Fields<m::BlkioWeightDevice> {
    static constexpr auto list =
        std::tuple{field("Path", &m::BlkioWeightDevice::path), field("Weight", &m::BlkioWeightDevice::weight)};
};
template <>
struct Fields<m::BlkioRateDevice> {
    static constexpr auto list =
        std::tuple{field("Path", &m::BlkioRateDevice::path), field("Rate", &m::BlkioRateDevice::rate)};
};

template <>
struct Fields<m::HostConfig> {
    static constexpr auto list = std::tuple{
        field("Binds", &m::HostConfig::binds, null_if_empty),
        field("ContainerIDFile", &m::HostConfig::container_id_file),
        field("LogConfig", &m::HostConfig::log_config),
        field("NetworkMode", &m::HostConfig::network_mode),
        field("PortBindings", &m::HostConfig::port_bindings),
        field("RestartPolicy", &m::HostConfig::restart_policy),
        field("AutoRemove", &m::HostConfig::auto_remove),
        field("VolumeDriver", &m::HostConfig::volume_driver),
        field("VolumesFrom", &m::HostConfig::volumes_from, null_if_empty),
        field("ConsoleSize", &m::HostConfig::console_size),
        field("Annotations", &m::HostConfig::annotations, omit_empty),
        field("CapAdd", &m::HostConfig::cap_add, null_if_empty),
        field("CapDrop", &m::HostConfig::cap_drop, null_if_empty),
        field("CgroupnsMode", &m::HostConfig::cgroupns_mode),
        field("Dns", &m::HostConfig::dns),
        field("DnsOptions", &m::HostConfig::dns_options),
        field("DnsSearch", &m::HostConfig::dns_search),
        field("ExtraHosts", &m::HostConfig::extra_hosts, null_if_empty),
        field("GroupAdd", &m::HostConfig::group_add, null_if_empty),
        field("IpcMode", &m::HostConfig::ipc_mode),
        field("Cgroup", &m::HostConfig::cgroup),
        field("Links", &m::HostConfig::links, null_if_empty),
        field("OomScoreAdj", &m::HostConfig::oom_score_adj),
        field("PidMode", &m::HostConfig::pid_mode),
        field("Privileged", &m::HostConfig::privileged),
        field("PublishAllPorts", &m::HostConfig::publish_all_ports),
        field("ReadonlyRootfs", &m::HostConfig::readonly_rootfs),
        field("SecurityOpt", &m::HostConfig::security_opt, null_if_empty),
        field("StorageOpt", &m::HostConfig::storage_opt, omit_empty),
        field("Tmpfs", &m::HostConfig::tmpfs, omit_empty),
        field("UTSMode", &m::HostConfig::uts_mode),
        field("UsernsMode", &m::HostConfig::userns_mode),
        field("ShmSize", &m::HostConfig::shm_size),
        field("Sysctls", &m::HostConfig::sysctls, omit_empty),
        field("Runtime", &m::HostConfig::runtime, omit_empty),
        field("Isolation", &m::HostConfig::isolation),
        field("CpuShares", &m::HostConfig::cpu_shares),
        field("Memory", &m::HostConfig::memory),
        field("NanoCpus", &m::HostConfig::nano_cpus),
        field("CgroupParent", &m::HostConfig::cgroup_parent),
        field("BlkioWeight", &m::HostConfig::blkio_weight),
        field("BlkioWeightDevice", &m::HostConfig::blkio_weight_device),
        field("BlkioDeviceReadBps", &m::HostConfig::blkio_device_read_bps),
        field("BlkioDeviceWriteBps", &m::HostConfig::blkio_device_write_bps),
        field("BlkioDeviceReadIOps", &m::HostConfig::blkio_device_read_iops),
        field("BlkioDeviceWriteIOps", &m::HostConfig::blkio_device_write_iops),
        field("CpuPeriod", &m::HostConfig::cpu_period),
        field("CpuQuota", &m::HostConfig::cpu_quota),
        field("CpuRealtimePeriod", &m::HostConfig::cpu_realtime_period),
        field("CpuRealtimeRuntime", &m::HostConfig::cpu_realtime_runtime),
        field("CpusetCpus", &m::HostConfig::cpuset_cpus),
        field("CpusetMems", &m::HostConfig::cpuset_mems),
        field("Devices", &m::HostConfig::devices),
        field("DeviceCgroupRules", &m::HostConfig::device_cgroup_rules, null_if_empty),
        field("DeviceRequests", &m::HostConfig::device_requests, null_if_empty),
        field("MemoryReservation", &m::HostConfig::memory_reservation),
        field("MemorySwap", &m::HostConfig::memory_swap),
        field("MemorySwappiness", &m::HostConfig::memory_swappiness),
        field("OomKillDisable", &m::HostConfig::oom_kill_disable),
        field("PidsLimit", &m::HostConfig::pids_limit),
        field("Ulimits", &m::HostConfig::ulimits),
        field("Mounts", &m::HostConfig::mounts, omit_empty),
        field("MaskedPaths", &m::HostConfig::masked_paths),
        field("ReadonlyPaths", &m::HostConfig::readonly_paths),
        field("Init", &m::HostConfig::init, omit_empty),
        field("CpuCount", &m::HostConfig::cpu_count),
        field("CpuPercent", &m::HostConfig::cpu_percent),
        field("IOMaximumIOps", &m::HostConfig::io_maximum_iops),
        field("IOMaximumBandwidth", &m::HostConfig::io_maximum_bandwidth),
    };
};

template <>
struct Fields<m::EndpointIpamConfig> {
    static constexpr auto list = std::tuple{field("IPv4Address", &m::EndpointIpamConfig::ipv4_address, omit_empty),
                                            field("IPv6Address", &m::EndpointIpamConfig::ipv6_address, omit_empty),
                                            field("LinkLocalIPs", &m::EndpointIpamConfig::link_local_ips, omit_empty)};
};
template <>
struct Fields<m::EndpointSettings> {
    static constexpr auto list = std::tuple{
        field("IPAMConfig", &m::EndpointSettings::ipam_config),
        field("Links", &m::EndpointSettings::links, null_if_empty),
        field("Aliases", &m::EndpointSettings::aliases, null_if_empty),
        field("MacAddress", &m::EndpointSettings::mac_address),
        field("DriverOpts", &m::EndpointSettings::driver_opts, null_if_empty),
        field("GwPriority", &m::EndpointSettings::gw_priority),
        field("NetworkID", &m::EndpointSettings::network_id),
        field("EndpointID", &m::EndpointSettings::endpoint_id),
        field("Gateway", &m::EndpointSettings::gateway),
        field("IPAddress", &m::EndpointSettings::ip_address),
        field("IPPrefixLen", &m::EndpointSettings::ip_prefix_len),
        field("IPv6Gateway", &m::EndpointSettings::ipv6_gateway),
        field("GlobalIPv6Address", &m::EndpointSettings::global_ipv6_address),
        field("GlobalIPv6PrefixLen", &m::EndpointSettings::global_ipv6_prefix_len),
        field("DNSNames", &m::EndpointSettings::dns_names, null_if_empty),
    };
};
template <>
struct Fields<m::NetworkingConfig> {
    static constexpr auto list = std::tuple{field("EndpointsConfig", &m::NetworkingConfig::endpoints_config)};
};

} // namespace hull::json

namespace hull::model {
namespace {

// A set in JSON is an object whose values say nothing: {"80/tcp": {}}.
Result<void> read_set(const json::Object& object, std::string_view name, std::vector<std::string>& out) {
    const json::Value* value = json::detail::find(object, name);
    if (!value || value->is_null()) return {};
    if (!value->is_object()) return json::detail::mismatch(*value, "object").context(name);
    for (const auto& [key, ignored] : value->get_object()) out.emplace_back(key.data(), key.size());
    return {};
}

json::Value print_set(const std::vector<std::string>& set) {
    json::Object object;
    for (const std::string& key : set) object[key] = json::Object{};
    return object;
}

// Old clients send a command as one string instead of a list (Docker takes it
// as a list of one).
json::Object with_lists(const json::Object& object) {
    json::Object copy = object;
    for (std::string_view name : {"Cmd", "Entrypoint", "Shell"}) {
        for (auto& member : copy) {
            if (member.value().is_string() && json::detail::find(json::Object{{member.key(), nullptr}}, name))
                member.value() = json::Array{json::Value(member.value())};
        }
    }
    return copy;
}

bool has_text_command(const json::Object& object) {
    for (std::string_view name : {"Cmd", "Entrypoint", "Shell"}) {
        const json::Value* value = json::detail::find(object, name);
        if (value && value->is_string()) return true;
    }
    return false;
}

} // namespace

Result<ContainerConfig> container_config_from_json(const boost::json::value& value) {
    ContainerConfig config;
    if (value.is_null()) return config;
    if (!value.is_object()) return json::detail::mismatch(value, "object");
    const json::Object& object = value.get_object();
    if (has_text_command(object)) {
        TRY(json::detail::decode_members(with_lists(object), config));
    } else {
        TRY(json::detail::decode_members(object, config));
    }
    TRY(read_set(object, "ExposedPorts", config.exposed_ports));
    TRY(read_set(object, "Volumes", config.volumes));
    return config;
}

boost::json::value to_json(const ContainerConfig& config) {
    json::Object object;
    json::encode_into(config, object);
    if (!config.exposed_ports.empty()) object["ExposedPorts"] = print_set(config.exposed_ports);
    object["Volumes"] = config.volumes.empty() ? json::Value(nullptr) : print_set(config.volumes);
    return object;
}

Result<HostConfig> host_config_from_json(const boost::json::value& value) {
    if (value.is_null()) return HostConfig{};
    HostConfig config = TRY(json::decode<HostConfig>(value));
    if (config.console_size.size() > 2)
        return Error(ErrorKind::invalid_argument, "ConsoleSize: two numbers are wanted, height and width");
    return config;
}

boost::json::value to_json(const HostConfig& config) {
    json::Object object;
    json::encode_into(config, object);
    if (config.console_size.size() != 2) object["ConsoleSize"] = json::Array{0, 0};
    return object;
}

boost::json::value to_json(const EndpointSettings& settings) { return json::encode(settings); }

Result<EndpointSettings> endpoint_settings_from_json(const boost::json::value& value) {
    return json::decode<EndpointSettings>(value);
}

Result<CreateRequest> parse_create_request(std::string_view text) {
    json::Value value = TRY(json::parse(text, {.max_depth = 64, .max_bytes = size_t{4} << 20}));
    if (!value.is_object()) return json::detail::mismatch(value, "object");
    CreateRequest request;
    request.config = TRY(container_config_from_json(value));
    const json::Object& object = value.get_object();
    if (const json::Value* host = json::detail::find(object, "HostConfig"))
        request.host_config = TRY(host_config_from_json(*host).context("HostConfig"));
    if (const json::Value* networking = json::detail::find(object, "NetworkingConfig");
        networking && !networking->is_null())
        request.networking_config = TRY(json::decode<NetworkingConfig>(*networking).context("NetworkingConfig"));
    // Where python3-docker puts it.
    if (const json::Value* runtime = json::detail::find(object, "Runtime");
        runtime && runtime->is_string() && request.host_config.runtime.empty())
        request.host_config.runtime = std::string(runtime->get_string());
    return request;
}

} // namespace hull::model
