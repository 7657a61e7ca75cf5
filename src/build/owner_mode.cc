// --chown and --chmod.
#include <charconv>
#include <optional>

#include "build/copy.h"

namespace hull::build {

namespace {

constexpr size_t max_account_bytes = size_t{1} << 20;

std::optional<uint32_t> as_number(std::string_view text, int base = 10) {
    uint32_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

Result<std::string> account_file(const Tree& tree, const std::string& path) {
    std::string real = TRY(resolve(tree, path, FinalLink::followed));
    auto node = TRY(tree.look(real));
    if (!node || node->type != tar::Type::file) return std::string();
    if (node->size > max_account_bytes) return Error(ErrorKind::too_large, "/" + path + " is longer than 1 MiB");
    auto source = TRY(tree.open(real));
    std::string text(node->size, '\0');
    text.resize(TRY(read_full(*source, text)));
    return text;
}

// The fields of the line whose first is name.
std::optional<std::vector<std::string>> account(std::string_view text, std::string_view name) {
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ':') continue;
        std::vector<std::string> fields;
        for (size_t begin = 0; begin <= line.size();) {
            size_t end = std::min(line.find(':', begin), line.size());
            fields.emplace_back(line.substr(begin, end - begin));
            begin = end + 1;
        }
        return fields;
    }
    return std::nullopt;
}

struct Clause {
    uint32_t who = 0; // of 0777
    char how = 0;
    uint32_t bits = 0;
};

// "go-w"; X is x for folders and for what has an x.
Result<Clause> clause_of(std::string_view text, uint32_t mode, bool folder) {
    Clause clause;
    size_t i = 0;
    uint32_t special = 0;
    for (; i < text.size() && std::string_view("ugoa").find(text[i]) != std::string_view::npos; ++i) {
        clause.who |= text[i] == 'u' ? 0700u : text[i] == 'g' ? 0070u : text[i] == 'o' ? 0007u : 0777u;
        special |= text[i] == 'u' ? 04000u : text[i] == 'g' ? 02000u : text[i] == 'a' ? 06000u : 0u;
    }
    if (clause.who == 0) {
        clause.who = 0777;
        special = 06000;
    }
    if (i == text.size() || std::string_view("+-=").find(text[i]) == std::string_view::npos)
        return invalid("invalid --chmod: \"" + std::string(text) + "\" is neither octal nor like u+x");
    clause.how = text[i++];
    for (; i < text.size(); ++i) {
        switch (text[i]) {
        case 'r': clause.bits |= 0444 & clause.who; break;
        case 'w': clause.bits |= 0222 & clause.who; break;
        case 'x': clause.bits |= 0111 & clause.who; break;
        case 'X': clause.bits |= (folder || (mode & 0111)) ? 0111 & clause.who : 0; break;
        case 's': clause.bits |= special; break;
        case 't': clause.bits |= 01000; break;
        default: return invalid("invalid --chmod: \"" + std::string(text) + "\": unknown permission " + text[i]);
        }
    }
    return clause;
}

} // namespace

Result<uint32_t> changed_mode(const std::string& text, uint32_t mode, bool folder) {
    if (auto octal = as_number(text, 8)) {
        if (*octal > 07777) return invalid("invalid --chmod: \"" + text + "\" is above 7777");
        return *octal;
    }
    for (std::string_view rest = text; !rest.empty();) {
        size_t end = std::min(rest.find(','), rest.size());
        Clause clause = TRY(clause_of(rest.substr(0, end), mode, folder));
        if (clause.how == '+')
            mode |= clause.bits;
        else if (clause.how == '-')
            mode &= ~clause.bits;
        else
            mode = (mode & ~clause.who) | clause.bits;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return mode;
}

Result<Owner> find_owner(const Tree& tree, const std::string& text) {
    size_t colon = text.find(':');
    std::string user = text.substr(0, colon);
    std::optional<std::string> group;
    if (colon != text.npos) group = text.substr(colon + 1);
    Owner owner;
    if (auto number = as_number(user)) {
        owner.uid = owner.gid = *number;
    } else if (!user.empty()) {
        auto found = account(TRY(account_file(tree, "etc/passwd")), user);
        auto uid = found && found->size() > 3 ? as_number((*found)[2]) : std::nullopt;
        auto gid = found && found->size() > 3 ? as_number((*found)[3]) : std::nullopt;
        if (!uid || !gid)
            return invalid("unable to convert uid/gid chown string to host mapping: can't find uid for user " + user +
                           ": no such user: " + user);
        owner = {*uid, *gid};
    }
    if (!group || group->empty()) return owner;
    if (auto number = as_number(*group)) {
        owner.gid = *number;
        return owner;
    }
    auto found = account(TRY(account_file(tree, "etc/group")), *group);
    auto gid = found && found->size() > 2 ? as_number((*found)[2]) : std::nullopt;
    if (!gid)
        return invalid("unable to convert uid/gid chown string to host mapping: can't find gid for group " + *group +
                       ": no such group: " + *group);
    owner.gid = *gid;
    return owner;
}

} // namespace hull::build
