#include "build/session/send_files.h"

#include <algorithm>

#include "build/wire/file_packets.h"

namespace hull::build {

using wire::FilePacket;

namespace {

class FileSender {
public:
    FileSender(rpc::Call& call, const Tree& tree, const ReceivedBytes& progress)
        : call_(call), tree_(tree), progress_(progress) {}

    Result<void> run() {
        TRY(walk(tree_, "", [&](const std::string& path, const Node& node) -> Result<bool> {
            if (path.empty()) return true;
            FilePacket packet;
            packet.stat = wire::FileStat{path, node};
            paths_.push_back(node.type == tar::Type::file ? path : std::string());
            TRY(send(packet));
            return true;
        }));
        TRY(send(FilePacket{}));
        for (;;) {
            auto message = TRY(call_.receive());
            if (!message) return invalid("the client left before it had all files");
            FilePacket packet = TRY(wire::parse_file_packet(*message));
            if (packet.type == FilePacket::Type::error)
                return Error(ErrorKind::system, "error from receiver: " + packet.data);
            if (packet.type == FilePacket::Type::finish) break;
            if (packet.type != FilePacket::Type::request) return invalid("the client sent an odd file packet");
            TRY(send_contents(packet.id));
        }
        TRY(send(FilePacket{.type = FilePacket::Type::finish}));
        TRY(call_.end_sending());
        while (TRY(call_.receive())) {}
        return {};
    }

private:
    Result<void> send(const FilePacket& packet) {
        std::string message = print(packet);
        bytes_ += message.size();
        if (progress_) progress_(bytes_);
        return call_.send(message);
    }

    Result<void> send_contents(uint32_t id) {
        if (id >= paths_.size() || paths_[id].empty()) return invalid("the client asked for a file that isn't there");
        auto source = TRY(tree_.open(paths_[id]));
        FilePacket packet{.type = FilePacket::Type::data, .id = id};
        for (;;) {
            packet.data.resize(size_t{32} << 10);
            packet.data.resize(TRY(source->read(packet.data)));
            TRY(send(packet));
            if (packet.data.empty()) return {};
        }
    }

    rpc::Call& call_;
    const Tree& tree_;
    const ReceivedBytes& progress_;
    std::vector<std::string> paths_;
    uint64_t bytes_ = 0;
};

} // namespace

Result<void> send_files(rpc::Call& call, const Tree& tree, const ReceivedBytes& progress) {
    return FileSender(call, tree, progress).run();
}

} // namespace hull::build
