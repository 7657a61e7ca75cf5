#include "kernel/mount_table.h"

#include <charconv>
#include <optional>

#include "sys/file.h"

namespace hull::kernel {

namespace {

// Takes the text up to the next space; nullopt at the end of the line.
std::optional<std::string_view> take_word(std::string_view& line) {
    if (line.empty()) return std::nullopt;
    size_t space = line.find(' ');
    std::string_view word = line.substr(0, space);
    line.remove_prefix(space == line.npos ? line.size() : space + 1);
    return word;
}

template <class N>
bool parse_number(std::string_view text, N& out) {
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
    return code == std::errc{} && end == text.data() + text.size();
}

bool is_octal(char c) { return c >= '0' && c <= '7'; }

// The kernel writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
            is_octal(text[i + 3])) {
            out.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
            i += 3;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

// "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
std::optional<MountRecord> parse_line(std::string_view line) {
    MountRecord record;
    auto id = take_word(line);
    auto parent = take_word(line);
    auto device = take_word(line);
    auto root = take_word(line);
    auto point = take_word(line);
    auto options = take_word(line);
    if (!options || !parse_number(*id, record.id) || !parse_number(*parent, record.parent)) return std::nullopt;
    size_t colon = device->find(':');
    if (colon == device->npos || !parse_number(device->substr(0, colon), record.major) ||
        !parse_number(device->substr(colon + 1), record.minor))
        return std::nullopt;
    record.root = unescape(*root);
    record.mount_point = unescape(*point);
    record.options = *options;
    for (;;) {
        auto word = take_word(line);
        if (!word) return std::nullopt;
        if (*word == "-") break;
        if (!record.propagation.empty()) record.propagation.push_back(' ');
        record.propagation.append(*word);
    }
    auto type = take_word(line);
    auto source = take_word(line);
    auto super = take_word(line);
    if (!type || !source) return std::nullopt;
    record.fs_type = unescape(*type);
    record.source = unescape(*source);
    if (super) record.super_options = *super;
    return record;
}

} // namespace

Result<std::vector<MountRecord>> parse_mount_table(std::string_view text) {
    std::vector<MountRecord> table;
    while (!text.empty()) {
        size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        auto record = parse_line(line);
        if (!record) return Error(ErrorKind::corrupt, "mount table: can't read the line: " + std::string(line));
        table.push_back(std::move(*record));
    }
    return table;
}

Result<std::vector<MountRecord>> read_mount_table() {
    std::string text = TRY(sys::read_file("/proc/self/mountinfo", size_t{64} << 20));
    return parse_mount_table(text);
}

bool is_below(std::string_view path, std::string_view prefix) {
    while (prefix.size() > 1 && prefix.ends_with('/')) prefix.remove_suffix(1);
    if (prefix == "/" || prefix.empty()) return true;
    return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

} // namespace hull::kernel
