#include "codec/tar_writer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "codec/tar_header.h"

namespace hull::tar {

namespace {

using Block = std::array<char, block_bytes>;
constexpr std::array<char, block_bytes> zeros{};

bool plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0 && c < 0x7f; });
}

// Where to cut a long path so that both parts fit ustar's fields; npos: nowhere.
size_t split_point(std::string_view path) {
    if (path.size() > at::prefix.bytes + 1 + at::name.bytes) return path.npos;
    size_t cut = path.rfind('/', std::min(at::prefix.bytes, path.size() - 2));
    if (cut == path.npos || cut == 0 || path.size() - cut - 1 > at::name.bytes) return path.npos;
    return cut;
}

void put_text(Block& block, FieldAt where, std::string_view text) {
    std::memcpy(block.data() + where.offset, text.data(), std::min(text.size(), where.bytes));
}

bool put_number(Block& block, FieldAt where, uint64_t value) {
    return print_octal(block.data() + where.offset, where.bytes, value);
}

std::string sparse_map(const Entry& entry) {
    std::string map = std::to_string(entry.segments.size()) + "\n";
    for (const Segment& s : entry.segments) map += std::to_string(s.offset) + "\n" + std::to_string(s.length) + "\n";
    map.append(padding_of(map.size()), '\0');
    return map;
}

} // namespace

Result<void> Writer::end_entry() {
    if (data_left_ != 0) return Error(ErrorKind::invalid_argument, "tar: the data of an entry is too short");
    TRY(out_.write({zeros.data(), static_cast<size_t>(padding_)}));
    padding_ = 0;
    return {};
}

// The ustar header alone; what doesn't fit stands in a pax header before it.
Result<void> Writer::header(const Entry& entry, std::string_view path, char type, uint64_t size) {
    Block block{};
    if (path.size() > at::name.bytes) {
        size_t cut = plain(path) ? split_point(path) : path.npos;
        if (cut != path.npos) {
            put_text(block, at::prefix, path.substr(0, cut));
            path.remove_prefix(cut + 1);
        }
    }
    put_text(block, at::name, path);
    put_text(block, at::link, entry.link_target);
    put_number(block, at::mode, entry.mode & 07777);
    if (!put_number(block, at::uid, entry.uid)) put_number(block, at::uid, 0);
    if (!put_number(block, at::gid, entry.gid)) put_number(block, at::gid, 0);
    if (!put_number(block, at::size, size)) put_number(block, at::size, 0);
    if (entry.mtime < 0 || !put_number(block, at::mtime, static_cast<uint64_t>(entry.mtime)))
        put_number(block, at::mtime, 0);
    block[at::type.offset] = type;
    put_text(block, at::magic,
             std::string_view("ustar\0"
                              "00",
                              8));
    bool fits = put_number(block, at::device_major, entry.device_major);
    fits &= put_number(block, at::device_minor, entry.device_minor);
    if (!fits) return Error(ErrorKind::invalid_argument, "tar: a device number is out of range");
    print_octal(block.data() + at::checksum.offset, at::checksum.bytes - 1,
                static_cast<uint64_t>(checksums({block.data(), block.size()}).unsigned_sum));
    block[at::checksum.offset + at::checksum.bytes - 1] = ' ';
    return out_.write({block.data(), block.size()});
}

Result<void> Writer::add(const Entry& entry) {
    TRY(end_entry());
    const bool file = entry.type == Type::file;
    const bool sparse = file && entry.sparse;
    std::string map = sparse ? sparse_map(entry) : "";
    uint64_t stored = file ? entry.size : 0;
    if (sparse) {
        stored = 0;
        for (const Segment& s : entry.segments) stored += s.length;
    }

    std::map<std::string, std::string> pax; // sorted: the same bytes each time
    std::string_view path = entry.path;
    if (sparse) {
        pax = {{"GNU.sparse.major", "1"},
               {"GNU.sparse.minor", "0"},
               {"GNU.sparse.name", entry.path},
               {"GNU.sparse.realsize", std::to_string(entry.size)}};
        path = "GNUSparseFile.0/sparse";
    }
    const bool path_fits = plain(path) && (path.size() <= at::name.bytes || split_point(path) != path.npos);
    if (!path_fits) pax["path"] = path;
    if (!plain(entry.link_target) || entry.link_target.size() > at::link.bytes) pax["linkpath"] = entry.link_target;
    constexpr uint64_t octal7 = 07777777, octal11 = 077777777777;
    if (entry.uid > octal7) pax["uid"] = std::to_string(entry.uid);
    if (entry.gid > octal7) pax["gid"] = std::to_string(entry.gid);
    if (map.size() + stored > octal11) pax["size"] = std::to_string(map.size() + stored);
    if (entry.mtime < 0 || entry.mtime_ns != 0 || static_cast<uint64_t>(entry.mtime) > octal11)
        pax["mtime"] = print_pax_time({entry.mtime, entry.mtime_ns});
    for (const auto& [name, value] : entry.xattrs) pax["SCHILY.xattr." + name] = value;

    if (!pax.empty()) {
        std::string records;
        for (const auto& [key, value] : pax) records += print_pax_record(key, value);
        Entry extension;
        extension.mode = 0644;
        TRY(header(extension, "PaxHeaders.0/entry", 'x', records.size()));
        records.append(padding_of(records.size()), '\0');
        TRY(out_.write(records));
    }
    TRY(header(entry, path, static_cast<char>(entry.type), map.size() + stored));
    if (sparse) TRY(out_.write(map));
    data_left_ = stored;
    padding_ = padding_of(stored);
    return {};
}

Result<void> Writer::data(std::string_view bytes) {
    if (bytes.size() > data_left_) return Error(ErrorKind::invalid_argument, "tar: the data of an entry is too long");
    data_left_ -= bytes.size();
    return out_.write(bytes);
}

Result<void> Writer::finish() {
    TRY(end_entry());
    TRY(out_.write({zeros.data(), zeros.size()}));
    return out_.write({zeros.data(), zeros.size()});
}

} // namespace hull::tar
