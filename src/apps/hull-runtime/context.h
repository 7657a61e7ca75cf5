// What every command gets, and the commands.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/hull-runtime/args.h"
#include "apps/hull-runtime/container.h"
#include "apps/hull-runtime/logger.h"
#include "base/result.h"
#include "kernel/cgroup/cgroup.h"
#include "runtime/launch.h"

namespace hull::oci_runtime {

// Of the runtime specification.
constexpr const char* supported_version = "1.3.0";

enum class CgroupDriver : uint8_t { files, systemd };
// What a cgroup is that can't be made.
enum class CgroupErrors : uint8_t { fatal, tolerated };

struct Context {
    Store store{""};
    Logger log;
    std::unique_ptr<kernel::cgroup::Cgroups> cgroups; // made by need_cgroups()
    CgroupDriver driver = CgroupDriver::files;        // of containers that are made
    runtime::Privileges privileges = runtime::Privileges::host;
    CgroupErrors cgroup_errors = CgroupErrors::fatal;
    std::string program;       // name in messages: "hull-runtime"
    std::string criu = "criu"; // name or path of the program

    Result<void> need_cgroups();
};

struct Command {
    std::string_view name;
    std::string_view words; // "<container-id>"
    std::string_view help;
    std::span<const Flag> flags;
    Order order;
    size_t least, most; // number of words
    // It enters containers: must run from a sealed copy of the program.
    bool enters;
    // The exit code; errors are printed by main and give 1 (exec: 255).
    Result<int> (*run)(Context&, const Args&);
};

std::span<const Command> commands();

// One per command, in command_<name>.cc.
Result<int> run_create(Context& context, const Args& args);
Result<int> run_run(Context& context, const Args& args);
Result<int> run_start(Context& context, const Args& args);
Result<int> run_exec(Context& context, const Args& args);
Result<int> run_kill(Context& context, const Args& args);
Result<int> run_delete(Context& context, const Args& args);
Result<int> run_pause(Context& context, const Args& args);
Result<int> run_resume(Context& context, const Args& args);
Result<int> run_state(Context& context, const Args& args);
Result<int> run_list(Context& context, const Args& args);
Result<int> run_ps(Context& context, const Args& args);
Result<int> run_spec(Context& context, const Args& args);
Result<int> run_features(Context& context, const Args& args);
Result<int> run_update(Context& context, const Args& args);
Result<int> run_checkpoint(Context& context, const Args& args);
Result<int> run_restore(Context& context, const Args& args);
Result<int> run_events(Context& context, const Args& args);

// The error of a container whose `create` was killed (nobody has its lock).
Error unfinished(const std::string& id);

// Takes down what is left of a container that ended: poststop hooks, cgroups,
// folder. For delete and a `run` that is over.
Result<void> destroy(Context& context, const Container& container);

// The cgroup that containers without a cgroupsPath have in common goes with the
// last of them: called when that at path is gone.
void remove_default_cgroup_parent(Context& context, std::string_view path);

// Text on standard output.
Result<void> print(const std::string& text);

} // namespace hull::oci_runtime
