// The fixed 512-byte header of tar and the records of pax, as bytes: field
// positions, numbers, checksums. Pure; used by the reader and the writer.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/tar.h"

namespace hull::tar {

struct FieldAt {
    size_t offset, bytes;
};
namespace at {
inline constexpr FieldAt name{0, 100}, mode{100, 8}, uid{108, 8}, gid{116, 8}, size{124, 12}, mtime{136, 12},
    checksum{148, 8}, type{156, 1}, link{157, 100}, magic{257, 8}, device_major{329, 8}, device_minor{337, 8},
    prefix{345, 155};
// star's own prefix is shorter: times follow it.
inline constexpr FieldAt star_prefix{345, 131}, star_trailer{508, 4};
// GNU's old sparse header: four (offset, bytes) pairs, a flag that more follow, the file's size.
inline constexpr FieldAt sparse_map{386, 96}, sparse_more{482, 1}, sparse_size{483, 12};
// A block that continues the map: 21 pairs and the flag.
inline constexpr FieldAt more_map{0, 504}, more_more{504, 1};
} // namespace at

inline std::string_view field(std::string_view block, FieldAt where) { return block.substr(where.offset, where.bytes); }
// Up to the first NUL.
std::string_view text_field(std::string_view block, FieldAt where);

// Octal, or base-256 when the first bit is set. nullopt: malformed or beyond 63 bits.
std::optional<int64_t> parse_number(std::string_view field);
// Octal that fills the field with a NUL at its end; false when the value doesn't fit.
bool print_octal(char* field, size_t bytes, uint64_t value);

// The sum of the header's bytes with the checksum field as blanks, and the
// same with signed bytes, as some old programs have it.
struct Checksums {
    int64_t unsigned_sum = 0, signed_sum = 0;
};
Checksums checksums(std::string_view block);

bool is_zero(std::string_view bytes);

// From the end of content of this size to the next block, in bytes.
constexpr uint64_t padding_of(uint64_t size) { return (block_bytes - size % block_bytes) % block_bytes; }

// pax records "<length> <key>=<value>\n". Repeated GNU.sparse.offset and
// .numbytes (sparse format 0.0) are joined into GNU.sparse.map. An empty value
// deletes the key. Errors: invalid_argument.
using PaxRecords = std::map<std::string, std::string, std::less<>>;
Result<PaxRecords> parse_pax(std::string_view text);
std::string print_pax_record(std::string_view key, std::string_view value);

// "1350244992.023960108" as seconds and nanoseconds, rounded down.
struct PaxTime {
    int64_t seconds = 0;
    uint32_t ns = 0;
};
std::optional<PaxTime> parse_pax_time(std::string_view text);
std::string print_pax_time(const PaxTime& time);

Error malformed(std::string_view what);

} // namespace hull::tar
