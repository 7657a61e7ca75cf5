#include "kernel/subordinate_ids.h"

#include <algorithm>
#include <charconv>

#include <fcntl.h>

#include "sys/credentials.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/run_program.h"

namespace hull::kernel {

namespace {

constexpr uint64_t cap_setgid = uint64_t{1} << 6;
constexpr uint64_t cap_setuid = uint64_t{1} << 7;
constexpr size_t account_file_limit = size_t{16} << 20;

// What differs between users and groups.
struct Names {
    const char *doing, *map_file, *program, *subordinate_file, *usermod_flag, *id;
};
const Names& names_of(IdKind kind) {
    static constexpr Names users{
        "map the users of the user namespace", "uid_map", "newuidmap", "/etc/subuid", "--add-subuids", "uid"};
    static constexpr Names groups{
        "map the groups of the user namespace", "gid_map", "newgidmap", "/etc/subgid", "--add-subgids", "gid"};
    return kind == IdKind::user ? users : groups;
}

// The next line without its end; text goes on behind it.
std::string_view take_line(std::string_view& text) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return line;
}

std::string_view take_field(std::string_view& line) {
    std::string_view field = line.substr(0, line.find(':'));
    line.remove_prefix(std::min(line.size(), field.size() + 1));
    return field;
}

bool parse_whole(std::string_view text, uint32_t& into) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

bool is_covered(const IdMapping& map, const std::vector<SubordinateRange>& ranges) {
    return std::ranges::any_of(ranges, [&](const SubordinateRange& r) {
        return map.outside >= r.first && uint64_t{map.outside} + map.size <= uint64_t{r.first} + r.count;
    });
}

std::string range_text(uint32_t first, uint32_t count) {
    if (count == 1) return std::to_string(first);
    return std::to_string(first) + "-" + std::to_string(uint64_t{first} + count - 1);
}

} // namespace

std::vector<SubordinateRange> parse_subordinate(std::string_view file, std::string_view name, uint32_t uid) {
    std::vector<SubordinateRange> out;
    while (!file.empty()) {
        std::string_view line = take_line(file);
        std::string_view owner = take_field(line);
        std::string_view first = take_field(line);
        uint32_t number = 0;
        bool is_theirs = (!name.empty() && owner == name) || (parse_whole(owner, number) && number == uid);
        SubordinateRange range;
        if (is_theirs && parse_whole(first, range.first) && parse_whole(line, range.count)) out.push_back(range);
    }
    return out;
}

std::string name_of_user(std::string_view passwd, uint32_t uid) {
    while (!passwd.empty()) {
        std::string_view line = take_line(passwd);
        std::string_view name = take_field(line);
        take_field(line); // password
        uint32_t number = 0;
        if (parse_whole(take_field(line), number) && number == uid) return std::string(name);
    }
    return {};
}

std::string missing_subordinate(IdKind kind, std::span<const IdMapping> map, std::string_view file,
                                std::string_view name, uint32_t uid, uint32_t own_id) {
    const Names& names = names_of(kind);
    auto ranges = parse_subordinate(file, name, uid);
    std::string who = name.empty() ? std::to_string(uid) : std::string(name);
    for (const IdMapping& part : map) {
        if ((part.outside == own_id && part.size == 1) || is_covered(part, ranges)) continue;
        std::string wanted = std::string(names.id) + " " + range_text(part.outside, part.size) + " of the host";
        if (ranges.empty())
            return std::string(names.subordinate_file) + " has no entry for " + who + " that gives it " + wanted +
                   "; add one (usermod " + names.usermod_flag + " " + std::to_string(part.outside) + "-" +
                   std::to_string(uint64_t{part.outside} + part.size - 1) + " " + who + ")";
        std::string has;
        for (const auto& range : ranges) has += (has.empty() ? "" : ", ") + range_text(range.first, range.count);
        return wanted + " is not " + who + "'s: " + names.subordinate_file + " gives it " + has;
    }
    return {};
}

std::vector<std::string> map_program_args(IdKind kind, int pid, std::span<const IdMapping> map) {
    std::vector<std::string> args{names_of(kind).program, std::to_string(pid)};
    for (const IdMapping& part : map)
        for (uint32_t number : {part.inside, part.outside, part.size}) args.push_back(std::to_string(number));
    return args;
}

namespace {

struct Target {
    pid_t pid;
    std::string proc; // "/proc/<pid>"
    sys::Identity self;
};

Error refused_by_kernel(const Names& names, std::span<const IdMapping> map, Error error) {
    if (error.code() != EPERM) return error;
    std::string ranges;
    for (const auto& part : map) ranges += (ranges.empty() ? "" : ", ") + range_text(part.outside, part.size);
    return Error(ErrorKind::forbidden, "the kernel refused " + std::string(names.id) + " " + ranges +
                                           ": not all of them are mapped in the user namespace that this runs in")
        .with_code(EPERM);
}

Result<void> write_map(const Target& target, const Names& names, std::span<const IdMapping> map) {
    auto written = sys::write_existing(target.proc + "/" + names.map_file, id_map_text(map));
    if (!written.ok()) return refused_by_kernel(names, map, std::move(written).error());
    return {};
}

Error no_program(const Names& names, uint32_t own_id) {
    return Error(ErrorKind::unsupported, "ids other than one's own (" + std::string(names.id) + " " +
                                             std::to_string(own_id) + ") need the program " + names.program +
                                             ", which is not in PATH: install the package uidmap, or map " +
                                             std::to_string(own_id) + " alone");
}

std::string text_of(const char* file) {
    auto text = sys::read_file(file, account_file_limit);
    return text.ok() ? std::move(*text) : std::string();
}

// What the program printed, on one line, and what the files say about it.
Error program_failed(IdKind kind, const Target& target, std::span<const IdMapping> map, std::string output,
                     uint32_t own_id) {
    const Names& names = names_of(kind);
    while (!output.empty() && (output.back() == '\n' || output.back() == ' ')) output.pop_back();
    std::ranges::replace(output, '\n', ' ');
    std::string prefix = std::string(names.program) + ": ";
    std::string text = output.starts_with(prefix) ? output : prefix + (output.empty() ? "failed" : output);
    std::string name = name_of_user(text_of("/etc/passwd"), target.self.uid);
    std::string missing =
        missing_subordinate(kind, map, text_of(names.subordinate_file), name, target.self.uid, own_id);
    if (!missing.empty()) text += " (" + missing + ")";
    return {ErrorKind::forbidden, text};
}

Result<void> run_map_program(IdKind kind, const Target& target, std::span<const IdMapping> map, uint32_t own_id) {
    const Names& names = names_of(kind);
    constexpr size_t output_limit = 65536;
    auto ran = sys::run_program(names.program, map_program_args(kind, target.pid, map), output_limit);
    if (!ran.ok()) {
        bool is_missing = ran.error().code() == ENOENT || ran.error().code() == EACCES;
        return is_missing ? no_program(names, own_id) : std::move(ran).error();
    }
    if (ran->exit_code == 0) return {};
    return program_failed(kind, target, map, std::move(ran->output), own_id);
}

Result<void> map_ids(IdKind kind, const Target& target, std::span<const IdMapping> map) {
    const Names& names = names_of(kind);
    uint32_t own_id = kind == IdKind::user ? target.self.effective_uid : target.self.effective_gid;
    auto caps = TRY(sys::get_capabilities());
    if (caps.effective & (kind == IdKind::user ? cap_setuid : cap_setgid)) return write_map(target, names, map);
    bool only_own = map.size() == 1 && map.front().size == 1 && map.front().outside == own_id;
    if (!only_own) return run_map_program(kind, target, map, own_id);
    // Or a group could be left that denies its members something.
    if (kind == IdKind::group) TRY(sys::write_existing(target.proc + "/setgroups", "deny"));
    return write_map(target, names, map);
}

Error no_user_namespace(Error error) {
    switch (error.code()) {
    case EPERM:
    case EACCES:
        return std::move(error).context("make a user namespace (they may be switched off for users: see "
                                        "kernel.unprivileged_userns_clone and "
                                        "kernel.apparmor_restrict_unprivileged_userns)");
    case ENOSPC:
    case EUSERS: return std::move(error).context("make a user namespace (see user.max_user_namespaces)");
    default: return std::move(error).context("make a user namespace");
    }
}

} // namespace

Result<UniqueFd> make_user_namespace_unprivileged(const IdMaps& maps) {
    TRY(check_id_map(maps.uids).context("users"));
    TRY(check_id_map(maps.gids).context("groups"));
    auto holder = sys::NamespaceHolder::create(CLONE_NEWUSER);
    if (!holder.ok()) return no_user_namespace(std::move(holder).error());
    Target target{holder->pid(), "/proc/" + std::to_string(holder->pid()), sys::identity()};
    TRY(map_ids(IdKind::user, target, maps.uids).context(names_of(IdKind::user).doing));
    TRY(map_ids(IdKind::group, target, maps.gids).context(names_of(IdKind::group).doing));
    return sys::open(target.proc + "/ns/user", O_RDONLY);
}

} // namespace hull::kernel
