// Containers as they lie below --root, one folder each:
//
// Each command that changes one holds a lock on its folder meanwhile. The
// children that it forks inherit the lock, so that what a killed `create` left
// running is over once the lock is free.
//
//   <root>/<id>/state.json   what is known (docs/formats/runtime-state.md)
//               config.json  the bundle's, as it was at `create`
//               plan         runtime::Plan, for `exec`
//               gate         socket that init waits at until `start`
//               creating     empty; there until `create` is done with it
//
// A folder without state.json, or with `creating`, is a `create` under way, or
// what one left that was killed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/cgroup/cgroup.h"
#include "model/oci_spec.h"
#include "runtime/plan.h"
#include "sys/tree.h"

namespace hull::oci_runtime {

// Of containers whose config.json has no cgroupsPath.
constexpr std::string_view default_cgroup_parent = "hull-runtime/";

enum class Status : uint8_t { creating, created, running, paused, stopped };
const char* name_of(Status status);

struct Container {
    std::string id, bundle, rootfs;
    std::string oci_version;
    WallTime created;
    pid_t pid = 0;
    uint64_t start_ticks = 0; // of pid, which may be somebody else's by now
    std::string cgroup_path;
    // With systemd's driver: the unit that holds the container, and the D-Bus
    // address of the systemd that made it.
    std::string systemd_unit, systemd_bus;
    std::map<std::string, std::string> annotations;
    uint32_t owner = 0;    // uid
    bool creating = false; // by the mark in its folder
    // What its standard streams were: "pipe:[123]"; empty with a terminal.
    std::vector<std::string> descriptors;
};

// Errors: "invalid container ID format" and the like, runc's texts.
Result<void> check_id(const std::string& id);

class Store {
public:
    explicit Store(std::string root) : root_(std::move(root)) {}

    std::string folder(const std::string& id) const { return root_ + "/" + id; }
    // The folder of a new container, locked; conflict when there is one. It is
    // being created until finish().
    Result<UniqueFd> reserve(const std::string& id) const;
    Result<void> finish(const std::string& id) const;
    // The lock on the container's folder, until the descriptor is closed. Waits
    // for others up to patience_ms, then: timed_out. not_found: "container does
    // not exist". What was loaded before may be old: load() after it.
    Result<UniqueFd> lock(const std::string& id, sys::Sharing sharing = sys::Sharing::exclusive,
                          int patience_ms = 30'000) const;
    Result<void> save(const Container& container) const;
    // not_found: "container does not exist".
    Result<Container> load(const std::string& id) const;
    Result<model::oci::Spec> load_spec(const std::string& id) const;
    Result<runtime::Plan> load_plan(const std::string& id) const;
    // state.json goes last: killed midway it can be done again.
    Result<void> erase(const std::string& id) const;
    // Those that load(), by name.
    Result<std::vector<Container>> list() const;

private:
    std::string root_;
};

bool is_alive(const Container& container);
Status status_of(const Container& container, const Store& store, const kernel::cgroup::Cgroups& cgroups);

// From the text of a passwd file: the first entry with this uid.
std::optional<std::string> user_name(std::string_view passwd, uint32_t uid);

// The state of the specification (runtime.md), on one line: for hooks. Without
// status and pid when status is empty, for the hooks that the container runs.
std::string hook_state(const Container& container, const char* status);

} // namespace hull::oci_runtime
