#include "engine/namespaces.h"

#include "engine/container.h"
#include "engine/container_networks.h"
#include "engine/core.h"
#include "engine/registry.h"
#include "engine/runtimes.h"

namespace hull::engine {
namespace {

struct Donor {
    int pid = 0;
    IdRange ids;
    std::string id;
};

enum class Joining : unsigned char { network, pid, ipc };

// In Docker's words, which are others for each kind.
Error donor_not_running(Joining what, const std::string& id) {
    const std::string text = "container " + id + " is not running";
    switch (what) {
    case Joining::network: return {ErrorKind::conflict, "cannot join network of a non running container: " + id};
    case Joining::ipc: return {ErrorKind::conflict, "can't join IPC of container " + id + ": " + text};
    case Joining::pid: break;
    }
    return {ErrorKind::conflict, text};
}

Result<Donor> running_donor(const Registry& registry, const std::string& name, const Container& self, Joining what) {
    ContainerPtr other = TRY(registry.find(name));
    if (other->id == self.id) return Error(ErrorKind::invalid_argument, "cannot join own namespaces");
    ContainerState state = other->state();
    if (!has_processes(state.status)) return donor_not_running(what, other->id.str());
    if (what == Joining::ipc && other->settings().host_config.ipc_mode != "shareable")
        return Error(ErrorKind::conflict, "can't join IPC of container " + other->id.str() +
                                              ": non-shareable IPC (hint: use IpcMode:shareable for the donor "
                                              "container)");
    return Donor{.pid = state.pid, .ids = {.first = state.id_first, .count = state.id_count}, .id = other->id.str()};
}

// Collects the user namespaces that joining brings along: they must be one.
class UserNamespace {
public:
    Result<void> join(const Donor& donor) {
        if (joined_ && !(ids_ == donor.ids))
            return Error(ErrorKind::conflict, "the containers whose namespaces are to be joined live in different "
                                              "user namespaces");
        joined_ = true;
        ids_ = donor.ids;
        pid_ = donor.pid;
        return {};
    }
    bool joined() const { return joined_; }
    void apply(NamespaceChoice& choice) const {
        if (ids_.empty()) {
            choice.user.share = Share::host;
            return;
        }
        choice.user = {.share = Share::container, .pid = pid_, .container = {}};
        choice.joined_ids = ids_;
    }

private:
    bool joined_ = false;
    IdRange ids_;
    int pid_ = 0;
};

Result<void> resolve(NamespaceChoice::One& one, const std::string& mode, const Registry& registry,
                     const Container& self, UserNamespace& users, Joining what) {
    if (mode == "host") {
        one.share = Share::host;
        return {};
    }
    std::string name = joined_container(mode);
    if (name.empty()) return {};
    Donor donor = TRY(running_donor(registry, name, self, what));
    TRY(users.join(donor));
    one = {.share = Share::container, .pid = donor.pid, .container = donor.id};
    return {};
}

} // namespace

Result<NamespaceChoice> choose_namespaces(const Container& container, const Registry& registry,
                                          const EngineOptions& options) {
    const model::HostConfig& host = container.settings().host_config;
    NamespaceChoice choice;
    UserNamespace users;
    TRY(resolve(choice.net, host.network_mode, registry, container, users, Joining::network));
    TRY(resolve(choice.pid, host.pid_mode, registry, container, users, Joining::pid));
    TRY(resolve(choice.ipc, host.ipc_mode, registry, container, users, Joining::ipc));
    if (host.uts_mode == "host") choice.uts.share = Share::host;
    std::string cgroup = host.cgroupns_mode.empty() ? options.default_cgroupns_mode : host.cgroupns_mode;
    if (cgroup == "host") choice.cgroup.share = Share::host;

    bool host_ids = !options.user_namespaces || host.privileged || host.userns_mode == "host" ||
                    choice.net.share == Share::host || choice.pid.share == Share::host ||
                    choice.ipc.share == Share::host;
    // Id-mapped layers are our own runtime's art.
    auto runtime = find_runtime(options, host.runtime);
    host_ids = host_ids || (runtime.ok() && runtime->has_value());
    if (host_ids)
        choice.user.share = Share::host;
    else if (users.joined())
        users.apply(choice);
    bool no_network = host.network_mode == "none" || container.settings().config.network_disabled;
    // Ready-made links are of the default network; to others it is joined afterwards.
    bool default_bridge = network_name(host.network_mode) == "bridge" &&
                          networks_of(container.settings(), container.state()).contains("bridge");
    choice.network = no_network || !default_bridge ? SandboxNetwork::none : SandboxNetwork::bridge;
    return choice;
}

std::string namespace_path(int pid, const char* kind) { return "/proc/" + std::to_string(pid) + "/ns/" + kind; }

} // namespace hull::engine
