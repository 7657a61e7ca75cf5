// Device rules of the OCI specification, made exact.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/cgroup/plan.h"
#include "model/oci_spec.h"

namespace hull::kernel::cgroup {

enum Access : uint8_t { access_mknod = 1, access_read = 2, access_write = 4, access_all = 7 }; // BPF_DEVCG_ACC_*

// What remains of a rule: type a means all of everything, else c or b.
struct DeviceMatch {
    bool allow = false;
    char type = 'a';
    int64_t major = -1, minor = -1; // -1: all
    uint8_t access = access_all;
    bool operator==(const DeviceMatch&) const = default;
};

// The rules in order, the last one that matches an access (read, write, mknod
// each by itself) decides; begins with "deny all", ends with what every
// container may use. Empty for no rules. Errors: invalid_argument.
Result<std::vector<DeviceMatch>> normalise(const std::vector<model::oci::DeviceRule>& rules);

// The rules as a list of what alone is allowed; nullopt when they can't be said
// that way.
std::optional<std::vector<DeviceMatch>> allowed_only(const std::vector<DeviceMatch>& rules);

// v1: writes to devices.deny and devices.allow with the same meaning. Error
// unsupported for a rule inside of a wider one that says the opposite, which
// v1 can't hold.
Result<std::vector<Write>> device_writes(const std::vector<DeviceMatch>& rules);

// v2: a program of type BPF_PROG_TYPE_CGROUP_DEVICE with the same meaning, as
// bytes of struct bpf_insn[].
std::string device_program(const std::vector<DeviceMatch>& rules);

} // namespace hull::kernel::cgroup
