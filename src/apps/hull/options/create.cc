#include "apps/hull/options/create.h"

#include <algorithm>

#include "apps/hull/options/mounts.h"
#include "apps/hull/options/values.h"
#include "model/image.h"
#include "sys/terminal_mode.h"

namespace hull::cli {

namespace {

template <class T>
Result<void> parse_each(const std::vector<std::string>& texts, std::vector<T>& out,
                        Result<T> (*parse)(std::string_view)) {
    for (const std::string& text : texts) out.push_back(TRY(parse(text)));
    return {};
}

void read_pairs(const std::vector<std::string>& texts, std::map<std::string, std::string>& out) {
    for (const std::string& text : texts) out.insert_or_assign(split_pair(text).first, split_pair(text).second);
}

Result<void> refuse_foreign(const Flags& flags) {
    for (const char* name : {"cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"})
        if (flags.given(name))
            return Error(ErrorKind::unsupported,
                         std::string("\"--") + name +
                             "\" is only supported on a Docker daemon running on windows, but the "
                             "Docker daemon is running on linux");
    if (flags.on("use-api-socket"))
        return Error(ErrorKind::unsupported,
                     "--use-api-socket is not supported by hull yet; mount the socket with -v, e.g. -v "
                     "/run/hull/hull.sock:/var/run/docker.sock");
    if (flags.given("kernel-memory"))
        return Error(ErrorKind::unsupported, "--kernel-memory is not supported: kernels since 5.4 have no such limit");
    return {};
}

Result<void> read_healthcheck(const Flags& flags, model::ContainerConfig& config) {
    bool any = false;
    for (const char* name : {"health-cmd", "health-interval", "health-retries", "health-timeout", "health-start-period",
                             "health-start-interval"})
        any |= flags.given(name);
    if (flags.on("no-healthcheck")) {
        if (any) return invalid("--no-healthcheck conflicts with --health-* options");
        config.healthcheck = model::Healthcheck{{"NONE"}, 0, 0, 0, 0, 0};
        return {};
    }
    if (!any) return {};
    model::Healthcheck check;
    if (flags.given("health-cmd") && !flags.text("health-cmd").empty())
        check.test = {"CMD-SHELL", flags.text("health-cmd")};
    struct {
        const char* name;
        int64_t& value;
    } times[] = {{"health-interval", check.interval},
                 {"health-timeout", check.timeout},
                 {"health-start-period", check.start_period},
                 {"health-start-interval", check.start_interval}};
    for (auto& time : times) {
        time.value = flags.number(time.name);
        if (time.value < 0) return invalid("--" + std::string(time.name) + " cannot be negative");
    }
    check.retries = static_cast<int>(flags.number("health-retries"));
    if (check.retries < 0) return invalid("--health-retries cannot be negative");
    config.healthcheck = std::move(check);
    return {};
}

Result<void> read_config(const Flags& flags, model::ContainerConfig& config,
                         const std::vector<std::pair<std::string, std::string>>& proxy) {
    config.hostname = flags.text("hostname");
    config.domainname = flags.text("domainname");
    config.user = flags.text("user");
    config.tty = flags.on("tty");
    config.open_stdin = flags.on("interactive");
    config.working_dir = flags.text("workdir");
    config.env = TRY(read_environment(flags.list("env-file"), flags.list("env")));
    for (const auto& [name, value] : proxy) {
        auto chosen = [&, prefix = name + "="](const std::string& line) { return line.starts_with(prefix); };
        if (std::ranges::none_of(config.env, chosen)) config.env.push_back(name + "=" + value);
    }
    config.labels = TRY(read_labels(flags.list("label-file"), flags.list("label")));
    config.mac_address = flags.text("mac-address");
    config.stop_signal = flags.text("stop-signal");
    if (flags.given("stop-timeout")) config.stop_timeout = static_cast<int>(flags.number("stop-timeout"));
    if (flags.given("entrypoint"))
        // --entrypoint "" takes the image's away: the engine reads [""] so.
        config.entrypoint = model::StringList{flags.text("entrypoint")};
    const auto& operands = flags.operands();
    config.image = operands[0];
    bool is_id = config.image.size() == 64 && config.image.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (auto name = model::Reference::parse(config.image); !is_id && !name.ok()) return std::move(name).error();
    if (operands.size() > 1) config.cmd = model::StringList(operands.begin() + 1, operands.end());
    return read_healthcheck(flags, config);
}

Result<void> read_resources(const Flags& flags, model::HostConfig& host) {
    host.cgroup_parent = flags.text("cgroup-parent");
    host.cpu_shares = flags.number("cpu-shares");
    host.cpu_period = flags.number("cpu-period");
    host.cpu_quota = flags.number("cpu-quota");
    host.cpu_realtime_period = flags.number("cpu-rt-period");
    host.cpu_realtime_runtime = flags.number("cpu-rt-runtime");
    host.cpuset_cpus = flags.text("cpuset-cpus");
    host.cpuset_mems = flags.text("cpuset-mems");
    if (flags.given("cpus")) host.nano_cpus = TRY(parse_cpus(flags.text("cpus")));
    host.memory = flags.number("memory");
    host.memory_reservation = flags.number("memory-reservation");
    host.memory_swap = flags.number("memory-swap");
    if (flags.given("memory-swappiness")) {
        int64_t swappiness = flags.number("memory-swappiness");
        if (swappiness != -1 && (swappiness < 0 || swappiness > 100))
            return invalid("invalid value: " + std::to_string(swappiness) + ". Valid memory swappiness range is 0-100");
        host.memory_swappiness = swappiness;
    }
    if (flags.given("oom-kill-disable")) host.oom_kill_disable = flags.on("oom-kill-disable");
    host.oom_score_adj = static_cast<int>(flags.number("oom-score-adj"));
    if (flags.given("pids-limit")) host.pids_limit = flags.number("pids-limit");
    if (flags.number("blkio-weight") > UINT16_MAX) return invalid("blkio-weight is out of range");
    host.blkio_weight = static_cast<uint16_t>(flags.number("blkio-weight"));
    TRY(parse_each(flags.list("blkio-weight-device"), host.blkio_weight_device, parse_weight_device));
    struct {
        const char* name;
        Rate unit;
        std::vector<model::BlkioRateDevice>& out;
    } rates[] = {{"device-read-bps", Rate::bytes, host.blkio_device_read_bps},
                 {"device-write-bps", Rate::bytes, host.blkio_device_write_bps},
                 {"device-read-iops", Rate::operations, host.blkio_device_read_iops},
                 {"device-write-iops", Rate::operations, host.blkio_device_write_iops}};
    for (auto& rate : rates)
        for (const std::string& text : flags.list(rate.name))
            rate.out.push_back(TRY(parse_rate_device(text, rate.unit)));
    TRY(parse_each(flags.list("ulimit"), host.ulimits, parse_ulimit));
    host.shm_size = flags.number("shm-size");
    return {};
}

Result<void> read_devices(const Flags& flags, model::HostConfig& host) {
    model::DeviceRequest cdi;
    for (const std::string& text : flags.list("device")) {
        if (is_cdi_device(text))
            cdi.device_ids.push_back(text);
        else
            host.devices.push_back(TRY(parse_device(text)));
    }
    if (!cdi.device_ids.empty()) {
        cdi.driver = "cdi";
        host.device_requests.push_back(std::move(cdi));
    }
    for (const std::string& text : flags.list("gpus")) host.device_requests.push_back(TRY(parse_gpus(text)));
    host.device_cgroup_rules = flags.list("device-cgroup-rule");
    return {};
}

Result<void> read_mounts(const Flags& flags, model::CreateRequest& request) {
    for (const std::string& text : flags.list("volume")) {
        Volume volume = TRY(parse_volume(text));
        if (volume.bind.empty())
            request.config.volumes.push_back(volume.anonymous);
        else
            request.host_config.binds.push_back(volume.bind);
    }
    TRY(parse_each(flags.list("mount"), request.host_config.mounts, parse_mount));
    for (const std::string& text : flags.list("tmpfs")) request.host_config.tmpfs.insert(TRY(parse_tmpfs(text)));
    request.host_config.volumes_from = flags.list("volumes-from");
    request.host_config.volume_driver = flags.text("volume-driver");
    return {};
}

Result<void> read_security(const Flags& flags, model::HostConfig& host) {
    host.privileged = flags.on("privileged");
    host.readonly_rootfs = flags.on("read-only");
    host.cap_add = flags.list("cap-add");
    host.cap_drop = flags.list("cap-drop");
    host.group_add = flags.list("group-add");
    host.userns_mode = flags.text("userns");
    host.ipc_mode = flags.text("ipc");
    host.pid_mode = flags.text("pid");
    host.uts_mode = flags.text("uts");
    host.cgroupns_mode = flags.text("cgroupns");
    struct {
        const char* flag;
        const std::string& value;
        const char* allowed;
    } modes[] = {{"userns", host.userns_mode, "host"},
                 {"uts", host.uts_mode, "host"},
                 {"cgroupns", host.cgroupns_mode, "host|private"}};
    for (const auto& mode : modes)
        if (!mode.value.empty() && mode.value != "host" &&
            !(mode.value == "private" && std::string_view(mode.flag) == "cgroupns"))
            return invalid(std::string("--") + mode.flag + ": invalid " +
                           (std::string_view(mode.flag) == "userns" ? "USER"
                            : std::string_view(mode.flag) == "uts"  ? "UTS"
                                                                    : "CGROUP") +
                           " mode");
    bool unmask = false;
    host.security_opt = TRY(read_security_options(flags.list("security-opt"), unmask));
    if (unmask) host.masked_paths = host.readonly_paths = model::StringList{};
    return {};
}

Result<void> read_host(const Flags& flags, model::CreateRequest& request) {
    model::HostConfig& host = request.host_config;
    TRY(read_mounts(flags, request));
    for (const std::string& text : flags.list("publish")) TRY(add_port(text, host, request.config));
    for (const std::string& text : flags.list("expose")) TRY(add_exposed(text, request.config));
    host.publish_all_ports = flags.on("publish-all");
    host.container_id_file = flags.text("cidfile");
    host.log_config.type = flags.text("log-driver");
    read_pairs(flags.list("log-opt"), host.log_config.config);
    if (host.log_config.type == "none" && !host.log_config.config.empty())
        return invalid("invalid logging opts for driver none");
    host.restart_policy = TRY(parse_restart(flags.text("restart")));
    host.auto_remove = flags.on("rm");
    if (host.auto_remove && !host.restart_policy.name.empty() && host.restart_policy.name != "no")
        return invalid("conflicting options: cannot specify both --restart and --rm");
    read_pairs(flags.list("annotation"), host.annotations);
    if (flags.given("egress")) host.annotations["hull.egress"] = joined(flags.list("egress"), ',');
    if (flags.given("bandwidth")) host.annotations["hull.bandwidth"] = flags.text("bandwidth");
    read_pairs(flags.list("sysctl"), host.sysctls);
    read_pairs(flags.list("storage-opt"), host.storage_opt);
    host.dns = flags.list("dns");
    host.dns_options = flags.list("dns-option");
    host.dns_search = flags.list("dns-search");
    for (const std::string& text : flags.list("add-host")) host.extra_hosts.push_back(TRY(parse_extra_host(text)));
    host.runtime = flags.text("runtime");
    host.isolation = flags.text("isolation");
    if (flags.given("init")) host.init = flags.on("init");
    TRY(read_resources(flags, host));
    TRY(read_devices(flags, host));
    TRY(read_security(flags, host));
    TRY(read_networks(flags, request));
    std::string_view mode = host.network_mode;
    bool plain =
        mode == "default" || mode == "bridge" || mode == "host" || mode == "none" || mode.starts_with("container:");
    if (plain) host.links = flags.list("link");
    return {};
}

} // namespace

Result<Creation> read_creation(const Flags& flags, const std::vector<std::pair<std::string, std::string>>& proxy) {
    TRY(refuse_foreign(flags));
    Creation out;
    TRY(read_config(flags, out.request.config, proxy));
    TRY(read_host(flags, out.request));
    out.name = flags.text("name");
    out.platform = flags.text("platform");
    out.cidfile = flags.text("cidfile");
    out.pull = flags.text("pull");
    out.quiet = flags.on("quiet");
    if (out.pull != "always" && out.pull != "missing" && out.pull != "never")
        return invalid("invalid pull option: '" + out.pull + "': must be one of \"always\", \"missing\" or \"never\"");
    if (out.request.config.tty)
        if (auto size = sys::terminal_size(BorrowedFd(1)))
            out.request.host_config.console_size = {size->rows, size->columns};
    return out;
}

Result<Attachment> read_attachment(const Flags& flags, bool detach, model::ContainerConfig& config) {
    Attachment out;
    auto chosen = flags.list("attach");
    if (detach && !chosen.empty()) return invalid("conflicting options: cannot specify both --attach and --detach");
    for (std::string name : chosen) {
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
        if (name == "stdin")
            out.in = true;
        else if (name == "stdout")
            out.out = true;
        else if (name == "stderr")
            out.err = true;
        else
            return invalid("invalid argument \"" + name +
                           "\" for \"-a, --attach\" flag: valid streams are STDIN, STDOUT and STDERR");
    }
    if (chosen.empty() && !detach) out = {config.open_stdin, true, true};
    config.attach_stdin = out.in;
    config.attach_stdout = out.out;
    config.attach_stderr = out.err;
    config.stdin_once = config.open_stdin && out.in;
    return out;
}

} // namespace hull::cli
