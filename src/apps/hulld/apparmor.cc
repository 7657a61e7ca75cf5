#include "apps/hulld/apparmor.h"

#include "sys/file.h"
#include "sys/run_program.h"

namespace hull {

namespace {

constexpr std::string_view rules = R"(
  network,
  capability,
  file,
  umount,

  # Stopped and killed from outside by whoever isn't confined, or by a runtime that is.
  signal (receive) peer=unconfined,
  signal (receive) peer={runc,crun,hull-keeper,hull-runtime},
  signal (send, receive) peer=@NAME@,

  # Files of /proc itself, and of what in it are no processes.
  deny @{PROC}/* w,
  deny @{PROC}/[^1-9s]*/** w,
  deny @{PROC}/s[^y]*/** w,
  deny @{PROC}/sy[^s]*/** w,
  # Of the sysctls only those of shared memory are the container's own.
  deny @{PROC}/sys/[^k]** w,
  deny @{PROC}/sys/kernel/[^s]** w,
  deny @{PROC}/sys/kernel/s[^h]** w,
  deny @{PROC}/sys/kernel/sh[^m]** w,
  deny @{PROC}/sysrq-trigger rwklx,
  deny @{PROC}/kcore rwklx,

  deny mount,

  # Of /sys only fs/cgroup, which has permissions of its own.
  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/kernel/security/** rwklx,

  # Debuggers work among the container's own.
  ptrace (trace, read, tracedby, readby) peer=@NAME@,
}
)";

void replace_all(std::string& text, std::string_view what, std::string_view with) {
    for (size_t at = 0; (at = text.find(what, at)) != text.npos; at += with.size()) text.replace(at, what.size(), with);
}

} // namespace

std::string apparmor_profile_text(const std::string& name, const std::string& folder) {
    std::string text = "# Made by hulld at its start.\n";
    text += sys::exists(folder + "/tunables/global") ? "#include <tunables/global>\n" : "@{PROC}=/proc/\n";
    text += "\nprofile @NAME@ flags=(attach_disconnected,mediate_deleted) {\n";
    if (sys::exists(folder + "/abstractions/base")) text += "  #include <abstractions/base>\n";
    text += rules;
    replace_all(text, "@NAME@", name);
    return text;
}

Result<void> load_apparmor_profile(const std::string& name, const std::string& exec_root) {
    const std::string folder = exec_root + "/apparmor", path = folder + "/" + name;
    TRY(sys::mkdir_parents(folder, 0700));
    TRY(sys::replace_file(path, apparmor_profile_text(name), 0600));
    // -K: no cache that would be asked instead of the file; -r: over one that is there.
    auto done = TRY(sys::run_program("apparmor_parser", {"apparmor_parser", "-Kr", path}, size_t{64} << 10));
    if (done.exit_code == 0) return {};
    return Error(ErrorKind::system,
                 "apparmor_parser ended with " + std::to_string(done.exit_code) + ": " + done.output);
}

} // namespace hull
