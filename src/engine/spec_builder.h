// From a container's settings to the OCI spec that it is launched with.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/host_port.h"
#include "engine/namespaces.h"
#include "model/container_record.h"
#include "model/oci_spec.h"

namespace hull::engine {

// The files of a container that say who it is, on the host.
struct NetFiles {
    std::string hostname, hosts, resolv_conf;
};

struct SpecInput {
    const model::ContainerSettings& settings;
    const EngineOptions& options;
    HostPort& host;
    const NamespaceChoice& namespaces;
    IdRange ids;                            // of its user namespace; empty: the host's
    NetFiles net_files;                     // empty members: not mounted
    std::string init;                       // on the host, for --init
    std::vector<std::string> link_env = {}; // what --link adds to the environment
    // Of volumes with a subpath, by destination; null: none.
    const std::map<std::string, UniqueFd>* subpaths = nullptr;
    // Where the mounts of images are, by destination: all of them; null: settings has none.
    const std::map<std::string, std::vector<std::string>>* image_mounts = nullptr;
};

// Errors: invalid_argument, not_found (a device), unsupported.
Result<model::oci::Spec> build_spec(const SpecInput& input);

// The process of an exec: container's settings with an exec's changes.
struct ExecInput {
    std::vector<std::string> args, env, link_env = {};
    std::string user, working_dir;
    bool tty = false, privileged = false;
    std::vector<uint32_t> console_size;
};
Result<model::oci::Process> build_exec_process(const model::ContainerSettings& settings, const EngineOptions& options,
                                               const ExecInput& input);

// The cgroup above a container's own: "/hull", without a slash at its end.
std::string cgroup_parent(const model::HostConfig& host, const EngineOptions& options);

// ---- parts, each in a file of its own --------------------------------------

// spec_process.cc
Result<model::oci::Process> build_process(const SpecInput& input);
std::vector<std::string> merge_environment(std::vector<std::string> base, const std::vector<std::string>& changes);
// What SecurityOpt says. Errors: invalid_argument, in Docker's words.
struct SecurityOptions {
    bool no_new_privileges = false;
    std::string seccomp;  // "": the default
    std::string apparmor; // a profile's name; empty: unconfined
    std::string selinux_label;
    bool unmask_all = false; // systempaths=unconfined
};
Result<SecurityOptions> parse_security_options(const model::HostConfig& host, const EngineOptions& options);

// spec_mounts.cc
Result<std::vector<model::oci::Mount>> build_mounts(const SpecInput& input);

// spec_resources.cc
Result<model::oci::Resources> build_resources(const SpecInput& input);
// Nodes of --device and --privileged, with the rules that open them.
Result<void> add_devices(const SpecInput& input, model::oci::Linux& out);

} // namespace hull::engine
