#include "build/wire/file_packets.h"

#include "codec/protobuf.h"

namespace hull::build::wire {

namespace {

// os.FileMode
constexpr uint32_t folder_bit = 1u << 31, link_bit = 1u << 27, device_bit = 1u << 26, fifo_bit = 1u << 25,
                   socket_bit = 1u << 24, setuid_bit = 1u << 23, setgid_bit = 1u << 22, char_bit = 1u << 21,
                   sticky_bit = 1u << 20;
constexpr int64_t second_ns = 1'000'000'000;

using protobuf::Field;
using protobuf::Reader;
using protobuf::Writer;

constexpr uint32_t version_field = 1000; // ours

Result<std::pair<std::string, std::string>> parse_attribute(std::string_view message) {
    return protobuf::read_entry(message);
}

Result<FileStat> parse_stat(std::string_view message) {
    FileStat stat;
    Reader reader(message);
    Field field;
    int64_t mtime = 0;
    uint32_t mode = 0;
    while (TRY(reader.next(field))) {
        if (field.is_text(1)) stat.path = field.text;
        if (field.is_number(2)) mode = static_cast<uint32_t>(field.value);
        if (field.is_number(3)) stat.node.uid = static_cast<uint32_t>(field.value);
        if (field.is_number(4)) stat.node.gid = static_cast<uint32_t>(field.value);
        if (field.is_number(5)) stat.node.size = field.value;
        if (field.is_number(6)) mtime = field.signed_value();
        if (field.is_text(7)) stat.node.target = field.text;
        if (field.is_number(8)) stat.node.device_major = static_cast<uint32_t>(field.value);
        if (field.is_number(9)) stat.node.device_minor = static_cast<uint32_t>(field.value);
        if (field.is_number(version_field)) stat.node.version = field.value;
        if (field.is_text(10)) stat.node.xattrs.push_back(TRY(parse_attribute(field.text)));
    }
    stat.node.mtime = mtime / second_ns;
    int64_t rest = mtime % second_ns;
    if (rest < 0) {
        rest += second_ns;
        --stat.node.mtime;
    }
    stat.node.mtime_ns = static_cast<uint32_t>(rest);
    TRY(set_go_mode(stat.node, mode));
    return stat;
}

Writer stat_message(const FileStat& stat) {
    const Node& node = stat.node;
    Writer out;
    out.text(1, stat.path).number(2, go_mode(node)).number(3, node.uid).number(4, node.gid);
    out.number(5, node.size).number(6, static_cast<uint64_t>(node.mtime) * second_ns + node.mtime_ns);
    out.text(7, node.target).number(8, node.device_major).number(9, node.device_minor);
    for (const auto& [name, value] : node.xattrs) out.entry(10, name, value);
    out.number(version_field, node.version);
    return out;
}

} // namespace

uint32_t go_mode(const Node& node) {
    uint32_t mode = node.mode & 0777;
    if (node.mode & 04000) mode |= setuid_bit;
    if (node.mode & 02000) mode |= setgid_bit;
    if (node.mode & 01000) mode |= sticky_bit;
    switch (node.type) {
    case tar::Type::directory: return mode | folder_bit;
    case tar::Type::symlink: return mode | link_bit;
    case tar::Type::char_device: return mode | device_bit | char_bit;
    case tar::Type::block_device: return mode | device_bit;
    case tar::Type::fifo: return mode | fifo_bit;
    default: return mode;
    }
}

Result<void> set_go_mode(Node& node, uint32_t mode) {
    node.mode = mode & 0777;
    if (mode & setuid_bit) node.mode |= 04000;
    if (mode & setgid_bit) node.mode |= 02000;
    if (mode & sticky_bit) node.mode |= 01000;
    if (mode & folder_bit)
        node.type = tar::Type::directory;
    else if (mode & link_bit)
        node.type = tar::Type::symlink;
    else if (mode & device_bit)
        node.type = mode & char_bit ? tar::Type::char_device : tar::Type::block_device;
    else if (mode & fifo_bit)
        node.type = tar::Type::fifo;
    else if (mode & socket_bit)
        return unsupported("sockets can't be sent");
    else
        node.type = tar::Type::file;
    return {};
}

std::string print(const FilePacket& packet) {
    Writer out;
    out.number(1, static_cast<uint64_t>(packet.type));
    if (packet.stat) out.message(2, stat_message(*packet.stat));
    out.number(3, packet.id).text(4, packet.data);
    return out.take();
}

Result<FilePacket> parse_file_packet(std::string_view message) {
    FilePacket packet;
    Reader reader(message);
    Field field;
    while (TRY(reader.next(field))) {
        if (field.is_number(1)) {
            if (field.value > static_cast<uint64_t>(FilePacket::Type::same))
                return invalid("unknown type of a file packet: " + std::to_string(field.value));
            packet.type = static_cast<FilePacket::Type>(field.value);
        }
        if (field.is_text(2)) packet.stat = TRY(parse_stat(field.text));
        if (field.is_number(3)) packet.id = static_cast<uint32_t>(field.value);
        if (field.is_text(4)) packet.data = field.text;
    }
    return packet;
}

} // namespace hull::build::wire
