// From what the engine asks for to what the keeper launches: specs compiled to
// plans, with seccomp profiles compiled once and kept, on disk too, so that a
// later hulld can give the same filter to an exec. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cgroup_driver.h"
#include "engine/runtime_port.h"
#include "kernel/cgroup/cgroup.h"
#include "kernel/seccomp/seccomp.h"
#include "runtime/keeper/protocol.h"
#include "runtime/plan.h"

namespace hull {

// What hulld must know of a running container besides the keeper's record; it
// travels as TaskRecord::note.
struct ContainerNote {
    std::string cgroup; // path below each hierarchy
    bool memory_limited = false;
    bool own_network = false;
    std::vector<runtime::IdRange> uid_map, gid_map;
    std::string seccomp; // name of the filter's file; empty: no filter
};
std::string to_text(const ContainerNote& note);
Result<ContainerNote> note_of(const std::string& note, const std::string& container);

struct MadePlan {
    runtime::Plan plan;
    std::vector<BorrowedFd> fds; // of the request's sandbox
    ContainerNote note;
};

class PlanMaker {
public:
    PlanMaker(const std::string& exec_root, const kernel::cgroup::Cgroups& cgroups, const CgroupDriver& driver)
        : folder_(exec_root + "/seccomp"), cgroups_(cgroups), driver_(driver) {}

    Result<MadePlan> make(const engine::LaunchRequest& request);
    Result<runtime::ExecPlan> make_exec(const model::oci::Process& process, const ContainerId& container,
                                        const ContainerNote& note);

private:
    struct Profile {
        kernel::seccomp::Filter filter;
        std::string name; // of its file
    };
    Result<std::shared_ptr<const Profile>> profile(const model::oci::Seccomp& seccomp);
    Result<std::shared_ptr<const Profile>> load_profile(const std::string& name);
    Result<void> save_listener(const std::string& name, const kernel::seccomp::Filter& filter) const;
    Result<void> load_listener(const std::string& name, kernel::seccomp::Filter& filter) const;

    std::string folder_;
    const kernel::cgroup::Cgroups& cgroups_;
    const CgroupDriver& driver_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const Profile>> by_key_; // sha256 of cache_key()
};

} // namespace hull
