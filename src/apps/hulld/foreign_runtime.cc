#include "apps/hulld/foreign_runtime.h"

#include <charconv>

#include <fcntl.h>

#include "base/log.h"
#include "base/random.h"
#include "codec/json.h"
#include "kernel/caps.h"
#include "runtime/compile.h"
#include "runtime/rootfs.h"
#include "runtime/users.h"
#include "sys/credentials.h"
#include "sys/directory.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/process.h"
#include "sys/resolve.h"
#include "sys/run_program.h"

namespace hull {
namespace {

namespace oci = model::oci;

constexpr size_t kMaxFile = size_t{1} << 20;
constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (size_t at = 0; at < text.size();) {
        size_t end = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

// A program of the machine's with everything that root has.
oci::Process machine_process(std::vector<std::string> args, bool terminal) {
    oci::Process process;
    process.args = std::move(args);
    process.env = {kPath};
    process.cwd = "/";
    process.terminal = terminal;
    if (auto own = sys::get_capabilities(); own.ok()) {
        auto names = kernel::capability_names(own->effective);
        process.capabilities = oci::Capabilities{
            .bounding = names, .effective = names, .inheritable = {}, .permitted = names, .ambient = {}};
    }
    return process;
}

// It sees the machine as it is, through mounts of its own.
Result<runtime::Plan> machine_plan(const ContainerId& id, oci::Process process) {
    oci::Spec spec;
    spec.oci_version = "1.0.2";
    spec.root = oci::Root{.path = "/", .readonly = false};
    spec.process = std::move(process);
    spec.mounts = {{.destination = "/dev",
                    .type = "bind",
                    .source = "/dev",
                    .options = {"rbind"},
                    .uid_mappings = {},
                    .gid_mappings = {}}};
    spec.linux_.emplace().namespaces = {{.type = "mount", .path = ""}};
    runtime::CompileOptions options;
    options.id = id.str();
    options.keyring = runtime::Keyring::inherited;
    return runtime::compile(spec, options);
}

std::string file_in(BorrowedFd root, const std::string& path) {
    auto fd = sys::open_beneath(root, path, O_RDONLY | O_NONBLOCK, sys::Links::in_root);
    if (!fd.ok()) return {};
    auto text = sys::read_file("/proc/self/fd/" + std::to_string(fd->get()), kMaxFile);
    return text.ok() ? std::move(*text) : std::string();
}

} // namespace

bool ForeignRuntimes::has(const ContainerId& id) const { return sys::exists(bundle(id) + "/runtime"); }

int ForeignRuntimes::pid(const ContainerId& id) const {
    auto text = sys::read_file(bundle(id) + "/pid", 64);
    int pid = 0;
    if (text.ok()) std::from_chars(text->data(), text->data() + text->size(), pid);
    return pid;
}

Result<std::vector<std::string>> ForeignRuntimes::command(const ContainerId& id) const {
    std::vector<std::string> words = lines_of(TRY(sys::read_file(bundle(id) + "/runtime", kMaxFile)));
    if (words.empty()) return Error(ErrorKind::corrupt, "the runtime of container " + id.str() + " is not on record");
    words.insert(words.end(), {"--root", state_, "--log", bundle(id) + "/log.json", "--log-format", "json"});
    if (driver_.is_systemd()) words.emplace_back("--systemd-cgroup");
    return words;
}

// In the container's own files, which the runtimes leave to their callers.
Result<void> ForeignRuntimes::resolve_user(const ContainerId& id, oci::Process& process) const {
    UniqueFd root = TRY(sys::open(bundle(id) + "/rootfs", O_PATH | O_DIRECTORY));
    std::string passwd = file_in(root, "etc/passwd"), group = file_in(root, "etc/group");
    auto user = TRY(runtime::find_user(process.user.username, passwd, group));
    process.user.uid = user.uid;
    process.user.gid = user.gid;
    std::vector<uint32_t> groups{user.gid}; // CVE-2022-36109
    groups.insert(groups.end(), user.groups.begin(), user.groups.end());
    groups.insert(groups.end(), process.user.additional_gids.begin(), process.user.additional_gids.end());
    for (uint32_t gid : TRY(runtime::find_groups(process.user.additional_groups, group))) groups.push_back(gid);
    process.user.additional_gids = std::move(groups);
    process.user.username.clear();
    process.user.additional_groups.clear();
    return {};
}

Result<void> ForeignRuntimes::write_bundle(const engine::LaunchRequest& request) {
    const ContainerId& id = request.id;
    TRY(sys::mkdir_parents(bundle(id) + "/rootfs", 0700));
    std::string command = request.runtime->path + "\n";
    for (const std::string& word : request.runtime->args) command += word + "\n";
    TRY(sys::replace_file(bundle(id) + "/runtime", command, 0600));
    TRY(sys::mkdir_parents(state_, 0700));

    runtime::RootfsPlan root;
    root.lower = request.rootfs.lower;
    root.upper = request.rootfs.upper;
    root.work = request.rootfs.work;
    root.discarded = request.rootfs.discarded;
    runtime::Rootfs mounted = TRY(runtime::make_rootfs(root, {}));
    TRY(sys::attach_mount(mounted.mount, bundle(id) + "/rootfs"));

    oci::Spec spec = *request.spec;
    spec.oci_version = "1.0.2";
    spec.linux_->cgroups_path = TRY(driver_.for_runtimes(spec.linux_->cgroups_path));
    spec.root = oci::Root{.path = "rootfs", .readonly = request.rootfs.readonly};
    TRY(resolve_user(id, *spec.process));
    if (request.sandbox && request.sandbox->net_ns)
        for (oci::Namespace& one : spec.linux_->namespaces)
            if (one.type == "network" && one.path.empty())
                one.path =
                    "/proc/" + std::to_string(sys::own_pid()) + "/fd/" + std::to_string(request.sandbox->net_ns.get());
    return sys::replace_file(bundle(id) + "/config.json", oci::print_spec(spec), 0600);
}

Result<MadePlan> ForeignRuntimes::make(const engine::LaunchRequest& request) {
    const ContainerId& id = request.id;
    TRY(remove(id)); // of an earlier engine that was killed
    auto make_plan = [&]() -> Result<MadePlan> {
        TRY(write_bundle(request));
        std::vector<std::string> args = TRY(command(id));
        args.insert(args.end(), {"run", "--bundle", bundle(id), "--pid-file", bundle(id) + "/pid", id.str()});
        MadePlan made;
        made.plan = TRY(machine_plan(id, machine_process(std::move(args), request.spec->process->terminal)));
        made.plan.process.rows = request.stdio.rows;
        made.plan.process.columns = request.stdio.columns;
        const oci::Linux& config = *request.spec->linux_;
        made.note.cgroup = TRY(driver_.path(config.cgroups_path));
        made.note.memory_limited = config.resources && config.resources->memory.has_value();
        for (const oci::Namespace& one : config.namespaces)
            if (one.type == "network") made.note.own_network = true;
        return made;
    };
    auto made = make_plan();
    if (!made.ok())
        if (auto removed = remove(id); !removed.ok()) log::warning("remove a bundle", removed.error());
    return made;
}

Error ForeignRuntimes::failure(const ContainerId& id) const {
    std::string message = "the runtime ended without a word";
    auto text = sys::read_file(bundle(id) + "/log.json", kMaxFile);
    for (const std::string& line : lines_of(text.ok() ? *text : std::string())) {
        auto entry = json::parse(line);
        if (!entry.ok() || !entry->is_object()) continue;
        const json::Value* level = entry->get_object().if_contains("level");
        const json::Value* words = entry->get_object().if_contains("msg");
        if (level && words && words->is_string() && level->is_string() && level->get_string() == "error")
            message = words->get_string();
    }
    auto says = [&](const char* part) { return message.find(part) != std::string::npos; };
    if (says("permission denied") || says("Permission denied")) return {ErrorKind::not_executable, std::move(message)};
    if (says("executable file not found") || says("no such file or directory") || says("No such file or directory"))
        return {ErrorKind::no_such_program, std::move(message)};
    return {ErrorKind::system, std::move(message)};
}

Result<runtime::ExecPlan> ForeignRuntimes::make_exec(const oci::Process& process, const ContainerId& id) {
    oci::Spec spec;
    spec.process = process;
    TRY(resolve_user(id, *spec.process));
    auto printed = TRY(json::parse(oci::print_spec(spec)));
    std::string file = bundle(id) + "/exec-" + random_hex(16) + ".json";
    TRY(sys::replace_file(file, json::print(printed.as_object()["process"]), 0600));
    std::vector<std::string> args = TRY(command(id));
    args.insert(args.end(), {"exec", "--process", file, id.str()});
    runtime::Plan wrapper = TRY(machine_plan(id, machine_process({"true"}, false)));
    return runtime::compile_exec(machine_process(std::move(args), process.terminal), wrapper);
}

Result<void> ForeignRuntimes::kill(const ContainerId& id, int signal) const {
    int init = pid(id);
    if (init <= 0) return Error(ErrorKind::conflict, "container " + id.str() + " is not running");
    UniqueFd process = TRY(sys::pidfd_open(init));
    return sys::pidfd_signal(process, signal);
}

Result<void> ForeignRuntimes::remove(const ContainerId& id) {
    if (!sys::exists(bundle(id))) return {};
    if (auto words = command(id); words.ok()) {
        words->insert(words->end(), {"delete", "--force", id.str()});
        auto ran = sys::run_program(words->front(), *words, kMaxFile);
        if (!ran.ok()) log::warning("delete container " + id.str() + " from its runtime", ran.error());
    }
    auto unmounted = sys::unmount_lazily(bundle(id) + "/rootfs");
    // Nothing is mounted there, or nothing is there.
    if (!unmounted.ok() && unmounted.error().code() != EINVAL && unmounted.error().code() != ENOENT) return unmounted;
    return sys::remove_tree(bundle(id));
}

void ForeignRuntimes::remove_parent(const std::string& cgroup_parent) const {
    // Not of the hierarchies that we use: there it goes with our own containers.
    for (const char* hierarchy : {"/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"})
        (void)sys::rmdir(hierarchy + cgroup_parent);
}

} // namespace hull
