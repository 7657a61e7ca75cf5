#include "codec/tar_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace hull::tar {

namespace {

constexpr uint64_t max_id = 0xfffffffe; // -1 means "leave it" to chown

Result<int64_t> number(std::string_view block, FieldAt where, std::string_view name) {
    auto value = parse_number(field(block, where));
    if (!value) return malformed("the header's " + std::string(name) + " is not a number");
    return *value;
}

Result<uint64_t> decimal(std::string_view text, std::string_view name) {
    uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > INT64_MAX)
        return malformed(std::string(name) + " is not a number");
    return value;
}

Result<uint32_t> checked_id(uint64_t value, std::string_view name) {
    if (value > max_id) return malformed(std::string(name) + " is out of range");
    return static_cast<uint32_t>(value);
}

Result<uint32_t> header_id(std::string_view block, FieldAt where, std::string_view name) {
    int64_t value = TRY(number(block, where, name));
    return checked_id(static_cast<uint64_t>(value), name);
}

Result<uint32_t> pax_id(std::string_view text, std::string_view name) {
    uint64_t value = TRY(decimal(text, name));
    return checked_id(value, name);
}

// The map describes stored_size bytes of data within size bytes of file.
Result<void> check_segments(Entry& entry) {
    uint64_t end = 0, stored = 0;
    for (const Segment& s : entry.segments) {
        if (s.offset < end || s.offset > entry.size || s.length > entry.size - s.offset)
            return malformed("the map of a sparse file is out of order or range");
        end = s.offset + s.length;
        stored += s.length;
    }
    if (stored != entry.stored_size) return malformed("the map of a sparse file doesn't match its data");
    std::erase_if(entry.segments, [](const Segment& s) { return s.length == 0; });
    return {};
}

Result<void> parse_sparse_list(std::string_view text, size_t limit, std::vector<Segment>& out) {
    while (!text.empty()) {
        if (out.size() >= limit) return Error(ErrorKind::too_large, "tar: a sparse file has too many segments");
        Segment s;
        for (uint64_t* value : {&s.offset, &s.length}) {
            size_t comma = text.find(',');
            *value = TRY(decimal(text.substr(0, comma), "a sparse map's element"));
            text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
            if (value == &s.offset && comma == text.npos) return malformed("a sparse map ends within a pair");
        }
        out.push_back(s);
    }
    return {};
}

std::string join_prefix(std::string_view block, FieldAt where) {
    std::string path(text_field(block, where));
    if (!path.empty()) path += '/';
    return path.append(text_field(block, at::name));
}

std::string header_path(std::string_view block) {
    std::string_view magic = field(block, at::magic);
    if (magic.starts_with("ustar") && magic[5] == '\0') {
        bool star = field(block, at::star_trailer) == std::string_view("tar\0", 4);
        return join_prefix(block, star ? at::star_prefix : at::prefix);
    }
    return std::string(text_field(block, at::name)); // v7; GNU has times where the prefix is
}

} // namespace

Reader::Reader(ChunkSource& in, ByteSink* raw, const ReadLimits& limits) : in_(in), raw_(raw), limits_(limits) {}

Result<std::string_view> Reader::some(size_t most) {
    if (chunk_.empty()) chunk_ = TRY(in_.next());
    std::string_view piece = chunk_.substr(0, most);
    chunk_.remove_prefix(piece.size());
    position_ += piece.size();
    return piece;
}

// Fills block_; false when the stream ended before it and that is allowed.
Result<bool> Reader::read_block(bool end_allowed) {
    size_t have = 0;
    while (have < block_bytes) {
        std::string_view piece = TRY(some(block_bytes - have));
        if (piece.empty()) {
            if (have == 0 && end_allowed) return false;
            return malformed("unexpected EOF");
        }
        std::memcpy(block_.data() + have, piece.data(), piece.size());
        have += piece.size();
    }
    if (raw_) TRY(raw_->write(block()));
    return true;
}

Result<void> Reader::skip(uint64_t bytes) {
    while (bytes > 0) {
        std::string_view piece = TRY(some(static_cast<size_t>(std::min<uint64_t>(bytes, SIZE_MAX))));
        if (piece.empty()) return malformed("unexpected EOF");
        if (raw_) TRY(raw_->write(piece));
        bytes -= piece.size();
    }
    return {};
}

// The data of a header that extends the next one.
Result<std::string> Reader::read_special(int64_t size, size_t limit) {
    if (static_cast<uint64_t>(size) > limit)
        return Error(ErrorKind::too_large, "tar: an extended header of " + std::to_string(size) + " bytes");
    std::string text;
    auto bytes = static_cast<size_t>(size);
    text.reserve(bytes);
    while (text.size() < bytes) {
        std::string_view piece = TRY(some(bytes - text.size()));
        if (piece.empty()) return malformed("unexpected EOF");
        text.append(piece);
    }
    if (raw_) TRY(raw_->write(text));
    TRY(skip(padding_of(bytes)));
    return text;
}

Result<bool> Reader::next(Entry& entry) {
    if (ended_) return false;
    TRY(skip(data_left_));
    TRY(skip(padding_left_));
    data_left_ = padding_left_ = 0;

    PaxRecords pax;
    std::string long_name, long_link;
    for (;;) {
        bool there = TRY(read_block(true));
        if (!there || is_zero(block())) {
            // One block of zeros ends an archive as well as two do, if nothing follows.
            if (there) there = TRY(read_block(true));
            if (there && !is_zero(block())) return malformed("a header of zeros within the archive");
            ended_ = true;
            return false;
        }
        auto stored_sum = parse_number(field(block(), at::checksum));
        Checksums sums = checksums(block());
        if (!stored_sum || (*stored_sum != sums.unsigned_sum && *stored_sum != sums.signed_sum))
            return malformed("a header's checksum is wrong");

        char type = block()[at::type.offset];
        int64_t size = TRY(number(block(), at::size, "size"));
        if (size < 0) return malformed("a negative size");
        switch (type) {
        case 'x':
        case 'X': {
            std::string text = TRY(read_special(size, limits_.extension_bytes));
            pax = TRY(parse_pax(text));
            continue;
        }
        case 'g': TRY(read_special(size, limits_.extension_bytes)); continue;
        case 'L': long_name = TRY(read_special(size, limits_.name_bytes)); continue;
        case 'K': long_link = TRY(read_special(size, limits_.name_bytes)); continue;
        case 'V': // a volume's label
            TRY(skip(static_cast<uint64_t>(size)));
            TRY(skip(padding_of(static_cast<uint64_t>(size))));
            continue;
        default: TRY(read_header(entry, type, pax, long_name, long_link)); return true;
        }
    }
}

Result<void> Reader::read_header(Entry& entry, char type, const PaxRecords& pax, const std::string& long_name,
                                 const std::string& long_link) {
    entry = Entry();
    entry.path = long_name.empty() ? header_path(block()) : long_name.substr(0, long_name.find('\0'));
    entry.link_target =
        long_link.empty() ? std::string(text_field(block(), at::link)) : long_link.substr(0, long_link.find('\0'));
    int64_t mode = TRY(number(block(), at::mode, "mode"));
    int64_t size = TRY(number(block(), at::size, "size"));
    entry.mode = static_cast<uint32_t>(mode & 07777);
    entry.uid = TRY(header_id(block(), at::uid, "uid"));
    entry.gid = TRY(header_id(block(), at::gid, "gid"));
    entry.mtime = TRY(number(block(), at::mtime, "mtime"));
    entry.stored_size = static_cast<uint64_t>(size);

    switch (type) {
    case '\0': entry.type = entry.path.ends_with('/') ? Type::directory : Type::file; break;
    case '0':
    case '7':
    case 'S': entry.type = Type::file; break;
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6': entry.type = static_cast<Type>(type); break;
    default:
        return Error(ErrorKind::unsupported, "tar: entry " + entry.path.substr(0, 256) + " is of type '" +
                                                 std::string(1, type) + "', which is not supported");
    }
    if (entry.type == Type::char_device || entry.type == Type::block_device) {
        int64_t major = TRY(number(block(), at::device_major, "device number"));
        int64_t minor = TRY(number(block(), at::device_minor, "device number"));
        // What the kernel can hold: 12 and 20 bits.
        if (major < 0 || major > 0xfff || minor < 0 || minor > 0xfffff)
            return malformed("a device number is out of range");
        entry.device_major = static_cast<uint32_t>(major);
        entry.device_minor = static_cast<uint32_t>(minor);
    }
    TRY(apply_pax(entry, pax));
    // Only files have data, whatever the size says (as Go's archive/tar).
    if (entry.type != Type::file) entry.stored_size = 0;
    entry.size = entry.stored_size;
    data_left_ = entry.stored_size;
    padding_left_ = padding_of(entry.stored_size);
    if (entry.type == Type::file) TRY(read_sparse(entry, type, pax));
    if (entry.path.empty()) return malformed("an entry without a name");
    if (entry.path.size() > limits_.name_bytes || entry.link_target.size() > limits_.name_bytes)
        return Error(ErrorKind::too_large, "tar: a name is too long");
    return {};
}

Result<void> Reader::apply_pax(Entry& entry, const PaxRecords& pax) {
    for (const auto& [key, value] : pax) {
        if (key == "path") {
            entry.path = value;
        } else if (key == "linkpath") {
            entry.link_target = value;
        } else if (key == "size") {
            entry.stored_size = TRY(decimal(value, "pax size"));
        } else if (key == "uid") {
            entry.uid = TRY(pax_id(value, "pax uid"));
        } else if (key == "gid") {
            entry.gid = TRY(pax_id(value, "pax gid"));
        } else if (key == "mtime") {
            auto time = parse_pax_time(value);
            if (!time) return malformed("pax mtime is not a time");
            entry.mtime = time->seconds;
            entry.mtime_ns = time->ns;
        } else if (key.starts_with("SCHILY.xattr.")) {
            std::string name = key.substr(13);
            if (name.empty() || name.size() > 255) return malformed("an extended attribute's name");
            if (value.size() > 65536) return Error(ErrorKind::too_large, "tar: an extended attribute is too long");
            entry.xattrs.emplace_back(std::move(name), value);
        }
    }
    return {};
}

Result<void> Reader::read_sparse(Entry& entry, char type, const PaxRecords& pax) {
    auto record = [&](std::string_view key) -> const std::string* {
        auto it = pax.find(key);
        return it == pax.end() ? nullptr : &it->second;
    };
    if (type == 'S') {
        TRY(read_old_sparse_map(entry));
        return check_segments(entry);
    }
    const std::string* major = record("GNU.sparse.major");
    const std::string* minor = record("GNU.sparse.minor");
    const std::string* map = record("GNU.sparse.map");
    const bool in_data = major && minor && *major == "1" && *minor == "0";
    const bool in_pax = map && (!major || (*major == "0" && minor && (*minor == "0" || *minor == "1")));
    if (!in_data && !in_pax) {
        if (major) return Error(ErrorKind::unsupported, "tar: sparse files of version " + *major);
        return {};
    }
    if (const std::string* name = record("GNU.sparse.name")) entry.path = *name;
    const std::string* size = record("GNU.sparse.realsize");
    if (!size) size = record("GNU.sparse.size");
    if (!size) return malformed("a sparse file without its size");
    entry.size = TRY(decimal(*size, "a sparse file's size"));
    entry.sparse = true;
    if (in_data)
        TRY(read_sparse_map_1_0(entry));
    else
        TRY(parse_sparse_list(*map, limits_.segments, entry.segments));
    return check_segments(entry);
}

Result<void> Reader::read_old_sparse_map(Entry& entry) {
    entry.sparse = true;
    int64_t size = TRY(number(block(), at::sparse_size, "real size"));
    if (size < 0) return malformed("a sparse file's size");
    entry.size = static_cast<uint64_t>(size);
    FieldAt map = at::sparse_map, more = at::sparse_more;
    for (;;) {
        for (size_t i = 0; i < map.bytes; i += 24) {
            std::string_view pair = block().substr(map.offset + i, 24);
            if (pair[0] == '\0' || pair[12] == '\0') break; // the list's end
            auto offset = parse_number(pair.substr(0, 12)), length = parse_number(pair.substr(12, 12));
            if (!offset || !length || *offset < 0 || *length < 0) return malformed("a sparse map's element");
            if (entry.segments.size() >= limits_.segments)
                return Error(ErrorKind::too_large, "tar: a sparse file has too many segments");
            entry.segments.push_back({static_cast<uint64_t>(*offset), static_cast<uint64_t>(*length)});
        }
        if (block()[more.offset] == '\0') return {};
        TRY(read_block(false)); // these blocks don't count as data
        map = at::more_map;
        more = at::more_more;
    }
}

// The map stands before the data: a count, then (offset, length), one decimal
// number a line, filled up to a block.
Result<void> Reader::read_sparse_map_1_0(Entry& entry) {
    std::string text;
    size_t parsed = 0;
    auto next_number = [&]() -> Result<uint64_t> {
        for (;;) {
            size_t newline = text.find('\n', parsed);
            if (newline != text.npos) {
                uint64_t value = TRY(decimal(std::string_view(text).substr(parsed, newline - parsed), "a sparse map"));
                parsed = newline + 1;
                return value;
            }
            if (text.size() - parsed > 32) return malformed("a sparse map's number is too long");
            if (data_left_ < block_bytes) return malformed("a sparse map runs out of data");
            text.erase(0, parsed);
            parsed = 0;
            TRY(read_block(false));
            data_left_ -= block_bytes;
            text.append(block());
        }
    };
    uint64_t count = TRY(next_number());
    if (count > limits_.segments) return Error(ErrorKind::too_large, "tar: a sparse file has too many segments");
    for (uint64_t i = 0; i < count; ++i) {
        uint64_t offset = TRY(next_number());
        uint64_t length = TRY(next_number());
        entry.segments.push_back({offset, length});
    }
    entry.stored_size = data_left_;
    return {};
}

Result<std::string_view> Reader::data() {
    if (data_left_ == 0) return std::string_view();
    std::string_view piece = TRY(some(static_cast<size_t>(std::min<uint64_t>(data_left_, SIZE_MAX))));
    if (piece.empty()) return malformed("unexpected EOF");
    data_left_ -= piece.size();
    return piece;
}

Result<void> Reader::drain() {
    for (;;) {
        std::string_view piece = TRY(some(SIZE_MAX));
        if (piece.empty()) return {};
        if (raw_) TRY(raw_->write(piece));
    }
}

} // namespace hull::tar
