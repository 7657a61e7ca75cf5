// Plan: everything that making one container needs, resolved and flat. No
// names are looked up, no defaults are filled in and no JSON is read after
// this point, except what only the container's own files can tell (the user's
// entry in its passwd, the program on its PATH).
//
// Lifecycle: compile() (compile.h) makes it from an OCI Spec -> encode() ->
// socket -> decode() -> launch() (launch.h). A Plan holds values only; the
// descriptors that it needs travel beside it in a list, and the Plan names
// them by their index in that list (FdIndex, no_fd: none).
//
// Glossary. intermediate: the short-lived child of the keeper that does what
// needs the host's privileges. init: process 1 of the container.
// host-side: done by the intermediate; inside: done by init.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/cgroup/plan.h"

namespace hull::runtime {

using FdIndex = int;
constexpr FdIndex no_fd = -1;

// ---- namespaces ----------------------------------------------------------

struct NamespaceUse {
    enum class Mode : uint8_t {
        host,  // the launcher's own
        fresh, // a new one
        join,  // the one of fd, or (no_fd) of path
    };
    Mode mode = Mode::host;
    FdIndex fd = no_fd;
    std::string path; // on the host, e.g. /proc/123/ns/net
};

struct Namespaces {
    // user: with join, the plan's uid_map and gid_map still say its mapping.
    NamespaceUse user, pid, mount, net, ipc, uts, cgroup, time;
};

struct IdRange {
    uint32_t inside = 0, outside = 0, size = 0;
    bool operator==(const IdRange&) const = default;
};

// ---- root and mounts -----------------------------------------------------

// How the container's root becomes "/".
enum class RootChange : uint8_t {
    pivot, // pivot_root(2); nothing of the host's tree is left
    // Over the old root, with chroot(2): where the old root can't be moved away
    // (an initramfs). What was mounted below it is taken off first; its own
    // files stay within reach of a process that may chroot.
    move,
};

struct RootfsPlan {
    // Overlay: lower trees (absolute host paths, topmost first) with upper and
    // work. Without lower: the tree at path.
    std::vector<std::string> lower;
    std::string upper, work;
    std::string path;
    bool readonly = false;
    // Nobody wants what is written once it ends: overlay's "volatile", which
    // spares the end the wait for a sync of upper. work must be fresh.
    bool discarded = false;
    // Enter the trees through mounts that shift ids by the container's map.
    // False for a tree that is owned by the outside ids already.
    bool idmap = false;
    uint64_t propagation = 0; // MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE (with MS_REC); 0 is private
    RootChange change = RootChange::pivot;
};

struct MountPlan {
    enum class Kind : uint8_t {
        filesystem,   // a new instance of fs_type, made inside
        bind,         // source (or source_fd) and, when recursive, what is mounted below it
        dev,          // a tmpfs with the plan's device nodes, made host-side
        cgroup,       // the container's view of its own cgroups (layout of the host)
        remount,      // other attributes for the file system that is mounted at target, and for the mount
        remount_bind, // the same for the mount alone
    };
    enum class IdMap : uint8_t {
        none,
        container, // shift by the container's user namespace; pseudo file systems enter unshifted
        own,       // shift by uid_map and gid_map below
    };
    Kind kind = Kind::filesystem;
    std::string target; // absolute, inside the container
    std::string source; // bind: absolute host path; else the device text shown in mountinfo
    // bind: in place of source, an overlay of these folders (topmost first), which is read-only.
    std::vector<std::string> lower;
    FdIndex source_fd = no_fd;
    std::string fs_type;
    std::string data;          // comma-separated options of the file system
    uint64_t attr_set = 0;     // MOUNT_ATTR_*
    uint64_t attr_clear = 0;   // MOUNT_ATTR_* cleared on a bind
    uint64_t attr_set_rec = 0; // the same on everything below (rro and the like)
    uint64_t attr_clear_rec = 0;
    uint64_t propagation = 0; // MS_* flag, 0: leave (private)
    bool recursive = false;
    bool copy_up = false; // tmpfs: begins with what the image has at target
    // bind of the container's own files (resolv.conf ...) and volumes.
    IdMap idmap = IdMap::none;
    bool idmap_recursive = true;           // also of what is mounted below it
    std::vector<IdRange> uid_map, gid_map; // IdMap::own
};

struct DevicePlan {
    std::string path; // absolute, inside the container
    char type = 'c';  // c b p
    uint32_t major = 0, minor = 0;
    uint32_t mode = 0666;
    uint32_t uid = 0, gid = 0; // inside
};

struct Setting { // of /proc/sys: "net.ipv4.ping_group_range" = "0 65535"
    std::string name, value;
};

// ---- cgroup --------------------------------------------------------------

// Folders, writes and device program, as Cgroups::plan() made them.
using CgroupPlan = kernel::cgroup::Plan;

// ---- process -------------------------------------------------------------

struct RlimitPlan {
    uint32_t resource = 0; // RLIMIT_*
    uint64_t soft = 0, hard = 0;
};

struct CapabilitySets { // bit n is capability n
    uint64_t bounding = 0, effective = 0, permitted = 0, inheritable = 0, ambient = 0;
};

// The session keyring that the program begins with (keyrings(7)).
enum class Keyring : uint8_t {
    fresh,     // one of its own
    inherited, // the launcher's
};

// sched_setattr(2)
struct SchedulerPlan {
    uint32_t policy = 0; // SCHED_*
    uint64_t flags = 0;  // SCHED_FLAG_*
    int32_t nice = 0;
    uint32_t priority = 0;
    uint64_t runtime = 0, deadline = 0, period = 0; // ns
};

// set_mempolicy(2)
struct MemoryPolicyPlan {
    uint32_t mode = 0;           // MPOL_* and MPOL_F_*
    std::vector<uint64_t> nodes; // bit n % 64 of element n / 64 is node n
};

// One program to run: the container's first, or one of an exec.
struct ProcessPlan {
    std::vector<std::string> args; // at least one
    std::vector<std::string> env;  // "NAME=value"; HOME is added from passwd when it isn't there
    std::string cwd = "/";         // absolute; made (0755) when it isn't there
    // "name", "uid", "name:group", "uid:gid" ..., looked up in the container's
    // own passwd and group; empty: uid, gid and additional_gids as they are.
    std::string user;
    uint32_t uid = 0, gid = 0;
    std::vector<uint32_t> additional_gids;
    std::vector<std::string> additional_groups; // names or numbers, looked up inside (--group-add)
    std::optional<uint32_t> umask;
    CapabilitySets caps;
    std::vector<RlimitPlan> rlimits;
    std::string seccomp; // struct sock_filter[] as bytes; empty: no filter
    uint32_t seccomp_flags = 0;
    // With SECCOMP_FILTER_FLAG_NEW_LISTENER in the flags: the socket of the
    // agent, a host path, and what it is told. For who follows the start.
    std::string seccomp_listener, seccomp_metadata;
    bool no_new_privileges = false;
    bool terminal = false;
    uint16_t rows = 0, columns = 0; // of the terminal; 0: unset
    std::optional<int> oom_score_adj;
    Keyring keyring = Keyring::fresh;
    std::optional<SchedulerPlan> scheduler;
    std::optional<uint16_t> io_priority; // ioprio_set(2)
    std::optional<MemoryPolicyPlan> memory_policy;
    std::optional<uint32_t> personality;         // personality(2)
    std::string apparmor_profile, selinux_label; // from the next exec on; empty: as the launcher
};

struct HookPlan {
    std::string path;
    std::vector<std::string> args, env;
    int timeout_seconds = 0; // 0: none
};

// What init waits for before it execs the program.
enum class Gate : uint8_t {
    none,
    // accept(2) on the descriptor given as LaunchFds::gate: `hull-runtime
    // start` connects, and from then on the report goes over that connection.
    socket,
};

struct Plan {
    std::string id; // in messages only
    Namespaces ns;
    std::vector<IdRange> uid_map, gid_map; // empty: the host's user namespace
    std::string hostname, domainname;      // set only in a fresh uts namespace
    RootfsPlan rootfs;
    std::vector<MountPlan> mounts; // in order
    std::vector<DevicePlan> devices;
    bool default_dev_links = true; // /dev/fd, /dev/stdin, ..., /dev/ptmx
    std::vector<std::string> masked_paths, readonly_paths;
    std::string mount_label; // SELinux context of the file systems made for the container; empty: none
    std::vector<Setting> sysctls;
    // Of a processor whose programs the container has; needs a user namespace of its own.
    struct Emulator {
        std::string architecture, program; // Go's word for it; a host path
    };
    std::optional<Emulator> emulator;
    std::string time_offsets; // for /proc/self/timens_offsets; only with a fresh time namespace
    CgroupPlan cgroup;
    ProcessPlan process;
    Gate gate = Gate::none;
    // init reports LaunchEvent::Kind::at_hooks before it leaves the host's
    // tree and waits for PendingLaunch::resume(): the place where the caller
    // runs the hooks prestart and createRuntime, and gives the container what
    // only the host can (network devices, a class of service).
    bool stop_for_hooks = false;
    std::vector<HookPlan> create_container_hooks, start_container_hooks; // run by init
};

// The plan of a program that joins a running container.
struct ExecPlan {
    std::string id;
    ProcessPlan process;
    std::vector<IdRange> uid_map, gid_map; // the container's; empty: the host's
    CgroupPlan cgroup;                     // joined only: writes are ignored
    bool time_ns = false;                  // the container isn't in the launcher's time namespace
    // Bits as of MemoryPolicyPlan::nodes; empty: as they are. Before and after
    // the process is in the container's cgroup.
    std::vector<uint64_t> initial_cpus, final_cpus;
};

// Own binary form (docs/formats/plan.md): little-endian, length-prefixed, with
// a version. decode() takes nothing on trust: every length is checked against
// what is left, the whole against max_plan_bytes; errors are `corrupt`.
constexpr size_t max_plan_bytes = size_t{4} << 20;
std::string encode(const Plan& plan);
std::string encode(const ExecPlan& plan);
Result<Plan> decode_plan(std::string_view bytes);
Result<ExecPlan> decode_exec_plan(std::string_view bytes);

} // namespace hull::runtime
