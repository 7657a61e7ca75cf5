// What hulld and the keeper say to each other. docs/formats/keeper-protocol.md
// tells the same in prose.
//
//   hulld                                 keeper
//   hello              ->
//                      <-  welcome
//   adopt*, recover    ->                 (a keeper that was just started)
//   list               ->
//                      <-  task*, exited*, done
//   launch             ->
//                      <-  launched | failed
//   attach             ->
//                      <-  done | failed
//                      <-  stdin_closed, detached, exited       at any time
//   ack                ->
//
// Requests carry a number of the asker's; the answer carries the same.
// Glossary. task: a container's first process, or one of an exec.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/keeper/wire.h"

namespace hull::keeper {

// A hello with another version is refused; the engine then upgrades the keeper.
constexpr uint32_t protocol_version = 2;

enum class MessageType : uint8_t {
    // From hulld.
    hello = 1,      // Hello -> welcome
    adopt,          // TaskRecord; fds as for launched -> done
    recover,        // take over what state files tell of -> done
    list,           // -> task*, exited*, done
    launch,         // Launch; fds: the plan's, then a socket for each of streams -> launched
    attach,         // Attach; fds: the client's socket -> done
    ack,            // Ack: this end has been dealt with; no answer
    orphan_ended,   // OrphanEnd: how an adopted task ended; no answer
    quit_when_idle, // exit as soon as there are no tasks; no answer
    upgrade,        // fds: the program to become -> welcome (from it)
    // From the keeper.
    welcome = 64, // Welcome
    done,         // no content
    failed,       // Failure
    launched,     // Launched; fds: those of TaskFds
    task,         // TaskRecord; fds: those of TaskFds
    exited,       // ExitReport
    stdin_closed, // TaskKey: hulld must close its copy too, so that the program sees the end
    detached,     // TaskKey: a client left by its detach keys
};

// Exec is empty for the container's first process.
struct TaskKey {
    std::string container, exec;
    auto operator<=>(const TaskKey&) const = default;
};

struct Hello {
    uint32_t version = protocol_version;
    std::string program; // hulld's version, for the log
};
struct Welcome {
    uint32_t version = protocol_version;
    std::string program;
    int32_t pid = 0;
};
struct Failure {
    uint8_t kind = 0; // ErrorKind
    int32_t code = 0;
    std::string message;
};

struct Attribute {
    std::string name, value;
};
struct LogSpec {
    bool enabled = false;
    std::string path;
    uint64_t max_bytes = 0; // 0: unlimited
    uint32_t max_files = 1;
    std::vector<Attribute> attributes;
};

// All that a keeper must know of a task besides its descriptors.
struct TaskRecord {
    TaskKey key;
    int32_t pid = 0;
    uint64_t start_ticks = 0; // tells the process from a later one with its pid
    int64_t started_at = 0;   // WallTime
    bool terminal = false;
    bool open_stdin = false; // else /dev/null
    bool stdin_once = false;
    bool dropped_output = false; // /dev/null for all three
    // Its processes can outlive its first one (no pid namespace of its own);
    // the keeper kills them then.
    bool shared_pids = false;
    LogSpec log;
    std::vector<std::string> cgroups;            // absolute folders
    std::string note;                            // hulld's own, kept for it
    uint64_t stdout_inode = 0, stderr_inode = 0; // of the pipes
};

// Which descriptors come with a message, in this order. With a terminal, out
// is its master side and in and err are absent.
struct TaskFdSet {
    bool pidfd = false, in = false, out = false, err = false;
};

struct StreamOptions {
    bool in = false, out = false, err = false;
    std::string already_read;
    std::string detach_keys; // bytes
    // The client waits for the container's start: it is the foreground of a
    // `run` and is never dropped for being slow.
    bool foreground = false;
    enum class Framing : uint8_t { without_terminal, always, never } framing = Framing::without_terminal; // of output
};

struct Launch {
    TaskRecord record; // pid, start_ticks, started_at and inodes still 0
    uint16_t rows = 0, columns = 0;
    std::string plan; // runtime::encode() of Plan, or ExecPlan when key.exec is set
    uint32_t plan_fds = 0;
    std::vector<StreamOptions> streams;
};
struct Step {
    std::string name;
    int64_t ns = 0;
};
struct Launched {
    TaskRecord record;
    TaskFdSet fds;
    std::vector<Step> steps;
};
struct Adopt { // also the content of `task`
    TaskRecord record;
    TaskFdSet fds;
};
struct Attach {
    TaskKey key;
    StreamOptions options;
};

struct ExitReport {
    TaskKey key;
    int32_t code = 255;
    bool known = false;
    int64_t finished_at = 0; // WallTime
    std::string error;       // why it isn't known
    std::string note;        // the record's
};
struct Ack {
    TaskKey key;
    int64_t finished_at = 0; // tells it from the end of a later task of that key
};
struct OrphanEnd {
    TaskKey key;
    int32_t code = 0;
};

void fields(auto& io, Of<TaskKey> auto& v) { all(io, v.container, v.exec); }
void fields(auto& io, Of<Hello> auto& v) { all(io, v.version, v.program); }
void fields(auto& io, Of<Welcome> auto& v) { all(io, v.version, v.program, v.pid); }
void fields(auto& io, Of<Failure> auto& v) { all(io, v.kind, v.code, v.message); }
void fields(auto& io, Of<Attribute> auto& v) { all(io, v.name, v.value); }
void fields(auto& io, Of<LogSpec> auto& v) { all(io, v.enabled, v.path, v.max_bytes, v.max_files, v.attributes); }
void fields(auto& io, Of<TaskRecord> auto& v) {
    all(io, v.key, v.pid, v.start_ticks, v.started_at, v.terminal, v.open_stdin, v.stdin_once, v.dropped_output,
        v.shared_pids, v.log, v.cgroups, v.note, v.stdout_inode, v.stderr_inode);
}
void fields(auto& io, Of<TaskFdSet> auto& v) { all(io, v.pidfd, v.in, v.out, v.err); }
void fields(auto& io, Of<StreamOptions> auto& v) {
    all(io, v.in, v.out, v.err, v.already_read, v.detach_keys, v.foreground, v.framing);
}
void fields(auto& io, Of<Launch> auto& v) { all(io, v.record, v.rows, v.columns, v.plan, v.plan_fds, v.streams); }
void fields(auto& io, Of<Step> auto& v) { all(io, v.name, v.ns); }
void fields(auto& io, Of<Launched> auto& v) { all(io, v.record, v.fds, v.steps); }
void fields(auto& io, Of<Adopt> auto& v) { all(io, v.record, v.fds); }
void fields(auto& io, Of<Attach> auto& v) { all(io, v.key, v.options); }
void fields(auto& io, Of<ExitReport> auto& v) { all(io, v.key, v.code, v.known, v.finished_at, v.error, v.note); }
void fields(auto& io, Of<Ack> auto& v) { all(io, v.key, v.finished_at); }
void fields(auto& io, Of<OrphanEnd> auto& v) { all(io, v.key, v.code); }

} // namespace hull::keeper
