#include "kernel/cgroup/plan.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fcntl.h>

#include "kernel/cgroup/drivers.h"
#include "kernel/cgroup/files.h"
#include "kernel/cgroup/systemd/manager.h"
#include "kernel/cgroup/writes.h"
#include "sys/bpf.h"
#include "sys/directory.h"
#include "sys/file.h"
#include "sys/kernel_calls.h"
#include "sys/process.h"
#include "sys/sleep.h"
#include "sys/tree.h"

namespace hull::kernel::cgroup {

std::string Plan::oom_file() const {
    for (const Dir& dir : dirs) {
        if (dir.unified) return dir.folder() + "/memory.events";
        if (dir.name == "memory") return dir.folder() + "/memory.oom_control";
    }
    return {};
}

namespace {

constexpr mode_t folder_mode = 0755;

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
}

std::string parent_of(const std::string& folder) { return folder.substr(0, folder.rfind('/')); }

// cpuset: a folder whose cpus or mems are empty can't hold processes.
Result<void> inherit(const std::string& folder, const std::string& file) {
    std::string own = TRY(sys::read_file(folder + "/" + file));
    if (!trimmed(std::move(own)).empty()) return {};
    std::string above = trimmed(TRY(sys::read_file(parent_of(folder) + "/" + file)));
    return sys::write_existing(folder + "/" + file, above);
}

bool inherits(const Dir& dir) {
    return std::ranges::any_of(dir.writes, [](const Write& w) { return w.inherit || w.file.starts_with("cpuset."); });
}

// v2: hands every controller that is there down to the folders below.
Result<void> enable_controllers(const std::string& folder) {
    std::string names = trimmed(TRY(sys::read_file(folder + "/cgroup.controllers")));
    size_t at = 0;
    while (at < names.size()) {
        size_t end = std::min(names.find(' ', at), names.size());
        // One by one: a controller that can't be handed on (cpu with realtime
        // processes) must not take the others with it. A limit that needed it
        // fails by itself, as its file will be missing.
        (void)sys::write_existing(folder + "/cgroup.subtree_control", "+" + names.substr(at, end - at));
        at = end + 1;
    }
    return {};
}

// Makes the folders above dir's and prepares them.
Result<void> prepare_parents(const Dir& dir) {
    // Only for who has limits: without them nothing of the host's is changed.
    bool enable = dir.unified && !dir.writes.empty();
    if (enable) TRY(enable_controllers(dir.hierarchy));
    size_t slash = dir.path.find('/', 1);
    for (; slash != dir.path.npos; slash = dir.path.find('/', slash + 1)) {
        std::string folder = dir.hierarchy + dir.path.substr(0, slash);
        auto made = sys::mkdir(folder, folder_mode);
        if (!made.ok() && made.error().code() != EEXIST) return made;
        if (enable) {
            TRY(enable_controllers(folder));
        } else if (!dir.unified && inherits(dir)) {
            TRY(inherit(folder, "cpuset.cpus"));
            TRY(inherit(folder, "cpuset.mems"));
        }
    }
    return {};
}

Result<void> make_folder(const Dir& dir) {
    std::string folder = dir.folder();
    auto made = sys::mkdir(folder, folder_mode);
    // Again, as whoever ended last in the folder above may be removing it.
    for (int tries = 0; tries < 5 && !made.ok() && made.error().code() == ENOENT; ++tries) {
        auto prepared = prepare_parents(dir);
        if (!prepared.ok() && prepared.error().code() != ENOENT) return prepared;
        made = sys::mkdir(folder, folder_mode);
    }
    if (!made.ok() && made.error().code() == EEXIST) {
        // What a crash left; its limits may be anybody's.
        auto gone = sys::rmdir(folder);
        if (!gone.ok() && gone.error().code() != ENOENT)
            return Error(ErrorKind::conflict, "the cgroup is in use").with_code(gone.error().code());
        made = sys::mkdir(folder, folder_mode);
    }
    return made;
}

// v2: a folder either holds processes or hands controllers down, the machine's
// root apart. A container that makes containers stands in its own root.
Result<void> check_parents_are_empty(const Dir& dir) {
    for (size_t end = 0; end != dir.path.npos; end = dir.path.find('/', end + 1)) {
        std::string folder = dir.hierarchy + dir.path.substr(0, end);
        std::string has = trimmed(text_of(folder + "/cgroup.controllers"));
        std::string gives = trimmed(text_of(folder + "/cgroup.subtree_control"));
        bool is_real_root = !sys::exists(folder + "/cgroup.type");
        if (has == gives || is_real_root || parse_pids(text_of(folder + "/cgroup.procs")).empty()) continue;
        return Error(ErrorKind::conflict,
                     "cgroup " + folder +
                         " holds processes, so it can't hand its controllers to the folders below; "
                         "move them into one first: mkdir " +
                         folder + "/init, and write each pid of cgroup.procs to " + folder + "/init/cgroup.procs");
    }
    return {};
}

Result<void> write_all(const Dir& dir) {
    for (const Write& write : dir.writes) {
        if (!write.inherit) continue;
        auto written = inherit(dir.folder(), write.file);
        if (written.ok()) continue;
        // v1 asks for the folders above to have cpus and mems first.
        TRY(prepare_parents(dir));
        TRY(inherit(dir.folder(), write.file));
    }
    // The folder above may have been there before us without a controller.
    OnMissing prepare;
    bool prepared = false;
    if (dir.unified)
        prepare = [&]() -> Result<void> {
            if (std::exchange(prepared, true)) return {};
            return prepare_parents(dir);
        };
    auto written = do_writes(dir.folder(), dir.writes, prepare);
    if (!written.ok() && written.error().code() == ENOENT && dir.unified) TRY(check_parents_are_empty(dir));
    if (!written.ok()) return written;
    if (dir.device_program.empty()) return {};
    UniqueFd folder = TRY(sys::open(dir.folder(), O_RDONLY | O_DIRECTORY));
    UniqueFd program = TRY(sys::bpf_load_cgroup_device(dir.device_program));
    return sys::bpf_attach_cgroup_device(folder, program);
}

} // namespace

namespace {

// systemd moves the caller in, who has to be where the plan says for what
// follows to be about the container.
Result<void> start_scope(const Plan& plan) {
    TRY(systemd::start_scope(plan.scope, sys::process_id()));
    for (const Dir& dir : plan.dirs) {
        if (!dir.unified) continue;
        std::string now = TRY(sys::read_file("/proc/self/cgroup"));
        if (now.find("0::" + dir.path + "\n") == now.npos)
            return Error(ErrorKind::conflict, "systemd put " + plan.scope.unit + " elsewhere than " + dir.path + ": " +
                                                  trimmed(std::move(now)));
    }
    for (const Dir& dir : plan.dirs) {
        auto made = sys::mkdir(dir.folder(), folder_mode);
        if (!made.ok() && made.error().code() == ENOENT) {
            TRY(prepare_parents(dir));
            made = sys::mkdir(dir.folder(), folder_mode);
        }
        if (!made.ok() && made.error().code() != EEXIST) return made;
        TRY(write_all(dir).context("cgroup " + dir.folder()));
    }
    return {};
}

} // namespace

Result<void> create(const Plan& plan) {
    if (!plan.scope.unit.empty()) {
        // Not undone here: to stop the unit would be to end the caller.
        return start_scope(plan);
    }
    for (size_t i = 0; i < plan.dirs.size(); ++i) {
        const Dir& dir = plan.dirs[i];
        auto made = make_folder(dir);
        bool is_ours = made.ok();
        if (made.ok()) made = write_all(dir);
        if (made.ok()) continue;
        for (size_t undo = 0; undo < i + (is_ours ? 1 : 0); ++undo) (void)sys::rmdir(plan.dirs[undo].folder());
        return std::move(made).context("cgroup " + dir.folder());
    }
    return {};
}

namespace {

Result<void> enter(const std::string& file) { return sys::write_existing(file, "0").context("join the cgroup"); }

Result<void> join_unified(const Plan& plan) {
    for (const Dir& dir : plan.dirs)
        if (dir.unified) TRY(enter(dir.folder() + "/cgroup.procs"));
    return {};
}

} // namespace

Result<void> join(const Plan& plan) {
    for (const Dir& dir : plan.dirs)
        if (!dir.unified) TRY(enter(dir.folder() + "/tasks"));
    // Who can't be born there, goes there.
    return sys::kernel_has(sys::Call::clone3) ? Result<void>() : join_unified(plan);
}

Result<UniqueFd> open_for_clone(const Plan& plan) {
    if (!sys::kernel_has(sys::Call::clone3)) return UniqueFd();
    for (const Dir& dir : plan.dirs)
        if (dir.unified) return sys::open(dir.folder(), O_PATH | O_DIRECTORY);
    return UniqueFd();
}

namespace {

// The files of a folder that whoever it is given to may write.
std::vector<std::string> files_to_give() {
    std::vector<std::string> files;
    std::string text = text_of("/sys/kernel/cgroup/delegate");
    for (std::string_view rest = text; !rest.empty();) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (!line.empty()) files.emplace_back(line);
    }
    if (files.empty()) files = {"cgroup.procs", "cgroup.subtree_control", "cgroup.threads"}; // before Linux 4.15
    return files;
}

Result<void> give(const Dir& dir, uint32_t uid, uint32_t gid) {
    UniqueFd folder = TRY(sys::open(dir.folder(), O_RDONLY | O_DIRECTORY));
    TRY(sys::change_owner(folder, uid, gid));
    for (const std::string& name : dir.unified ? files_to_give() : std::vector<std::string>{"cgroup.procs", "tasks"}) {
        auto given = sys::change_owner_at(folder, name, uid, gid);
        if (!given.ok() && given.error().code() != ENOENT) return given; // that's of a controller that isn't there
    }
    return {};
}

} // namespace

Result<void> hand_over(const Plan& plan, uint32_t uid, uint32_t gid) {
    for (const Dir& dir : plan.dirs)
        if (dir.unified || dir.name == "systemd")
            TRY(give(dir, uid, gid).context([&] { return "hand over the cgroup " + dir.folder(); }));
    return {};
}

void follow(pid_t init, Plan& plan) {
    for (Dir& dir : plan.dirs) {
        if (!dir.unified || trimmed(text_of(dir.folder() + "/cgroup.subtree_control")).empty()) continue;
        std::string text = text_of("/proc/" + std::to_string(init) + "/cgroup");
        const std::string below = "0::" + dir.path + "/";
        size_t line = text.starts_with(below) ? 0 : text.find("\n" + below);
        if (line == text.npos) continue;
        size_t path = text.find("0::", line) + 3;
        dir.path = text.substr(path, text.find('\n', path) - path);
    }
}

Result<std::vector<LateWrite>> open_late(const Plan& plan) {
    std::vector<LateWrite> late;
    for (const Dir& dir : plan.dirs)
        for (const Write& write : dir.late)
            late.push_back({TRY(sys::open(dir.folder() + "/" + write.file, O_WRONLY)), write.value});
    return late;
}

Result<void> join_all(const Plan& plan) {
    TRY(join(plan));
    return join_unified(plan);
}

namespace {

constexpr int max_nesting = 64;

// Folders below first. Missing is fine; EBUSY comes back as it is.
Result<void> remove_folder(const std::string& folder, int depth) {
    auto gone = sys::rmdir(folder);
    if (gone.ok() || gone.error().code() == ENOENT) return {};
    if (gone.error().code() != EBUSY || depth >= max_nesting) return gone;
    auto below = sys::list_folders(folder);
    if (!below.ok()) return below.error().code() == ENOENT ? Result<void>{} : std::move(below).error();
    if (below->empty()) return gone;
    for (const std::string& name : *below) TRY(remove_folder(folder + "/" + name, depth + 1));
    gone = sys::rmdir(folder);
    return !gone.ok() && gone.error().code() == ENOENT ? Result<void>{} : gone;
}

} // namespace

namespace {

Result<void> wait_for_nobody(const Plan& plan, sys::Backoff& backoff) {
    for (const Dir& dir : plan.dirs) {
        for (;;) {
            auto pids = pids_below(dir.folder());
            if (!pids.ok() || pids->empty()) break;
            if (!backoff.wait())
                return Error(ErrorKind::conflict, "cgroup " + dir.folder() + " still holds processes").with_code(EBUSY);
        }
    }
    return {};
}

} // namespace

Result<void> remove(const Plan& plan, int patience_ms) {
    sys::Backoff backoff(patience_ms);
    Result<void> worst;
    if (!plan.scope.unit.empty()) {
        // systemd would be polite to processes, and wait for them for minutes.
        TRY(wait_for_nobody(plan, backoff));
        auto stopped = systemd::stop(plan.scope);
        // Without systemd the folders can still go.
        if (!stopped.ok() && stopped.error().kind() != ErrorKind::unavailable) worst = std::move(stopped);
    }
    // The last made first; one that stays busy doesn't keep the others.
    for (auto dir = plan.dirs.rbegin(); dir != plan.dirs.rend(); ++dir) {
        auto gone = remove_folder(dir->folder(), 0);
        while (!gone.ok() && gone.error().code() == EBUSY && backoff.wait()) gone = remove_folder(dir->folder(), 0);
        if (gone.ok()) continue;
        if (gone.error().code() == EBUSY)
            worst = Error(ErrorKind::conflict, "cgroup " + dir->folder() + " still holds processes").with_code(EBUSY);
        else
            worst = std::move(gone).context("remove the cgroup");
    }
    return worst;
}

Result<uint64_t> oom_kills(const std::string& oom_file) {
    std::string text = TRY(sys::read_file(oom_file));
    std::string_view rest = text;
    constexpr std::string_view key = "oom_kill ";
    while (!rest.empty()) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (!line.starts_with(key)) continue;
        uint64_t count = 0;
        std::from_chars(line.data() + key.size(), line.data() + line.size(), count);
        return count;
    }
    // v1 before 4.13 doesn't count.
    return uint64_t{0};
}

} // namespace hull::kernel::cgroup
