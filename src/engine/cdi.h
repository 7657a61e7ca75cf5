// Container Device Interface (github.com/cncf-tags/container-device-interface,
// SPEC.md 0.8): devices of vendors by name ("vendor.com/class=name"), whose
// files in /etc/cdi and /var/run/cdi say what a container needs to use them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/container.h"
#include "model/oci_spec.h"

namespace hull::engine {

class HostPort;

struct CdiNode {
    std::string path, host_path, type, permissions; // host_path empty: path
    std::optional<int64_t> major, minor;
    std::optional<uint32_t> file_mode, uid, gid;
};
struct CdiMount {
    std::string host_path, container_path, type;
    std::vector<std::string> options;
};
struct CdiHook {
    std::string name, path;
    std::vector<std::string> args, env;
    std::optional<int> timeout;
};
struct CdiEdits {
    std::vector<std::string> env;
    std::vector<CdiNode> nodes;
    std::vector<CdiMount> mounts;
    std::vector<CdiHook> hooks;
    std::vector<uint32_t> gids;
    std::string unsupported; // a member that we can't honour
};
struct CdiSpec {            // one file
    std::string file, kind; // kind: "vendor.com/class"
    CdiEdits edits;         // with any of its devices
    std::map<std::string, CdiEdits> devices;
};

// "vendor.com/class=name"
bool is_cdi_name(const std::string& text);
// What DeviceRequests, and Devices of old clients, ask for; GPUs are those of
// nvidia.com/gpu. Errors: invalid_argument in Docker's words.
Result<std::vector<std::string>> cdi_names(const model::HostConfig& host);
// Errors: not_found "CDI device injection failed: unresolvable CDI devices x".
Result<CdiEdits> find_cdi_edits(const std::vector<std::string>& names, const std::vector<CdiSpec>& specs);
enum class Hooks : unsigned char { run, refused };
// Errors: not_found (a device node), unsupported.
Result<void> apply_cdi(const CdiEdits& edits, HostPort& machine, Hooks hooks, model::oci::Spec& spec);

} // namespace hull::engine
