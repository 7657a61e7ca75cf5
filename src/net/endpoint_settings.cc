#include "net/endpoint_settings.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <net/if.h>

#include "sys/file.h"
#include "sys/net_namespace.h"

namespace hull::net {
namespace {

Error bad_setting(std::string text) { return {ErrorKind::invalid_argument, std::move(text)}; }

// A part of a path below /proc/sys, and nothing but one.
bool is_plain_part(const std::string& part) {
    return !part.empty() && std::ranges::all_of(part, [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

// moby, libnetwork/osl/interface_linux.go: the form that it wants.
Result<InterfaceSetting> parse_one(const std::string& text) {
    const size_t equals = text.find('=');
    if (equals == text.npos) return bad_setting("expected sysctl '" + text + "' to have format name=value");
    std::array<std::string, 5> parts;
    size_t count = 0;
    for (size_t at = 0; at <= equals;) {
        const size_t dot = std::min(text.find('.', at), equals);
        if (count < parts.size()) parts[count] = text.substr(at, dot - at);
        ++count;
        at = dot + 1;
    }
    const bool sound =
        count == parts.size() && parts[0] == "net" && parts[3] == "IFNAME" && std::ranges::all_of(parts, is_plain_part);
    if (!sound) return bad_setting("expected sysctl '" + text + "' to have format net.X.Y.IFNAME.Z=value");
    InterfaceSetting out{.family = parts[1], .group = parts[2], .name = parts[4], .value = text.substr(equals + 1)};
    if (out.value.empty() || out.value.find_first_of("\n\0") != std::string::npos)
        return bad_setting("expected sysctl '" + text + "' to have a value of one line");
    return out;
}

} // namespace

Result<std::vector<InterfaceSetting>> parse_interface_settings(const std::string& text) {
    std::vector<InterfaceSetting> out;
    for (size_t at = 0; at <= text.size();) {
        const size_t comma = std::min(text.find(',', at), text.size());
        out.push_back(TRY(parse_one(text.substr(at, comma - at))));
        at = comma + 1;
    }
    return out;
}

Result<void> check_interface_name(const std::string& name) {
    const bool plain = std::ranges::all_of(
        name, [](unsigned char c) { return c > ' ' && c < 127 && c != '/' && c != ':' && c != '%' && c != '.'; });
    if (name.empty() || name.size() >= IFNAMSIZ || !plain || name == "lo" || name == "all" || name == "default")
        return bad_setting("invalid interface name \"" + name + "\": up to 15 letters and digits are wanted");
    return {};
}

Result<void> apply_interface_settings(BorrowedFd net_ns, const std::string& interface,
                                      const std::vector<InterfaceSetting>& settings) {
    if (settings.empty()) return {};
    // /proc/sys/net shows the namespace of the thread that looks.
    const auto inside = TRY(sys::NetNamespaceScope::enter(net_ns));
    for (const InterfaceSetting& one : settings) {
        const std::string key = "net." + one.family + "." + one.group + "." + interface + "." + one.name;
        const auto done = sys::write_existing(
            "/proc/sys/net/" + one.family + "/" + one.group + "/" + interface + "/" + one.name, one.value);
        if (done.ok()) continue;
        if (done.error().code() == ENOENT) return bad_setting("this kernel has no sysctl " + key);
        return bad_setting("sysctl " + key + "=" + one.value + ": " + done.error().message());
    }
    return {};
}

} // namespace hull::net
