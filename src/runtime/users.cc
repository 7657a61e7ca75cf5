#include "runtime/users.h"

#include <algorithm>
#include <array>
#include <optional>

namespace hull::runtime {

namespace {

constexpr uint64_t max_id = 2147483647;

// Takes the next line off text.
std::string_view take_line(std::string_view& text) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

template <size_t N>
size_t split_fields(std::string_view line, std::array<std::string_view, N>& fields) {
    size_t count = 0;
    while (count < N) {
        size_t colon = line.find(':');
        bool last = colon == line.npos || count + 1 == N;
        fields[count++] = last ? line : line.substr(0, colon);
        if (last) break;
        line.remove_prefix(colon + 1);
    }
    return count;
}

bool all_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

struct Number {
    enum class Kind : unsigned char { not_a_number, out_of_range, id };
    Kind kind = Kind::not_a_number;
    uint32_t value = 0;
};

// A decimal number as people write one; only ids up to max_id are any good. A
// minus is out of range, also before 0; a plus makes it a name.
Number read_number(std::string_view text) {
    bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    if (!all_digits(text)) return {};
    uint64_t value = 0;
    for (char c : text) {
        value = value * 10 + static_cast<uint64_t>(c - '0');
        if (value > max_id) return {Number::Kind::out_of_range, 0};
    }
    if (negative) return {Number::Kind::out_of_range, 0};
    return {Number::Kind::id, static_cast<uint32_t>(value)};
}

// In a file: digits only.
std::optional<uint32_t> read_file_id(std::string_view text) {
    if (!all_digits(text)) return std::nullopt;
    Number number = read_number(text);
    if (number.kind != Number::Kind::id) return std::nullopt;
    return number.value;
}

struct UserEntry { // name:password:uid:gid:gecos:home:shell
    std::string_view name, home;
    uint32_t uid = 0, gid = 0;
};

std::optional<UserEntry> parse_user(std::string_view line) {
    std::array<std::string_view, 7> f;
    if (line.starts_with('#') || split_fields(line, f) < 4 || f[0].empty()) return std::nullopt;
    auto uid = read_file_id(f[2]);
    auto gid = read_file_id(f[3]);
    if (!uid || !gid) return std::nullopt;
    return UserEntry{f[0], f[5], *uid, *gid};
}

struct GroupEntry { // name:password:gid:members
    std::string_view name, members;
    uint32_t gid = 0;

    bool has_member(std::string_view user) const {
        for (std::string_view rest = members; !rest.empty();) {
            size_t comma = rest.find(',');
            if (rest.substr(0, comma) == user) return true;
            rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
        }
        return false;
    }
};

std::optional<GroupEntry> parse_group(std::string_view line) {
    std::array<std::string_view, 4> f;
    if (line.starts_with('#') || split_fields(line, f) < 3 || f[0].empty()) return std::nullopt;
    auto gid = read_file_id(f[2]);
    if (!gid) return std::nullopt;
    return GroupEntry{f[0], f[3], *gid};
}

template <class Matches>
std::optional<UserEntry> first_user(std::string_view passwd, Matches&& matches) {
    while (!passwd.empty()) {
        auto entry = parse_user(take_line(passwd));
        if (entry && matches(*entry)) return entry;
    }
    return std::nullopt;
}

// A name in the file comes before the number it may also be.
std::optional<UserEntry> user_by_text(std::string_view passwd, std::string_view text) {
    Number number = read_number(text);
    bool is_id = number.kind == Number::Kind::id && all_digits(text);
    return first_user(passwd, [&](const UserEntry& e) { return e.name == text || (is_id && e.uid == number.value); });
}

std::optional<GroupEntry> group_by_text(std::string_view group, std::string_view text) {
    Number number = read_number(text);
    bool is_id = number.kind == Number::Kind::id && all_digits(text);
    while (!group.empty()) {
        auto entry = parse_group(take_line(group));
        if (entry && (entry->name == text || (is_id && entry->gid == number.value))) return entry;
    }
    return std::nullopt;
}

Error out_of_range() {
    return Error(ErrorKind::invalid_argument, "uids and gids must be in range 0-" + std::to_string(max_id));
}

Result<uint32_t> number_or(std::string_view text, const char* kind, const char* file) {
    Number number = read_number(text);
    if (number.kind == Number::Kind::out_of_range) return out_of_range();
    if (number.kind == Number::Kind::id) return number.value;
    return Error(ErrorKind::invalid_argument, "unable to find " + std::string(kind) + " " + std::string(text) +
                                                  ": no matching entries in " + file + " file");
}

std::vector<uint32_t> groups_of(std::string_view user, std::string_view group) {
    std::vector<uint32_t> gids;
    while (!group.empty()) {
        auto entry = parse_group(take_line(group));
        if (entry && entry->has_member(user)) gids.push_back(entry->gid);
    }
    return gids;
}

} // namespace

Result<ResolvedUser> find_user(std::string_view spec, std::string_view passwd, std::string_view group) {
    size_t colon = spec.find(':');
    std::string_view user_text = spec.substr(0, colon);
    std::string_view group_text = colon == spec.npos ? std::string_view{} : spec.substr(colon + 1);

    ResolvedUser user;
    auto entry = user_text.empty() ? first_user(passwd, [](const UserEntry& e) { return e.uid == 0; })
                                   : user_by_text(passwd, user_text);
    if (entry) {
        user.uid = entry->uid;
        user.gid = entry->gid;
        if (!entry->home.empty()) user.home = entry->home;
    } else if (!user_text.empty()) {
        user.uid = TRY(number_or(user_text, "user", "passwd"));
    }

    if (!group_text.empty()) {
        auto found = group_by_text(group, group_text);
        user.gid = found ? found->gid : TRY(number_or(group_text, "group", "group"));
    } else if (entry) {
        // Only without an explicit group, as Docker does.
        user.groups = groups_of(entry->name, group);
    }
    return user;
}

std::string find_home(uint32_t uid, std::string_view passwd) {
    auto entry = first_user(passwd, [&](const UserEntry& e) { return e.uid == uid; });
    return entry && !entry->home.empty() ? std::string(entry->home) : "/";
}

Result<std::vector<uint32_t>> find_groups(std::span<const std::string> names, std::string_view group) {
    std::vector<uint32_t> gids;
    for (const auto& name : names) {
        auto found = group_by_text(group, name);
        uint32_t gid = found ? found->gid : TRY(number_or(name, "group", "group"));
        if (std::ranges::find(gids, gid) == gids.end()) gids.push_back(gid);
    }
    return gids;
}

} // namespace hull::runtime
