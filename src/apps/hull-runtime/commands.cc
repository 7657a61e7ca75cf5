// The table of commands and their flags: runc's.

#include <array>

#include "apps/hull-runtime/context.h"

namespace hull::oci_runtime {

namespace {

constexpr Flag bundle{"bundle", "b", Takes::value, "path to the bundle; default: the current directory"};
constexpr Flag console_socket{"console-socket", "", Takes::value, "unix socket that gets the terminal's master side"};
constexpr Flag pid_file{"pid-file", "", Takes::value, "file to write the process id to"};
constexpr Flag pidfd_socket{"pidfd-socket", "", Takes::value, "unix socket that gets a pidfd of the process"};
constexpr Flag no_pivot{"no-pivot", "", Takes::nothing, "chroot instead of pivot_root, for a host in a ramfs"};
constexpr Flag no_keyring{"no-new-keyring", "", Takes::nothing, "keep our session keyring"};
constexpr Flag preserve_fds{"preserve-fds", "", Takes::value, "pass this many further descriptors, from 3 on"};
constexpr Flag detach{"detach", "d", Takes::nothing, "do not wait for the process"};
constexpr Flag format{"format", "f", Takes::value, "table or json"};

constexpr std::array create_flags{bundle, console_socket, pidfd_socket, pid_file, no_pivot, no_keyring, preserve_fds};
constexpr std::array run_flags{bundle,
                               console_socket,
                               pidfd_socket,
                               pid_file,
                               no_pivot,
                               no_keyring,
                               preserve_fds,
                               detach,
                               Flag{"keep", "", Takes::nothing, "do not delete the container after it ended"},
                               Flag{"no-subreaper", "", Takes::nothing, "no effect: none is used"}};
constexpr std::array exec_flags{
    console_socket,
    pidfd_socket,
    Flag{"cwd", "", Takes::value, "working directory in the container"},
    Flag{"env", "e", Takes::value, "set an environment variable, NAME=value"},
    Flag{"tty", "t", Takes::nothing, "allocate a terminal"},
    Flag{"user", "u", Takes::value, "<uid>[:<gid>]"},
    Flag{"additional-gids", "g", Takes::value, "additional group id"},
    Flag{"process", "p", Takes::value, "path to a process.json"},
    detach,
    pid_file,
    Flag{"process-label", "", Takes::value, "SELinux label"},
    Flag{"apparmor", "", Takes::value, "AppArmor profile"},
    Flag{"no-new-privs", "", Takes::nothing, "set no_new_privs"},
    Flag{"cap", "c", Takes::value, "add a capability"},
    preserve_fds,
    Flag{"cgroup", "", Takes::value, "run it in this cgroup below the container's: [<controller>:]<path>"},
    Flag{"ignore-paused", "", Takes::nothing, "allow it in a paused container"},
};
constexpr std::array kill_flags{Flag{"all", "a", Takes::nothing, "signal all processes of the container"}};
constexpr std::array delete_flags{Flag{"force", "f", Takes::nothing, "kill it first if it runs"}};
constexpr std::array list_flags{format, Flag{"quiet", "q", Takes::nothing, "ids only"}};
constexpr std::array ps_flags{format};
constexpr std::array spec_flags{
    bundle, Flag{"rootless", "", Takes::nothing, "for the user who calls: a user namespace, no limits"}};
constexpr std::array update_flags{
    Flag{"resources", "r", Takes::value, "JSON file with the new resources, - for standard input"},
    Flag{"blkio-weight", "", Takes::value, "10 to 1000"},
    Flag{"cpu-period", "", Takes::value, "microseconds"},
    Flag{"cpu-quota", "", Takes::value, "microseconds per period"},
    Flag{"cpu-share", "", Takes::value, "relative weight"},
    Flag{"cpu-rt-period", "", Takes::value, "microseconds"},
    Flag{"cpu-rt-runtime", "", Takes::value, "microseconds"},
    Flag{"cpuset-cpus", "", Takes::value, "list of CPUs"},
    Flag{"cpuset-mems", "", Takes::value, "list of memory nodes"},
    Flag{"cpu-burst", "", Takes::value, "microseconds beyond the quota that may be saved up"},
    Flag{"cpu-idle", "", Takes::value, "1: only when nobody else wants the CPU"},
    Flag{"kernel-memory", "", Takes::value, "ignored: kernels no longer have it"},
    Flag{"kernel-memory-tcp", "", Takes::value, "ignored: kernels no longer have it"},
    Flag{"memory", "", Takes::value, "bytes"},
    Flag{"memory-reservation", "", Takes::value, "bytes"},
    Flag{"memory-swap", "", Takes::value, "bytes of memory and swap, -1: unlimited"},
    Flag{"pids-limit", "", Takes::value, "number of processes"},
    Flag{"l3-cache-schema", "", Takes::value, "not supported"},
    Flag{"mem-bw-schema", "", Takes::value, "not supported"},
};
constexpr std::array event_flags{Flag{"interval", "", Takes::value, "time between lines, as in 5s or 500ms"},
                                 Flag{"stats", "", Takes::nothing, "one line, then end"}};

constexpr Flag image_path{"image-path", "", Takes::value, "folder of CRIU's images; default: ./checkpoint"};
constexpr Flag work_path{"work-path", "", Takes::value, "folder for CRIU's logs; default: that of the images"};
constexpr Flag tcp_established{"tcp-established", "", Takes::nothing, "allow open TCP connections"};
constexpr Flag ext_unix_sk{"ext-unix-sk", "", Takes::nothing, "allow unix sockets connected to the outside"};
constexpr Flag shell_job{"shell-job", "", Takes::nothing, "allow jobs of a shell: terminals of the outside"};
constexpr Flag lazy_pages{"lazy-pages", "", Takes::nothing, "fetch memory when it is used (userfaultfd)"};
constexpr Flag file_locks{"file-locks", "", Takes::nothing, "take file locks along"};
constexpr Flag cgroups_mode{"manage-cgroups-mode", "", Takes::value, "soft, full, strict or ignore"};
constexpr Flag empty_ns{"empty-ns", "", Takes::value, "leave this namespace's contents out: network"};
constexpr Flag auto_dedup{"auto-dedup", "", Takes::nothing, "no page twice in the images"};
constexpr std::array checkpoint_flags{
    image_path,
    work_path,
    Flag{"parent-path", "", Takes::value, "folder of a pre-dump, relative to the images"},
    Flag{"leave-running", "", Takes::nothing, "do not end it"},
    tcp_established,
    Flag{"tcp-skip-in-flight", "", Takes::nothing, "leave out connections that are being made"},
    Flag{"link-remap", "", Takes::nothing, "link deleted files back where that can be"},
    ext_unix_sk,
    shell_job,
    lazy_pages,
    Flag{"status-fd", "", Takes::value, "descriptor that gets a zero byte when lazy pages are ready"},
    Flag{"page-server", "", Takes::value, "ADDRESS:PORT to send memory to"},
    file_locks,
    Flag{"pre-dump", "", Takes::nothing, "memory only; it goes on running"},
    cgroups_mode,
    empty_ns,
    auto_dedup,
};
constexpr std::array restore_flags{
    console_socket,
    image_path,
    work_path,
    tcp_established,
    ext_unix_sk,
    shell_job,
    file_locks,
    cgroups_mode,
    bundle,
    detach,
    pid_file,
    Flag{"no-subreaper", "", Takes::nothing, "no effect: none is used"},
    Flag{"no-pivot", "", Takes::nothing, "no effect: CRIU enters the root"},
    empty_ns,
    auto_dedup,
    lazy_pages,
    Flag{"lsm-profile", "", Takes::value, "TYPE:NAME instead of the one at the checkpoint"},
    Flag{"lsm-mount-context", "", Takes::value, "mount context instead of the one at the checkpoint"},
};

constexpr size_t any = SIZE_MAX;
constexpr bool enters = true, stays = false;

constexpr std::array all{
    Command{"checkpoint", "<container-id>", "save the processes of a container to files", checkpoint_flags,
            Order::anywhere, 1, 1, stays, run_checkpoint},
    Command{"create", "<container-id>", "make a container that waits for start", create_flags, Order::anywhere, 1, 1,
            enters, run_create},
    Command{"delete", "<container-id>", "remove what a container holds", delete_flags, Order::anywhere, 1, 1, stays,
            run_delete},
    Command{"events", "<container-id>", "print resource usage as JSON lines", event_flags, Order::anywhere, 1, 1, stays,
            run_events},
    Command{"exec", "<container-id> <command> [arguments]", "run another process in a container", exec_flags,
            Order::before_words, 1, any, enters, run_exec},
    Command{"features", "", "print what is supported, as JSON", {}, Order::anywhere, 0, 0, stays, run_features},
    Command{"kill", "<container-id> [signal]", "send a signal, TERM by default", kill_flags, Order::anywhere, 1, 2,
            stays, run_kill},
    Command{"list", "", "list containers", list_flags, Order::anywhere, 0, 0, stays, run_list},
    Command{
        "pause", "<container-id>", "suspend all processes of a container", {}, Order::anywhere, 1, 1, stays, run_pause},
    Command{"ps", "<container-id> [ps options]", "list the processes of a container", ps_flags, Order::before_words, 1,
            any, stays, run_ps},
    Command{"restore", "<container-id>", "make a container from the files of a checkpoint", restore_flags,
            Order::anywhere, 1, 1, stays, run_restore},
    Command{"resume", "<container-id>", "let a paused container go on", {}, Order::anywhere, 1, 1, stays, run_resume},
    Command{"run", "<container-id>", "create and start a container, and wait for it", run_flags, Order::anywhere, 1, 1,
            enters, run_run},
    Command{"spec", "", "write an example config.json", spec_flags, Order::anywhere, 0, 0, stays, run_spec},
    Command{
        "start", "<container-id>", "start a container that create made", {}, Order::anywhere, 1, 1, stays, run_start},
    Command{"state",
            "<container-id>",
            "print the state of a container, as JSON",
            {},
            Order::anywhere,
            1,
            1,
            stays,
            run_state},
    Command{"update", "<container-id>", "change the limits of a container", update_flags, Order::anywhere, 1, 1, stays,
            run_update},
};

} // namespace

std::span<const Command> commands() { return all; }

} // namespace hull::oci_runtime
