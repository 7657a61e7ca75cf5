#include "apps/hulld/choices.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace hull {

namespace {

Result<void> one_of(const Values& values, std::string_view name, std::initializer_list<std::string_view> allowed,
                    std::string_view hint = "") {
    if (!values.has(name)) return {};
    std::string value = values.text(name);
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return {};
    std::string text = "--" + std::string(name) + " \"" + value + "\": this version of Hull takes";
    for (std::string_view one : allowed)
        text.append(one == *allowed.begin() ? " \"" : " or \"").append(one).append("\"");
    if (!hint.empty()) text.append("; ").append(hint);
    return unsupported(std::move(text));
}

struct Refused {
    std::string_view name, why;
};

constexpr std::string_view no_containerd = "there is no containerd behind this engine; take the option out";
constexpr std::string_view no_swarm = "this engine has no swarm mode; take the option out";

// A false, an empty or absent one is fine.
constexpr auto refused = std::to_array<Refused>({
    {"allow-direct-routing", "containers are reached from elsewhere by published ports only"},
    {"authorization-plugin", "this engine has no plugins; who may use the socket is said by its group and by TLS"},
    {"bridge-accept-fwmark", "marks of the firewall are not looked at"},
    {"containerd", no_containerd},
    {"containerd-namespace", no_containerd},
    {"containerd-plugins-namespace", no_containerd},
    {"cpu-rt-period", "set it in the cgroup that --cgroup-parent names"},
    {"cpu-rt-runtime", "set it in the cgroup that --cgroup-parent names"},
    {"cri-containerd", no_containerd},
    {"network-control-plane-mtu", no_swarm},
    {"node-generic-resource", no_swarm},
    {"rootless", "hulld runs as root; containers have ids of their own in any case"},
    {"selinux-enabled", "labels of SELinux are not set"},
    {"swarm-default-advertise-addr", no_swarm},
    {"userland-proxy-path", "there is no proxy process; take the option out"},
});

Result<void> check_refused(const Values& values) {
    for (const Refused& one : refused) {
        const std::vector<std::string> given = values.list(one.name);
        const bool harmless = std::ranges::all_of(given, [](const std::string& text) {
            return text.empty() || text == "false" || text == "0" || text == "f" || text == "F" || text == "False" ||
                   text == "FALSE";
        });
        if (!harmless) return unsupported("--" + std::string(one.name) + " is not supported: " + std::string(one.why));
    }
    return {};
}

// Those of dockerd. What they turn on is always there, or never.
Result<void> check_features(const Values& values) {
    for (const std::string& text : values.list("feature")) {
        const size_t equals = text.find('=');
        const std::string name = text.substr(0, equals), value = equals == text.npos ? "true" : text.substr(equals + 1);
        if (value != "true" && value != "false")
            return invalid("invalid argument \"" + text + "\" for \"--feature\" flag: true or false is wanted");
        const bool known = name == "buildkit" || name == "cdi" || name == "containerd-snapshotter" ||
                           name == "time-namespaces" || name == "containerd-migration";
        if (!known)
            return unsupported(
                "--feature " + name +
                " is not known; buildkit, cdi and containerd-snapshotter are (the image store keeps what "
                "a registry sent in either way)");
    }
    return {};
}

} // namespace

Result<void> check_choices(const Values& values) {
    TRY(one_of(values, "storage-driver", {"overlay2", "overlay", "overlayfs"}));
    TRY(one_of(values, "log-driver", {"json-file", "local", "none", "journald", "syslog", "fluentd"}));
    TRY(one_of(values, "default-cgroupns-mode", {"private", "host"}));
    TRY(one_of(values, "default-ipc-mode", {"private", "shareable"}));
    TRY(one_of(values, "userns-remap", {"default", "host"}, "every container has 65,536 ids of its own by default"));
    TRY(one_of(values, "firewall-backend", {"nftables"}, "iptables' own rules are left alone"));
    TRY(check_refused(values));
    TRY(check_features(values));
    if (!values.flag("live-restore", true))
        return unsupported("--live-restore=false: containers always run on when hulld stops");
    for (const std::string& option : values.list("exec-opt"))
        if (option != "native.cgroupdriver=cgroupfs" && option != "native.cgroupdriver=systemd")
            return unsupported("--exec-opt " + option + ": known are native.cgroupdriver=cgroupfs and =systemd");
    if (values.number("mtu", 1500) < 68 || values.number("mtu", 1500) > 65535)
        return invalid("invalid MTU: " + values.text("mtu"));
    if (values.number("shutdown-timeout", 15) < -1)
        return invalid("invalid shutdown-timeout: " + values.text("shutdown-timeout"));
    return {};
}

} // namespace hull
