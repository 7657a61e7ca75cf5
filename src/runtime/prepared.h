// What the host side makes and the inside uses: init is a fork of the
// intermediate, so it finds all of this in its own memory and descriptors.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "runtime/launch.h"
#include "runtime/plan.h"
#include "runtime/report_writer.h"
#include "runtime/rootfs.h"

namespace hull::runtime {

struct PreparedMount {
    UniqueFd tree; // detached; invalid: to be made inside
    bool is_folder = true;
    // To be attached in it, in this order.
    std::vector<kernel::BindTree::Part> parts = {};
};

struct BoundDevice {
    std::string path; // inside the container
    UniqueFd tree;    // a copy of the mount of the host's node
};

struct JoinedNamespace {
    UniqueFd fd;
    uint64_t clone_flag = 0;
};

struct Launching {
    const Plan& plan;
    std::span<const BorrowedFd> fds;
    LaunchFds stdio;
    ReportWriter& report;

    // Host side -> inside.
    UniqueFd user_ns = {}; // of the container; invalid: the host's
    std::vector<JoinedNamespace> joined = {};
    uint64_t fresh = 0;         // CLONE_NEW* for init
    UniqueFd cgroup = {};       // v2
    UniqueFd host_proc = {};    // the launcher's procfs; only when labels are written
    UniqueFd time_offsets = {}; // /proc/self/timens_offsets; only when they are written
    std::vector<kernel::cgroup::LateWrite> late_limits = {};
    Rootfs rootfs = {};
    std::vector<PreparedMount> mounts = {}; // as plan.mounts
    // A tmpfs with those of the plan's device nodes that don't go into a /dev
    // of our own making, named by their index.
    UniqueFd device_shelf = {};
    std::vector<BoundDevice> bound_devices = {}; // without the host's privileges: instead
    bool devices_in_dev = false;                 // a mount of Kind::dev holds the nodes of /dev

    // Inside only.
    UniqueFd root = {};          // the container's
    UniqueFd proc = {};          // a procfs of the container, detached
    std::string hook_state = {}; // without status and pid
    bool root_is_placed = false; // attached, with all mounts, where the hooks look for it
};

} // namespace hull::runtime
