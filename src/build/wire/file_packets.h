// How BuildKit's clients and engines send files: stats first, then contents of
// those that are asked for. Source: BuildKit's filesync.proto; fsutil's
// types/wire.proto and types/stat.proto.
//
// The sender sends a packet `stat` for each file, in order, and one without a
// stat at their end. The receiver asks with `request` for contents by a file's
// place among the stats; they come as `data`, an empty one at the end. Both end
// with `finish`.
//
// Between hulld and hull: the receiver may say in the call's metadata what it has
// (known_stats: the digest of the stats of the last time). A sender whose stats
// have the same digest sends `same` instead of them all. A stat of hull's has Node::version, too, which others ignore:
// a file that was changed and has its old time again is sent anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "build/files/tree.h"

namespace hull::build::wire {

struct FileStat {
    std::string path; // relative, clean
    Node node;        // of a hard link: a file with its target
};

struct FilePacket {
    enum class Type : unsigned char {
        stat = 0,
        request = 1,
        data = 2,
        finish = 3,
        error = 4,
        same = 5
    } type = Type::stat;
    std::optional<FileStat> stat = {};
    uint32_t id = 0;
    std::string data = {}; // of an error: its text
};

constexpr const char* known_stats = "hull-known-stats"; // hex
// Adds a printed packet with a stat to that digest; hash: a SHA-256.
template <class Hash>
void add_stat(Hash& hash, std::string_view packet) {
    hash.update(std::to_string(packet.size()) + ":");
    hash.update(packet);
}

std::string print(const FilePacket& packet);
// Errors: invalid_argument.
Result<FilePacket> parse_file_packet(std::string_view message);

// Node::mode and type as Go's os.FileMode has them, and back.
uint32_t go_mode(const Node& node);
Result<void> set_go_mode(Node& node, uint32_t mode);

} // namespace hull::build::wire
