// Limits as properties of a unit (systemd.resource-control(5), and the D-Bus
// names in org.freedesktop.systemd1(5)). Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/cgroup/cgroup.h"
#include "kernel/cgroup/device_rules.h"
#include "kernel/cgroup/plan.h"
#include "kernel/cgroup/systemd/message.h"

namespace hull::kernel::cgroup::systemd {

using NamedValues = std::map<std::string, Value>;

// What systemd has a name for among these writes of v1 or v2; the others stay
// with the files, as systemd leaves alone what it wasn't told. A quota becomes
// a time per second, rounded up to the 10 ms that systemd stores.
NamedValues limit_properties(std::span<const Write> writes);

// DevicePolicy and DeviceAllow of normalised rules. Empty when systemd has no
// words for them (all allowed but ..., or a minor number of any major).
NamedValues device_properties(const std::vector<DeviceMatch>& rules);

// Annotations "org.systemd.property.<Name>", values in GVariant's text form: a
// boolean, a number (with a type before it: "uint64 5"; without, int32), a text
// in quotes, a list of texts. A name that ends in Sec is given in seconds and
// becomes one in USec. Errors: invalid_argument naming the annotation.
Result<NamedValues> annotation_properties(const std::map<std::string, std::string>& annotations);

// "0-2,7" -> bits, lowest byte first; empty for what is no such list.
std::string bits_of_list(std::string_view list);

// Everything of a container's scope but its processes. Annotations win over
// limits, those over the rest. Elements of an a(sv).
std::string scope_properties(Version version, std::string_view slice, std::string_view description,
                             const NamedValues& limits, const NamedValues& annotations);
std::string to_elements(const NamedValues& properties);

} // namespace hull::kernel::cgroup::systemd
