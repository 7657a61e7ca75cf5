#include "kernel/namespaces.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <vector>

#include <fcntl.h>

#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace hull::kernel {

namespace {

constexpr std::array<NamespaceKind, 8> kinds{{
    {"user", "user", CLONE_NEWUSER},
    {"pid", "pid", CLONE_NEWPID},
    {"mount", "mnt", CLONE_NEWNS},
    {"network", "net", CLONE_NEWNET},
    {"ipc", "ipc", CLONE_NEWIPC},
    {"uts", "uts", CLONE_NEWUTS},
    {"cgroup", "cgroup", CLONE_NEWCGROUP},
    {"time", "time", sys::abi::clone_newtime},
}};

bool overlap(uint64_t a, uint64_t b, uint64_t size_a, uint64_t size_b) { return a < b + size_b && b < a + size_a; }

Error bad_map(const std::string& why) { return Error(ErrorKind::invalid_argument, "id map: " + why); }
Error bad_range(const IdMapping& range, const char* why) {
    std::string text = id_map_text({&range, 1});
    text.pop_back(); // the line's end
    return bad_map("the range \"" + text + "\" " + why);
}

} // namespace

std::span<const NamespaceKind> namespace_kinds() { return kinds; }

std::string id_map_text(std::span<const IdMapping> map) {
    std::string text;
    for (const auto& range : map)
        text.append(std::to_string(range.inside) + " " + std::to_string(range.outside) + " " +
                    std::to_string(range.size) + "\n");
    return text;
}

Result<void> check_id_map(std::span<const IdMapping> map) {
    constexpr uint64_t end_of_ids = UINT32_MAX; // the last one means "no id"
    constexpr size_t max_ranges = 340;          // UID_GID_MAP_MAX_EXTENTS
    if (map.empty()) return bad_map("no range");
    if (map.size() > max_ranges) return bad_map("more than 340 ranges");
    for (size_t i = 0; i < map.size(); ++i) {
        const IdMapping& range = map[i];
        if (range.size == 0) return bad_range(range, "has no ids");
        if (uint64_t{range.inside} + range.size > end_of_ids || uint64_t{range.outside} + range.size > end_of_ids)
            return bad_range(range, "goes beyond the last id");
        for (size_t j = 0; j < i; ++j)
            if (overlap(range.inside, map[j].inside, range.size, map[j].size) ||
                overlap(range.outside, map[j].outside, range.size, map[j].size))
                return bad_range(range, "overlaps with another one");
    }
    return {};
}

namespace {

Result<void> write_maps(const std::string& proc, std::span<const IdMapping> uids, std::span<const IdMapping> gids) {
    TRY(check_id_map(uids));
    TRY(check_id_map(gids));
    TRY(sys::write_existing(proc + "/uid_map", id_map_text(uids)).context("map the users of a user namespace"));
    TRY(sys::write_existing(proc + "/gid_map", id_map_text(gids)).context("map the groups of a user namespace"));
    return {};
}

std::string proc_of(pid_t pid) { return "/proc/" + std::to_string(pid); }

} // namespace

Result<std::vector<IdMapping>> parse_id_map(std::string_view text) {
    std::vector<IdMapping> map;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        std::array<uint32_t, 3> numbers{};
        for (uint32_t& number : numbers) {
            line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
            auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
            if (error != std::errc{}) return Error(ErrorKind::corrupt, "a line of an id map is not three numbers");
            line.remove_prefix(static_cast<size_t>(end - line.data()));
        }
        map.push_back({numbers[0], numbers[1], numbers[2]});
    }
    return map;
}

Result<IdMaps> read_id_maps(const std::string& path) {
    UniqueFd user_ns = TRY(sys::open(path, O_RDONLY));
    // Only a process in it has its maps in procfs.
    auto [ours, theirs] = TRY(sys::socket_pair(sys::SocketType::stream));
    pid_t pid = TRY(sys::clone({.flags = 0, .exit_signal = SIGCHLD, .pidfd = nullptr, .cgroup = {}}));
    if (pid == 0) {
        ours.reset();
        auto joined = sys::setns(user_ns, CLONE_NEWUSER);
        int code = joined.ok() ? 0 : joined.error().code();
        char answer = static_cast<char>(code);
        (void)sys::write_all(theirs, {&answer, 1});
        // Until the parent has read.
        (void)sys::read(theirs, {&answer, 1});
        sys::exit_now(0);
    }
    theirs.reset();
    auto look = [&]() -> Result<IdMaps> {
        char code = 0;
        if (TRY(sys::read(ours, {&code, 1})) != 1) return Error(ErrorKind::internal, "the helper process died");
        if (code != 0) return Error::from_errno("setns", path, code);
        IdMaps maps;
        maps.uids = TRY(parse_id_map(TRY(sys::read_file(proc_of(pid) + "/uid_map"))));
        maps.gids = TRY(parse_id_map(TRY(sys::read_file(proc_of(pid) + "/gid_map"))));
        return maps;
    };
    auto maps = look();
    ours.reset();
    (void)sys::wait_for(pid);
    return maps;
}

Result<UniqueFd> make_user_namespace(std::span<const IdMapping> uids, std::span<const IdMapping> gids) {
    auto holder = TRY(sys::NamespaceHolder::create(CLONE_NEWUSER).context("make a user namespace"));
    std::string proc = proc_of(holder.pid());
    TRY(write_maps(proc, uids, gids));
    return sys::open(proc + "/ns/user", O_RDONLY);
}

Result<NamespacePair> make_user_and_net_namespace(std::span<const IdMapping> uids, std::span<const IdMapping> gids) {
    bool with_user = !uids.empty() || !gids.empty();
    uint64_t flags = CLONE_NEWNET | (with_user ? CLONE_NEWUSER : 0);
    auto holder = TRY(sys::NamespaceHolder::create(flags).context("make a network namespace"));
    std::string proc = proc_of(holder.pid());
    NamespacePair pair;
    if (with_user) {
        TRY(write_maps(proc, uids, gids));
        pair.user = TRY(sys::open(proc + "/ns/user", O_RDONLY));
    }
    pair.net = TRY(sys::open(proc + "/ns/net", O_RDONLY));
    return pair;
}

} // namespace hull::kernel
