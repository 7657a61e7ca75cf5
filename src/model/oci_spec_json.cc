// config.json and process.json of the OCI Runtime Specification.

#include <algorithm>

#include "codec/json.h"
#include "model/oci_spec.h"

namespace hull::json {

namespace oci = model::oci;

template <>
struct Fields<oci::Box> {
    static constexpr auto list = std::tuple{
        field("height", &oci::Box::height),
        field("width", &oci::Box::width),
    };
};

template <>
struct Fields<oci::User> {
    static constexpr auto list = std::tuple{
        field("uid", &oci::User::uid),
        field("gid", &oci::User::gid),
        field("umask", &oci::User::umask, Emit::omit_empty),
        field("additionalGids", &oci::User::additional_gids, Emit::omit_empty),
        field("username", &oci::User::username, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::Capabilities> {
    static constexpr auto list = std::tuple{
        field("bounding", &oci::Capabilities::bounding, Emit::omit_empty),
        field("effective", &oci::Capabilities::effective, Emit::omit_empty),
        field("inheritable", &oci::Capabilities::inheritable, Emit::omit_empty),
        field("permitted", &oci::Capabilities::permitted, Emit::omit_empty),
        field("ambient", &oci::Capabilities::ambient, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::Rlimit> {
    static constexpr auto list = std::tuple{
        field("type", &oci::Rlimit::type),
        field("hard", &oci::Rlimit::hard),
        field("soft", &oci::Rlimit::soft),
    };
};

template <>
struct Fields<oci::Scheduler> {
    static constexpr auto list = std::tuple{
        field("policy", &oci::Scheduler::policy),
        field("nice", &oci::Scheduler::nice, Emit::omit_empty),
        field("priority", &oci::Scheduler::priority, Emit::omit_empty),
        field("flags", &oci::Scheduler::flags, Emit::omit_empty),
        field("runtime", &oci::Scheduler::runtime, Emit::omit_empty),
        field("deadline", &oci::Scheduler::deadline, Emit::omit_empty),
        field("period", &oci::Scheduler::period, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::IoPriority> {
    static constexpr auto list = std::tuple{
        field("class", &oci::IoPriority::io_class),
        field("priority", &oci::IoPriority::priority),
    };
};

template <>
struct Fields<oci::CpuAffinity> {
    static constexpr auto list = std::tuple{
        field("initial", &oci::CpuAffinity::initial, Emit::omit_empty),
        field("final", &oci::CpuAffinity::final_, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::Process> {
    static constexpr auto list = std::tuple{
        field("terminal", &oci::Process::terminal, Emit::omit_empty),
        field("consoleSize", &oci::Process::console_size, Emit::omit_empty),
        field("user", &oci::Process::user),
        field("args", &oci::Process::args),
        field("env", &oci::Process::env, Emit::omit_empty),
        field("cwd", &oci::Process::cwd),
        field("capabilities", &oci::Process::capabilities, Emit::omit_empty),
        field("rlimits", &oci::Process::rlimits, Emit::omit_empty),
        field("noNewPrivileges", &oci::Process::no_new_privileges, Emit::omit_empty),
        field("apparmorProfile", &oci::Process::apparmor_profile, Emit::omit_empty),
        field("selinuxLabel", &oci::Process::selinux_label, Emit::omit_empty),
        field("oomScoreAdj", &oci::Process::oom_score_adj, Emit::omit_empty),
        field("scheduler", &oci::Process::scheduler, Emit::omit_empty),
        field("ioPriority", &oci::Process::io_priority, Emit::omit_empty),
        field("execCPUAffinity", &oci::Process::exec_cpu_affinity, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::Root> {
    static constexpr auto list = std::tuple{
        field("path", &oci::Root::path),
        field("readonly", &oci::Root::readonly, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::IdMapping> {
    static constexpr auto list = std::tuple{
        field("containerID", &oci::IdMapping::container_id),
        field("hostID", &oci::IdMapping::host_id),
        field("size", &oci::IdMapping::size),
    };
};

template <>
struct Fields<oci::Mount> {
    static constexpr auto list = std::tuple{
        field("destination", &oci::Mount::destination),
        field("type", &oci::Mount::type, Emit::omit_empty),
        field("source", &oci::Mount::source, Emit::omit_empty),
        field("options", &oci::Mount::options, Emit::omit_empty),
        field("uidMappings", &oci::Mount::uid_mappings, Emit::omit_empty),
        field("gidMappings", &oci::Mount::gid_mappings, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::Hook> {
    static constexpr auto list = std::tuple{
        field("path", &oci::Hook::path),
        field("args", &oci::Hook::args, Emit::omit_empty),
        field("env", &oci::Hook::env, Emit::omit_empty),
        field("timeout", &oci::Hook::timeout, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::Hooks> {
    static constexpr auto list = std::tuple{
        field("prestart", &oci::Hooks::prestart, Emit::omit_empty),
        field("createRuntime", &oci::Hooks::create_runtime, Emit::omit_empty),
        field("createContainer", &oci::Hooks::create_container, Emit::omit_empty),
        field("startContainer", &oci::Hooks::start_container, Emit::omit_empty),
        field("poststart", &oci::Hooks::poststart, Emit::omit_empty),
        field("poststop", &oci::Hooks::poststop, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::Namespace> {
    static constexpr auto list = std::tuple{
        field("type", &oci::Namespace::type),
        field("path", &oci::Namespace::path, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::Device> {
    static constexpr auto list = std::tuple{
        field("path", &oci::Device::path),
        field("type", &oci::Device::type),
        field("major", &oci::Device::major, Emit::omit_empty),
        field("minor", &oci::Device::minor, Emit::omit_empty),
        field("fileMode", &oci::Device::file_mode, Emit::omit_empty),
        field("uid", &oci::Device::uid, Emit::omit_empty),
        field("gid", &oci::Device::gid, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::DeviceRule> {
    static constexpr auto list = std::tuple{
        field("allow", &oci::DeviceRule::allow),
        field("type", &oci::DeviceRule::type, Emit::omit_empty),
        field("major", &oci::DeviceRule::major, Emit::omit_empty),
        field("minor", &oci::DeviceRule::minor, Emit::omit_empty),
        field("access", &oci::DeviceRule::access, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::MemoryLimits> {
    static constexpr auto list = std::tuple{
        field("limit", &oci::MemoryLimits::limit, Emit::omit_empty),
        field("reservation", &oci::MemoryLimits::reservation, Emit::omit_empty),
        field("swap", &oci::MemoryLimits::swap, Emit::omit_empty),
        field("kernel", &oci::MemoryLimits::kernel, Emit::omit_empty),
        field("kernelTCP", &oci::MemoryLimits::kernel_tcp, Emit::omit_empty),
        field("swappiness", &oci::MemoryLimits::swappiness, Emit::omit_empty),
        field("disableOOMKiller", &oci::MemoryLimits::disable_oom_killer, Emit::omit_empty),
        field("useHierarchy", &oci::MemoryLimits::use_hierarchy, Emit::omit_empty),
        field("checkBeforeUpdate", &oci::MemoryLimits::check_before_update, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::CpuLimits> {
    static constexpr auto list = std::tuple{
        field("shares", &oci::CpuLimits::shares, Emit::omit_empty),
        field("quota", &oci::CpuLimits::quota, Emit::omit_empty),
        field("burst", &oci::CpuLimits::burst, Emit::omit_empty),
        field("period", &oci::CpuLimits::period, Emit::omit_empty),
        field("realtimeRuntime", &oci::CpuLimits::realtime_runtime, Emit::omit_empty),
        field("realtimePeriod", &oci::CpuLimits::realtime_period, Emit::omit_empty),
        field("cpus", &oci::CpuLimits::cpus, Emit::omit_empty),
        field("mems", &oci::CpuLimits::mems, Emit::omit_empty),
        field("idle", &oci::CpuLimits::idle, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::WeightDevice> {
    static constexpr auto list = std::tuple{
        field("major", &oci::WeightDevice::major),
        field("minor", &oci::WeightDevice::minor),
        field("weight", &oci::WeightDevice::weight, Emit::omit_empty),
        field("leafWeight", &oci::WeightDevice::leaf_weight, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::ThrottleDevice> {
    static constexpr auto list = std::tuple{
        field("major", &oci::ThrottleDevice::major),
        field("minor", &oci::ThrottleDevice::minor),
        field("rate", &oci::ThrottleDevice::rate),
    };
};

template <>
struct Fields<oci::BlockIoLimits> {
    static constexpr auto list = std::tuple{
        field("weight", &oci::BlockIoLimits::weight, Emit::omit_empty),
        field("leafWeight", &oci::BlockIoLimits::leaf_weight, Emit::omit_empty),
        field("weightDevice", &oci::BlockIoLimits::weight_device, Emit::omit_empty),
        field("throttleReadBpsDevice", &oci::BlockIoLimits::throttle_read_bps, Emit::omit_empty),
        field("throttleWriteBpsDevice", &oci::BlockIoLimits::throttle_write_bps, Emit::omit_empty),
        field("throttleReadIOPSDevice", &oci::BlockIoLimits::throttle_read_iops, Emit::omit_empty),
        field("throttleWriteIOPSDevice", &oci::BlockIoLimits::throttle_write_iops, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::HugepageLimit> {
    static constexpr auto list = std::tuple{
        field("pageSize", &oci::HugepageLimit::page_size),
        field("limit", &oci::HugepageLimit::limit),
    };
};

template <>
struct Fields<oci::InterfacePriority> {
    static constexpr auto list = std::tuple{
        field("name", &oci::InterfacePriority::name),
        field("priority", &oci::InterfacePriority::priority),
    };
};

template <>
struct Fields<oci::NetworkLimits> {
    static constexpr auto list = std::tuple{
        field("classID", &oci::NetworkLimits::class_id, Emit::omit_empty),
        field("priorities", &oci::NetworkLimits::priorities, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::RdmaLimit> {
    static constexpr auto list = std::tuple{
        field("hcaHandles", &oci::RdmaLimit::hca_handles, Emit::omit_empty),
        field("hcaObjects", &oci::RdmaLimit::hca_objects, Emit::omit_empty),
    };
};

// {"limit": n}, one number in the model.
struct PidsLimit {
    std::optional<int64_t> limit;
};
template <>
struct Fields<PidsLimit> {
    static constexpr auto list = std::tuple{field("limit", &PidsLimit::limit)};
};

template <>
struct Fields<oci::Resources> { // pids: in Codec
    static constexpr auto list = std::tuple{
        field("devices", &oci::Resources::devices, Emit::omit_empty),
        field("memory", &oci::Resources::memory, Emit::omit_empty),
        field("cpu", &oci::Resources::cpu, Emit::omit_empty),
        field("blockIO", &oci::Resources::block_io, Emit::omit_empty),
        field("hugepageLimits", &oci::Resources::hugepage_limits, Emit::omit_empty),
        field("network", &oci::Resources::network, Emit::omit_empty),
        field("rdma", &oci::Resources::rdma, Emit::omit_empty),
        field("unified", &oci::Resources::unified, Emit::omit_empty),
    };
};

template <>
struct Codec<oci::Resources> {
    static Value encode(const oci::Resources& r) {
        Object object;
        encode_into(r, object);
        if (r.pids_limit) object["pids"] = Object{{"limit", *r.pids_limit}};
        return object;
    }
    static Result<oci::Resources> decode(const Value& v) {
        if (!v.is_object()) return detail::mismatch(v, "object");
        oci::Resources r;
        TRY(detail::decode_members(v.get_object(), r));
        if (const Value* pids = detail::find(v.get_object(), "pids"); pids && !pids->is_null()) {
            auto limit = json::decode<PidsLimit>(*pids);
            if (!limit.ok()) return std::move(limit).error().context("pids");
            r.pids_limit = limit->limit;
        }
        return r;
    }
};

template <>
struct Fields<oci::SeccompArg> {
    static constexpr auto list = std::tuple{
        field("index", &oci::SeccompArg::index),
        field("value", &oci::SeccompArg::value),
        field("valueTwo", &oci::SeccompArg::value_two, Emit::omit_empty),
        field("op", &oci::SeccompArg::op),
    };
};

template <>
struct Fields<oci::SeccompSyscall> {
    static constexpr auto list = std::tuple{
        field("names", &oci::SeccompSyscall::names),
        field("action", &oci::SeccompSyscall::action),
        field("errnoRet", &oci::SeccompSyscall::errno_ret, Emit::omit_empty),
        field("args", &oci::SeccompSyscall::args, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::Seccomp> {
    static constexpr auto list = std::tuple{
        field("defaultAction", &oci::Seccomp::default_action),
        field("defaultErrnoRet", &oci::Seccomp::default_errno_ret, Emit::omit_empty),
        field("architectures", &oci::Seccomp::architectures, Emit::omit_empty),
        field("flags", &oci::Seccomp::flags, Emit::omit_empty),
        field("listenerPath", &oci::Seccomp::listener_path, Emit::omit_empty),
        field("listenerMetadata", &oci::Seccomp::listener_metadata, Emit::omit_empty),
        field("syscalls", &oci::Seccomp::syscalls, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::TimeOffset> {
    static constexpr auto list = std::tuple{
        field("secs", &oci::TimeOffset::seconds),
        field("nanosecs", &oci::TimeOffset::nanoseconds),
    };
};

template <>
struct Fields<oci::NetDevice> {
    static constexpr auto list = std::tuple{field("name", &oci::NetDevice::name, Emit::omit_empty)};
};

template <>
struct Fields<oci::IntelRdt> {
    static constexpr auto list = std::tuple{
        field("closID", &oci::IntelRdt::clos_id, Emit::omit_empty),
        field("l3CacheSchema", &oci::IntelRdt::l3_cache_schema, Emit::omit_empty),
        field("memBwSchema", &oci::IntelRdt::mem_bw_schema, Emit::omit_empty),
        field("schemata", &oci::IntelRdt::schemata, Emit::omit_empty),
        field("enableMonitoring", &oci::IntelRdt::enable_monitoring, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::MemoryPolicy> {
    static constexpr auto list = std::tuple{
        field("mode", &oci::MemoryPolicy::mode),
        field("nodes", &oci::MemoryPolicy::nodes, Emit::omit_empty),
        field("flags", &oci::MemoryPolicy::flags, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::Personality> {
    static constexpr auto list = std::tuple{
        field("domain", &oci::Personality::domain),
        field("flags", &oci::Personality::flags, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::Linux> {
    static constexpr auto list = std::tuple{
        field("uidMappings", &oci::Linux::uid_mappings, Emit::omit_empty),
        field("gidMappings", &oci::Linux::gid_mappings, Emit::omit_empty),
        field("sysctl", &oci::Linux::sysctl, Emit::omit_empty),
        field("resources", &oci::Linux::resources, Emit::omit_empty),
        field("cgroupsPath", &oci::Linux::cgroups_path, Emit::omit_empty),
        field("namespaces", &oci::Linux::namespaces, Emit::omit_empty),
        field("devices", &oci::Linux::devices, Emit::omit_empty),
        field("seccomp", &oci::Linux::seccomp, Emit::omit_empty),
        field("rootfsPropagation", &oci::Linux::rootfs_propagation, Emit::omit_empty),
        field("maskedPaths", &oci::Linux::masked_paths, Emit::omit_empty),
        field("readonlyPaths", &oci::Linux::readonly_paths, Emit::omit_empty),
        field("mountLabel", &oci::Linux::mount_label, Emit::omit_empty),
        field("timeOffsets", &oci::Linux::time_offsets, Emit::omit_empty),
        field("netDevices", &oci::Linux::net_devices, Emit::omit_empty),
        field("intelRdt", &oci::Linux::intel_rdt, Emit::omit_empty),
        field("memoryPolicy", &oci::Linux::memory_policy, Emit::omit_empty),
        field("personality", &oci::Linux::personality, Emit::omit_empty),
    };
};

template <>
struct Fields<oci::Spec> {
    static constexpr auto list = std::tuple{
        field("ociVersion", &oci::Spec::oci_version),
        field("process", &oci::Spec::process, Emit::omit_empty),
        field("root", &oci::Spec::root, Emit::omit_empty),
        field("hostname", &oci::Spec::hostname, Emit::omit_empty),
        field("domainname", &oci::Spec::domainname, Emit::omit_empty),
        field("mounts", &oci::Spec::mounts, Emit::omit_empty),
        field("hooks", &oci::Spec::hooks, Emit::omit_empty),
        field("annotations", &oci::Spec::annotations, Emit::omit_empty),
        field("linux", &oci::Spec::linux_, Emit::omit_empty),
    };
};

} // namespace hull::json

namespace hull::model::oci {

namespace {

constexpr json::Limits limits{.max_depth = 64, .max_bytes = size_t{4} << 20};

Result<json::Value> parse(std::string_view text) {
    json::Value value = TRY(json::parse(text, limits));
    if (!value.is_object()) return json::detail::mismatch(value, "object");
    return value;
}

} // namespace

Result<Spec> parse_spec(std::string_view text) { return json::decode<Spec>(TRY(parse(text))); }

Result<Process> parse_process(std::string_view text) { return json::decode<Process>(TRY(parse(text))); }

Result<Resources> parse_resources(std::string_view text) { return json::decode<Resources>(TRY(parse(text))); }

Result<Seccomp> parse_seccomp(std::string_view text) { return json::decode<Seccomp>(TRY(parse(text))); }

std::string print_spec(const Spec& spec) { return json::print(json::encode(spec)); }

std::string print_resources(const Resources& resources) { return json::print(json::encode(resources)); }

} // namespace hull::model::oci
