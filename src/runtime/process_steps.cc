#include "runtime/process_steps.h"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel/caps.h"
#include "kernel/lsm.h"
#include "runtime/hooks.h"
#include "runtime/host_steps.h"
#include "runtime/id_map.h"
#include "runtime/listener.h"
#include "runtime/program.h"
#include "runtime/user_namespace.h"
#include "sys/credentials.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/process.h"
#include "sys/resolve.h"
#include "sys/scheduling.h"
#include "sys/socket.h"
#include "sys/terminal_mode.h"
#include "sys/tree.h"

namespace hull::runtime {

namespace {

constexpr uint64_t cap_sys_admin = uint64_t{1} << 21;
constexpr int stdio_count = 3;

int first_free(const Starting& s) { return stdio_count + static_cast<int>(s.stdio.extra.size()); }

// ---- session and terminal --------------------------------------------------

Result<void> new_session(Starting& s) {
    s.root = TRY(sys::open("/", O_PATH | O_DIRECTORY));
    TRY(sys::new_session());
    return s.process.keyring == Keyring::fresh ? sys::new_session_keyring() : Result<void>();
}

Result<void> bind_console(Starting& s) {
    UniqueFd target = TRY(sys::make_file_beneath(s.root, "/dev/console", 0600));
    return sys::bind_mount(s.terminal.slave, target).context("mount /dev/console");
}

Result<void> send_master(Starting& s) {
    if (!s.stdio.console_socket) {
        if (s.stdio.line_ends == LineEnds::kept) TRY(sys::keep_line_ends(s.terminal.master));
        return s.report.terminal(s.terminal.master);
    }
    std::array<BorrowedFd, 1> master{s.terminal.master};
    return sys::send_message(s.stdio.console_socket, "/dev/pts/" + std::to_string(s.terminal.number), master)
        .context("send the terminal to the console socket");
}

Result<void> make_terminal(Starting& s) {
    if (!s.process.terminal) return {};
    UniqueFd devpts = TRY(sys::open_beneath(s.root, "/dev/pts", O_PATH | O_DIRECTORY, sys::Links::refused));
    s.terminal = TRY(sys::open_terminal(devpts));
    if (s.process.rows || s.process.columns)
        TRY(sys::set_window_size(s.terminal.master, s.process.rows, s.process.columns));
    if (s.is_init) TRY(bind_console(s));
    TRY(send_master(s));
    s.terminal.master.reset();
    return sys::make_controlling(s.terminal.slave);
}

// ---- user ------------------------------------------------------------------

// A file of the image: bounded, and nothing but a regular file is read.
// Missing is empty, as for Docker.
Result<std::string> read_account_file(BorrowedFd root, const std::string& path) {
    constexpr size_t limit = size_t{8} << 20;
    auto file = sys::open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, sys::Links::in_root);
    if (!file.ok()) {
        if (file.error().code() == ENOENT || file.error().code() == ENOTDIR) return std::string();
        return std::move(file).error();
    }
    auto info = TRY(sys::stat_fd(*file));
    if (!S_ISREG(info.st_mode)) return Error(ErrorKind::invalid_argument, path + " is not a regular file");
    if (static_cast<uint64_t>(info.st_size) > limit) return Error(ErrorKind::too_large, path + " is larger than 8 MiB");
    std::string text(static_cast<size_t>(info.st_size), '\0');
    size_t used = 0;
    while (used < text.size()) {
        size_t n = TRY(sys::read(*file, std::span(text).subspan(used)));
        if (n == 0) break;
        used += n;
    }
    text.resize(used);
    return text;
}

// Empty is as good as not there, as for runc.
bool names_home(const std::vector<std::string>& env) {
    const auto last =
        std::ranges::find_if(env.rbegin(), env.rend(), [](const auto& e) { return e.starts_with("HOME="); });
    return last != env.rend() && *last != "HOME=";
}

void add_groups(std::vector<uint32_t>& to, std::span<const uint32_t> gids) {
    for (uint32_t gid : gids)
        if (std::ranges::find(to, gid) == to.end()) to.push_back(gid);
}

Result<void> look_up_user(Starting& s) {
    s.env = s.process.env;
    bool wants_home = !names_home(s.env);
    bool by_text = !s.process.user.empty();
    std::string passwd;
    std::string group;
    if (by_text || wants_home) passwd = TRY(read_account_file(s.root, "/etc/passwd"));
    if (by_text || !s.process.additional_groups.empty()) group = TRY(read_account_file(s.root, "/etc/group"));
    if (by_text) {
        s.user = TRY(find_user(s.process.user, passwd, group));
        // Or a process could leave its group and pass where the group is denied (CVE-2022-36109).
        std::vector<uint32_t> groups{s.user.gid};
        add_groups(groups, s.user.groups);
        s.user.groups = std::move(groups);
    } else {
        s.user.uid = s.process.uid;
        s.user.gid = s.process.gid;
        if (wants_home) s.user.home = find_home(s.user.uid, passwd);
    }
    add_groups(s.user.groups, s.process.additional_gids);
    add_groups(s.user.groups, TRY(find_groups(s.process.additional_groups, group)));
    if (!wants_home) return {};
    std::erase_if(s.env, [](const std::string& entry) { return entry.starts_with("HOME="); });
    s.env.push_back("HOME=" + s.user.home);
    return {};
}

// ---- standard streams ------------------------------------------------------

// So that the user can open /dev/stdout again.
Result<void> own_stdio(const Starting& s, BorrowedFd fd) {
    auto info = TRY(sys::stat_fd(fd));
    bool ours = S_ISFIFO(info.st_mode) || fd.get() == s.terminal.slave.get();
    if (!ours || info.st_uid == s.user.uid) return {};
    auto owned = sys::change_owner(fd, s.user.uid, static_cast<gid_t>(-1));
    // A pipe of somebody else's, handed through: as it is.
    if (!owned.ok() && (owned.error().code() == EPERM || owned.error().code() == EINVAL)) return {};
    return owned;
}

bool is_null(BorrowedFd fd) {
    auto info = sys::stat_fd(fd);
    return info.ok() && S_ISCHR(info->st_mode) && info->st_rdev == makedev(1, 3);
}

// The container's own instead of the host's, whose mount it needn't reach (and
// CRIU couldn't save). Invalid: there is none.
UniqueFd own_null(const Starting& s, BorrowedFd fd) {
    auto access = sys::access_mode(fd);
    if (!access.ok()) return {};
    auto null = sys::open_beneath(s.root, "/dev/null", *access | O_NOCTTY, sys::Links::refused);
    return null.ok() && is_null(*null) ? std::move(*null) : UniqueFd();
}

Result<void> place_stdio(Starting& s) {
    int above = first_free(s);
    std::vector<UniqueFd> wanted;
    auto take = [&](BorrowedFd fd, int null_flags) -> Result<void> {
        if (s.terminal.slave) fd = s.terminal.slave;
        UniqueFd null;
        if (fd && is_null(fd)) {
            null = own_null(s, fd);
            if (null) fd = null;
        }
        if (!fd) {
            null = TRY(sys::open_beneath(s.root, "/dev/null", null_flags | O_NOCTTY, sys::Links::refused));
            fd = null;
        }
        TRY(own_stdio(s, fd));
        wanted.push_back(TRY(sys::duplicate_above(fd, above)));
        return {};
    };
    TRY(take(s.stdio.stdin_, O_RDONLY));
    TRY(take(s.stdio.stdout_, O_WRONLY));
    TRY(take(s.stdio.stderr_, O_WRONLY));
    for (BorrowedFd fd : s.stdio.extra) wanted.push_back(TRY(sys::duplicate_above(fd, above)));
    s.terminal.slave.reset();
    for (size_t i = 0; i < wanted.size(); ++i) TRY(sys::duplicate_to(wanted[i], static_cast<int>(i)));
    wanted.clear();
    // What is left over was opened before, by whoever: not one of them may be
    // reachable from here on (CVE-2024-21626).
    s.root.reset();
    std::array<int, 2> keep{s.report.fd().get(), s.stdio.gate.get()};
    return sys::close_all_from(static_cast<unsigned>(above), keep);
}

// ---- labels, scheduling --------------------------------------------------------

Result<void> set_labels(Starting& s) {
    if (!s.host_proc) return {};
    if (!s.process.apparmor_profile.empty()) TRY(kernel::set_exec_apparmor(s.host_proc, s.process.apparmor_profile));
    if (!s.process.selinux_label.empty()) TRY(kernel::set_exec_selinux(s.host_proc, s.process.selinux_label));
    s.host_proc.reset();
    return {};
}

Result<void> set_scheduling(Starting& s) {
    const ProcessPlan& p = s.process;
    if (p.personality) TRY(sys::set_personality(*p.personality).context("linux.personality"));
    if (p.memory_policy)
        TRY(sys::set_memory_policy(p.memory_policy->mode, p.memory_policy->nodes).context("linux.memoryPolicy"));
    if (p.scheduler && !is_inherited(*p.scheduler)) TRY(set_scheduler(*p.scheduler));
    return {};
}

// ---- limits, ids, capabilities -----------------------------------------------

Result<void> set_limits(Starting& s) {
    for (const auto& limit : s.process.rlimits)
        TRY(sys::set_limit(limit.resource, {limit.soft, limit.hard}).context("ulimit " + rlimit_name(limit.resource)));
    return {};
}

Result<void> check_mapped(std::span<const IdRange> map, uint32_t id, const char* what) {
    if (to_outside(map, id)) return {};
    return Error(ErrorKind::invalid_argument, std::string(what) + " " + std::to_string(id) +
                                                  " is outside of the container's user namespace; use a smaller id, "
                                                  "or run the container with --userns=host");
}

// In a user namespace whose groups were mapped without privileges the kernel
// denies setgroups(2) to everybody (user_namespaces(7)).
Result<void> set_groups(const Starting& s) {
    constexpr uint64_t cap_setgid = uint64_t{1} << 6;
    auto set = sys::set_groups(s.user.groups);
    if (set.ok() || set.error().code() != EPERM) return set;
    bool is_denied = TRY(sys::get_capabilities()).effective & cap_setgid;
    if (s.user.groups.empty() && (is_denied || TRY(sys::group_count()) == 0)) return {};
    if (!is_denied) return set;
    return Error(ErrorKind::forbidden, "additional groups can't be set: this user namespace denies setgroups, as its "
                                       "groups were mapped without privileges; leave out additionalGids, or map more "
                                       "groups with subordinate ids (/etc/subgid, package uidmap)")
        .with_code(EPERM);
}

Result<void> change_ids(Starting& s) {
    TRY(check_mapped(s.uid_map, s.user.uid, "user"));
    TRY(check_mapped(s.gid_map, s.user.gid, "group"));
    for (uint32_t gid : s.user.groups) TRY(check_mapped(s.gid_map, gid, "group"));
    const uint64_t have = kernel::kernel_capabilities();
    for (int i = 0; i < 64; ++i)
        if (have >> i & 1 && !(s.process.caps.bounding >> i & 1)) TRY(sys::drop_bounding_capability(i));
    TRY(sys::clear_ambient_capabilities());
    TRY(sys::set_keep_capabilities(true));
    TRY(set_groups(s));
    TRY(sys::set_gid(s.user.gid));
    TRY(sys::set_uid(s.user.uid));
    TRY(sys::set_keep_capabilities(false));
    return sys::set_not_dumpable();
}

bool seccomp_needs_admin(const Starting& s) { return !s.process.seccomp.empty() && !s.process.no_new_privileges; }

bool notifies(const Starting& s) { return !s.process.seccomp_listener.empty(); }

Result<void> reduce_capabilities(Starting& s) {
    const CapabilitySets& caps = s.process.caps;
    sys::Capabilities sets{caps.effective, caps.permitted, caps.inheritable};
    // Loading the filter is the last thing done; until then the one it needs
    // is kept aside, not in effect.
    if (seccomp_needs_admin(s)) sets.permitted |= cap_sys_admin;
    TRY(sys::set_capabilities(sets));
    for (int i = 0; i < 64; ++i)
        if (caps.ambient >> i & 1) TRY(sys::raise_ambient_capability(i));
    if (s.process.no_new_privileges) TRY(sys::set_no_new_privileges());
    return {};
}

// ---- working folder and program ----------------------------------------------

std::string go_reason(const Error& error) {
    switch (error.code()) {
    case ENOENT: return "no such file or directory";
    case ENOTDIR: return "not a directory";
    case EACCES: return "permission denied";
    default: return error.message();
    }
}

Result<void> enter_cwd(Starting& s, bool as_user) {
    auto changed = sys::chdir(s.process.cwd);
    if (!changed.ok()) {
        // Root may be allowed in where the user isn't, or the other way round
        // (a network file system): either will do.
        if (!as_user || changed.error().code() == EACCES) return {};
        return Error(ErrorKind::invalid_argument, "chdir to cwd (\"" + s.process.cwd +
                                                      "\") set in config.json failed: " + go_reason(changed.error()));
    }
    return {};
}

Result<void> enter_cwd_as_root(Starting& s) {
    TRY(sys::chdir("/"));
    return enter_cwd(s, false);
}

Result<void> enter_cwd_as_user(Starting& s) {
    TRY(enter_cwd(s, true));
    std::string here = TRY(sys::current_folder().context("working folder"));
    if (!here.starts_with('/'))
        return Error(ErrorKind::invalid_argument, "current working directory is outside of container mount namespace "
                                                  "root: " +
                                                      s.process.cwd);
    if (here == "/" && s.process.cwd.find_first_not_of('/') != std::string::npos) {
        auto info = sys::stat(s.process.cwd);
        auto root = sys::stat("/");
        bool same = info.ok() && root.ok() && info->st_ino == root->st_ino && info->st_dev == root->st_dev;
        if (!same)
            return Error(ErrorKind::invalid_argument,
                         "chdir to cwd (\"" + s.process.cwd + "\") set in config.json failed: permission denied");
    }
    return {};
}

Result<void> look_up_program(Starting& s) {
    s.program = TRY(find_program(s.process.args.front(), s.env));
    return {};
}

constexpr std::array<Step<Starting>, 12> process_list{{
    {"session", new_session},
    {"terminal", make_terminal},
    {"user", look_up_user},
    {"labels", set_labels},
    {"stdio", place_stdio},
    {"scheduling", set_scheduling},
    {"limits", set_limits},
    {"cwd", enter_cwd_as_root},
    {"ids", change_ids},
    {"capabilities", reduce_capabilities},
    {"enter cwd", enter_cwd_as_user},
    {"program", look_up_program},
}};

Result<void> pass_gate(Starting& s) {
    if (s.gate == Gate::none) return {};
    TRY(s.report.simple(ReportKind::at_gate));
    // Whoever made us knows us for good from here on; when that is killed
    // before, nobody would.
    TRY(s.report.wait_for_resume());
    UniqueFd connection = TRY(sys::accept(s.stdio.gate).context("wait at the gate"));
    connection = TRY(sys::duplicate_above(connection, first_free(s)));
    s.report.replace(std::move(connection));
    return {};
}

Result<void> load_with_admin(const Starting& s, const std::function<Result<void>()>& load) {
    const CapabilitySets& caps = s.process.caps;
    if (seccomp_needs_admin(s))
        TRY(sys::set_capabilities({caps.effective | cap_sys_admin, caps.permitted | cap_sys_admin, caps.inheritable}));
    TRY(load());
    if (seccomp_needs_admin(s)) TRY(sys::set_capabilities({caps.effective, caps.permitted, caps.inheritable}));
    return {};
}

Result<void> load_filter(const Starting& s) {
    return load_with_admin(s, [&] { return sys::load_seccomp(s.process.seccomp, s.process.seccomp_flags); });
}

Result<void> load_seccomp(Starting& s) {
    if (s.process.seccomp.empty()) return {};
    return notifies(s) ? load_with_admin(s, [&] { return load_and_hand_over(s); }) : load_filter(s);
}

Result<void> last_things(Starting& s) {
    TRY(pass_gate(s));
    if (s.after_gate) TRY(s.after_gate());
    TRY(sys::close_on_exec_from(static_cast<unsigned>(first_free(s))));
    sys::set_umask(s.process.umask.value_or(0022));
    // With a listener `starting` comes after that.
    if (!notifies(s)) TRY(s.report.simple(ReportKind::starting));
    TRY(load_seccomp(s));
    sys::unblock_signals();
    return {};
}

} // namespace

std::span<const Step<Starting>> process_steps() { return process_list; }

Result<void> confine_hook(const Starting& s) {
    if (s.process.seccomp.empty() || notifies(s)) return {};
    return load_filter(s);
}

Error become_program(Starting& s) {
    auto ready = last_things(s);
    if (!ready.ok()) return std::move(ready).error();
    Error failed = sys::exec(s.program, s.process.args, s.env);
    return exec_failure(s.program, failed.code());
}

} // namespace hull::runtime
