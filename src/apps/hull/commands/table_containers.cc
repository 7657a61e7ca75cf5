// The commands on containers.
#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/rows.h"
#include "apps/hull/options/create.h"

namespace hull::cli {

namespace rows {
namespace {

using enum FlagType;

constexpr Flag attach_flags[] = {
    {"detach-keys", 0, text, "string", "", "Keys that detach", {}},
    {"no-stdin", 0, boolean, "", "", "Don't attach stdin", {}},
    {"sig-proxy", 0, boolean, "", "true", "Pass signals on to the process", {}},
};
constexpr Flag exec_flags[] = {
    {"detach", 'd', boolean, "", "", "Run in the background", {}},
    {"detach-keys", 0, text, "string", "", "Keys that detach", {}},
    {"env", 'e', list, "list", "", "Environment variable", {}},
    {"env-file", 0, list, "list", "", "File of environment variables", {}},
    {"interactive", 'i', boolean, "", "", "Keep stdin open", {}},
    {"privileged", 0, boolean, "", "", "All capabilities for the command", {}},
    {"tty", 't', boolean, "", "", "Give it a terminal", {}},
    {"user", 'u', text, "string", "", "User (name or uid, then :group or :gid)", {}},
    {"workdir", 'w', text, "string", "", "Working directory", {}},
};
constexpr Flag inspect_container_flags[] = {
    {"format", 'f', text, "string", "", "'json' or a Go template", {}},
    {"size", 's', boolean, "", "", "Count the sizes of the files", {}},
};
constexpr Flag commit_flags[] = {
    {"author", 'a', text, "string", "", "Who made the image", {}},
    {"change", 'c', list, "list", "", "Dockerfile instruction to apply (CMD, ENV, ...)", {}},
    {"message", 'm', text, "string", "", "Comment in the image's history", {}},
    {"no-pause", 0, boolean, "", "", "Let the container run on meanwhile", {}},
    {"pause", 'p', boolean, "", "true", "Stop the container meanwhile", {}},
};
constexpr Flag export_flags[] = {{"output", 'o', text, "string", "", "Write this file instead of stdout", {}}};
constexpr Flag update_flags[] = {
    {"bandwidth", 0, text, "string", "", "How fast it gets and sends (in=10mbit,out=5mbit; none)", {}},
    {"blkio-weight", 0, natural, "uint16", "", "Share of disk time, 10 to 1000", {}},
    {"cpu-period", 0, integer, "int", "", "Length of a CPU period in microseconds", {}},
    {"cpu-quota", 0, integer, "int", "", "Microseconds of CPU in each period", {}},
    {"cpu-rt-period", 0, integer, "int", "", "The same for real-time", {}},
    {"cpu-rt-runtime", 0, integer, "int", "", "The same for real-time", {}},
    {"cpu-shares", 'c', integer, "int", "", "Weight among others", {}},
    {"cpus", 0, decimal, "decimal", "", "So many CPUs", {}},
    {"cpuset-cpus", 0, text, "string", "", "These CPUs (0-3, 0,1)", {}},
    {"cpuset-mems", 0, text, "string", "", "These memory nodes", {}},
    {"egress", 0, list, "list", "", "Where alone it may send to (allow=10.0.0.0/8,api.example.com:443; any)", {}},
    {"memory", 'm', bytes, "bytes", "", "Memory limit", {}},
    {"memory-reservation", 0, bytes, "bytes", "", "Soft memory limit", {}},
    {"memory-swap", 0, bytes, "bytes", "", "Memory and swap together; -1: no limit on swap", {}},
    {"pids-limit", 0, integer, "int", "", "Most processes; -1: no limit", {}},
    {"publish-add", 0, list, "list", "", "Publish a port (8080:80); all of an update or nothing", {}},
    {"publish-rm", 0, list, "list", "", "Take a published port back (8080:80, 80)", {}},
    {"restart", 0, text, "string", "", "Restart policy", {}},
};
constexpr Flag kill_flags[] = {{"signal", 's', text, "string", "", "Signal to send", {}}};
constexpr Flag logs_flags[] = {
    {"details", 0, boolean, "", "", "Show the attributes of the lines, too", {}},
    {"follow", 'f', boolean, "", "", "Go on with new lines", {}},
    {"since", 0, text, "string", "", "Lines since a time (2026-01-02T13:23:37Z) or an age (42m)", {}},
    {"tail", 'n', text, "string", "all", "So many lines of the end", {}},
    {"timestamps", 't', boolean, "", "", "Show the time of each line", {}},
    {"until", 0, text, "string", "", "Lines before a time or an age", {}},
};
constexpr Flag ps_flags[] = {
    {"all", 'a', boolean, "", "", "Also those that don't run", {}},
    {"filter", 'f', list, "filter", "", "Only those that fit (name=x, status=exited, label=a=b, ...)", {}},
    {"format", 0, text, "string", "", HULL_FORMAT, {}},
    {"last", 'n', integer, "int", "-1", "The n newest, whatever their state", {}},
    {"latest", 'l', boolean, "", "", "The newest, whatever its state", {}},
    {"no-trunc", 0, boolean, "", "", "Nothing cut short", {}},
    {"quiet", 'q', boolean, "", "", "Only ids", {}},
    {"size", 's', boolean, "", "", "Show sizes", {}},
};
constexpr Flag stop_flags[] = {
    {"signal", 's', text, "string", "", "Signal to send", {}},
    {"time", 0, integer, "int", "", "", "timeout"},
    {"timeout", 't', integer, "int", "0", "Seconds before it is killed", {}},
};
constexpr Flag rm_flags[] = {
    {"force", 'f', boolean, "", "", "Kill it first if it runs", {}},
    {"link", 'l', boolean, "", "", "Remove the link of that name", {}},
    {"volumes", 'v', boolean, "", "", "Remove its anonymous volumes, too", {}},
};
constexpr Flag start_flags[] = {
    {"attach", 'a', boolean, "", "", "Attach its output and pass signals on", {}},
    {"checkpoint", 0, text, "string", "", "Restore from this checkpoint", {}},
    {"checkpoint-dir", 0, text, "string", "", "Folder of checkpoints", {}},
    {"detach-keys", 0, text, "string", "", "Keys that detach", {}},
    {"interactive", 'i', boolean, "", "", "Attach its stdin", {}},
};
constexpr Flag stats_flags[] = {
    {"all", 'a', boolean, "", "", "Also those that don't run", {}},
    {"format", 0, text, "string", "", HULL_FORMAT, {}},
    {"no-stream", 0, boolean, "", "", "One sample, then end", {}},
    {"no-trunc", 0, boolean, "", "", "Nothing cut short", {}},
};
constexpr Flag copy_flags[] = {
    {"archive", 'a', boolean, "", "", "Keep owners and groups", {}},
    {"follow-link", 'L', boolean, "", "", "Copy what a link in the source path leads to", {}},
    {"quiet", 'q', boolean, "", "", "No progress", {}},
};

} // namespace
} // namespace rows

std::vector<Command> container_commands() {
    using namespace rows;
    return {
        command("container attach", "attach", "", one_container, "Attach to a running container", {attach_flags, {}},
                attach_container),
        command("container commit", "commit", "", {"CONTAINER [REPOSITORY[:TAG]]", 1, 2},
                "Make an image of a container's changes", {commit_flags, {}}, commit_container),
        flags_first(command("container create", "create", "", {"IMAGE [COMMAND] [ARG...]", 1, any},
                            "Make a container without starting it", {{}, create_flags()}, create_container)),
        command("container diff", "diff", "", {"CONTAINER", 1, 1}, "Show what a container changed in its files", {},
                show_changes),
        flags_first(command("container exec", "exec", "", {"CONTAINER COMMAND [ARG...]", 2, any},
                            "Run a command in a running container", {exec_flags, {}}, exec_in_container)),
        command("container export", "export", "", {"CONTAINER", 1, 1}, "Write a container's files as a tar archive",
                {export_flags, {}}, export_container),
        command("container inspect", "", "", containers, "Show all there is to know about containers",
                {inspect_container_flags, {}}, inspect_containers),
        command("container kill", "kill", "", containers, "Kill running containers", {kill_flags, {}}, kill_containers),
        command("container logs", "logs", "", one_container, "Show the log of a container", {logs_flags, {}},
                show_logs),
        command("container ls", "ps", "list ps", none, "List containers", {ps_flags, {}}, list_containers),
        command("container pause", "pause", "", containers, "Freeze the processes of containers", {}, pause_containers),
        command("container prune", "", "", none, "Remove all stopped containers", {prune_flags, {}}, prune_containers),
        command("container rename", "rename", "", {"CONTAINER NEW_NAME", 2, 2}, "Rename a container", {},
                rename_container),
        command("container restart", "restart", "", containers, "Restart containers", {stop_flags, {}},
                restart_containers),
        command("container rm", "rm", "remove", containers, "Remove containers", {rm_flags, {}}, remove_containers),
        runs_container(flags_first(command("container run", "run", "", {"IMAGE [COMMAND] [ARG...]", 1, any},
                                           "Make a container from an image and run it", {run_flags(), create_flags()},
                                           run_container))),
        command("container start", "start", "", containers, "Start stopped containers", {start_flags, {}},
                start_containers),
        command("container stats", "stats", "", {"[CONTAINER...]", 0, any}, "Show what containers use, live",
                {stats_flags, {}}, show_stats),
        command("container stop", "stop", "", containers, "Stop running containers", {stop_flags, {}}, stop_containers),
        flags_first(command("container top", "top", "", {"CONTAINER [ps OPTIONS]", 1, any},
                            "Show the processes of a container", {}, show_top)),
        command("container unpause", "unpause", "", containers, "Let frozen containers go on", {}, unpause_containers),
        command("container update", "update", "", containers, "Change limits and the restart policy of containers",
                {update_flags, {}}, update_containers),
        command("container wait", "wait", "", containers, "Wait until containers end and print their exit codes", {},
                wait_containers),
        command("container cp", "cp", "", {"CONTAINER:SRC_PATH DEST_PATH|- | SRC_PATH|- CONTAINER:DEST_PATH", 2, 2},
                "Copy files between a container and here", {copy_flags, {}}, copy_files),
        command("container port", "port", "",
                {"CONTAINER [PRIVATE_PORT[/PROTO]] | add CONTAINER PORT... | rm CONTAINER PORT...", 1, any},
                "Show where ports of a container are published, publish more or take some back", {}, show_ports),
    };
}

} // namespace hull::cli
