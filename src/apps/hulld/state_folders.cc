#include "apps/hulld/state_folders.h"

#include <algorithm>
#include <charconv>

#include <fcntl.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/socket.h"
#include "sys/tree.h"

namespace hull {

namespace {

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
}

std::string own_pid() { return std::to_string(::getpid()); }

// "1234 (hulld) S ...": name and state of a process.
std::string name_and_state(const std::string& pid) {
    auto stat = sys::read_file("/proc/" + pid + "/stat", 4096);
    size_t open = stat.ok() ? stat->find('(') : std::string::npos;
    size_t close = stat.ok() ? stat->rfind(')') : std::string::npos;
    if (open == std::string::npos || close == std::string::npos || close + 2 >= stat->size()) return {};
    return stat->substr(open, close + 3 - open);
}

// A number may have gone to another program since, and a process that was
// killed may not have been reaped.
bool is_running_engine(const std::string& pid) {
    if (pid.empty() || pid.find_first_not_of("0123456789") != pid.npos) return false;
    std::string there = name_and_state(pid), ours = name_and_state(own_pid());
    return !there.empty() && there.back() != 'Z' &&
           there.substr(0, there.size() - 1) == ours.substr(0, ours.size() - 1);
}

Result<UniqueFd> open_folder(const std::string& path) { return sys::open(path, O_RDONLY | O_DIRECTORY); }

} // namespace

Result<StateFolder> StateFolder::open(const std::string& what, const std::string& path) {
    auto make = [&]() -> Result<void> {
        TRY(sys::mkdir_parents(path, 0700));
        UniqueFd folder = TRY(open_folder(path));
        return sys::change_mode(folder, 0700);
    };
    // "data root" -> --data-root
    std::string flag = "--" + what;
    std::ranges::replace(flag, ' ', '-');
    TRY(make().context([&] { return "make the " + what + " (" + flag + " takes another place)"; }));
    std::string file = path + "/hulld.lock";
    auto lock = sys::lock_file(file);
    if (!lock.ok()) {
        if (lock.error().kind() != ErrorKind::conflict) return std::move(lock).error();
        auto holder = sys::read_file(file, 64);
        return Error(ErrorKind::conflict, "the " + what + " " + path + " is in use by another hulld (process " +
                                              (holder.ok() ? trimmed(*holder) : "?") + ")");
    }
    TRY(sys::truncate(*lock, uint64_t{0}));
    TRY(sys::write_all_at(*lock, own_pid() + "\n", 0));
    return StateFolder(path, std::move(*lock));
}

Result<void> StateFolder::let_pass(gid_t group) {
    UniqueFd folder = TRY(open_folder(path_));
    TRY(sys::change_owner(folder, 0, group));
    return sys::change_mode(folder, 0710);
}

Result<PidFile> PidFile::create(const std::string& path) {
    auto old = sys::read_file(path, 64);
    if (old.ok() && trimmed(*old) != own_pid() && is_running_engine(trimmed(*old)))
        return Error(ErrorKind::conflict, "pid file " + path + " names process " + trimmed(*old) +
                                              ", which runs: end it, or delete the file if it is no hulld");
    size_t slash = path.rfind('/');
    if (slash != path.npos && slash > 0) TRY(sys::mkdir_parents(path.substr(0, slash), 0755));
    TRY(sys::replace_file(path, own_pid() + "\n", 0644).context("write the pid file"));
    return PidFile(path);
}

PidFile::~PidFile() {
    // Missing is fine: the end is what it is for.
    if (!path_.empty()) static_cast<void>(sys::unlink(path_).ok());
}

std::optional<gid_t> find_group(const std::string& name) {
    auto text = sys::read_file("/etc/group");
    if (!text.ok()) return std::nullopt;
    // name:password:number:members
    for (size_t at = 0; at < text->size();) {
        size_t end = std::min(text->find('\n', at), text->size());
        std::string_view line(text->data() + at, end - at);
        at = end + 1;
        if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") continue;
        size_t colon = line.find(':', name.size() + 1);
        if (colon == line.npos) continue;
        gid_t group = 0;
        auto parsed = std::from_chars(line.data() + colon + 1, line.data() + line.size(), group);
        if (parsed.ec == std::errc()) return group;
    }
    return std::nullopt;
}

Result<UniqueFd> listen_for_group(const std::string& path, gid_t group) {
    size_t slash = path.rfind('/');
    std::string folder = slash == 0 ? "/" : path.substr(0, slash);
    if (!sys::exists(folder)) TRY(sys::mkdir_parents(folder, 0755));
    UniqueFd socket = TRY(sys::listen_unix(path, sys::SocketType::stream, 0660));
    UniqueFd dir = TRY(open_folder(folder));
    TRY(sys::change_owner_at(dir, path.substr(slash + 1), 0, group));
    return socket;
}

} // namespace hull
