#include "build/session/receive_files.h"

#include <algorithm>
#include <deque>

#include "build/wire/file_packets.h"
#include "codec/compress/sha256.h"
#include "sys/file_at.h"

namespace hull::build {

using wire::FilePacket;

namespace {

// Go's sender queues 128 and then reads no more requests until it has sent some.
constexpr size_t most_requests = 64;
constexpr uint64_t least_waste = uint64_t{64} << 20; // in a spool file, before it is begun anew
constexpr size_t most_xattr_bytes = size_t{64} << 10;

bool keeps_attribute(const std::string& name) { return name == "security.capability" || name.starts_with("user."); }

// The same file as before, as far as its stat tells.
bool same_stat(const Node& a, const Node& b) {
    return a.type == b.type && a.mode == b.mode && a.uid == b.uid && a.gid == b.gid && a.size == b.size &&
           a.mtime == b.mtime && a.mtime_ns == b.mtime_ns && a.xattrs == b.xattrs && a.version == b.version;
}

} // namespace

class FileReceiver {
public:
    FileReceiver(rpc::Call& call, std::shared_ptr<const Context> before, const ReceivedBytes& progress,
                 const ContextLimits& limits)
        : call_(call), before_(std::move(before)), progress_(progress), limits_(limits) {}

    Result<std::shared_ptr<const Context>> run(const std::string& folder) {
        auto spool = before_ ? before_->spool_ : nullptr;
        if (!spool) spool = TRY(Spool::create(folder));
        context_ = std::shared_ptr<Context>(new Context(std::move(spool)));
        while (!stats_ended_ || !wanted_.empty() || !open_.empty()) {
            auto message = TRY(call_.receive());
            if (!message) return invalid("the client ended before it had sent its files");
            TRY(take(*message));
            TRY(ask());
        }
        context_->stats_digest_ = digest_.hex_digest();
        TRY(call_.send(print(FilePacket{.type = FilePacket::Type::finish})));
        for (;;) {
            auto message = TRY(call_.receive());
            if (!message) break;
            FilePacket packet = TRY(wire::parse_file_packet(*message));
            if (packet.type == FilePacket::Type::finish) break;
            if (packet.type == FilePacket::Type::error)
                return Error(ErrorKind::system, "error from sender: " + packet.data);
            return invalid("the client sent more after the last file");
        }
        TRY(call_.end_sending());
        if (same_) return before_;
        for (const auto& [path, target] : links_) TRY(link(path, target));
        return std::shared_ptr<const Context>(context_);
    }

private:
    struct Open { // a file whose contents are coming
        std::string path;
        uint64_t size = 0, offset = 0, have = 0; // size: as its stat said
        Sha256 hash;
    };

    Result<void> take(const std::string& message) {
        bytes_ += message.size();
        if (progress_) progress_(bytes_);
        FilePacket packet = TRY(wire::parse_file_packet(message));
        switch (packet.type) {
        case FilePacket::Type::stat:
            if (packet.stat) {
                wire::add_stat(digest_, message);
                return take_stat(std::move(*packet.stat));
            }
            stats_ended_ = true;
            return {};
        case FilePacket::Type::same:
            if (!before_ || next_id_ > 0 || stats_ended_)
                return invalid("the client says that nothing is other than nothing");
            same_ = stats_ended_ = true;
            return {};
        case FilePacket::Type::data: return take_data(packet);
        case FilePacket::Type::error: return Error(ErrorKind::system, "error from sender: " + packet.data);
        default: return invalid("the client sent a file packet that it must not send");
        }
    }

    Result<void> take_stat(wire::FileStat stat) {
        if (stats_ended_) return invalid("the client sent a stat after the last");
        if (next_id_ == limits_.entries)
            return Error(ErrorKind::too_large,
                         "the build context has more than " + std::to_string(limits_.entries) + " entries");
        uint32_t id = next_id_++;
        if (stat.path.size() > limits_.path_bytes)
            return invalid("a name in the build context is longer than " + std::to_string(limits_.path_bytes) +
                           " bytes");
        if (stat.path.empty() || clean_relative(stat.path) != stat.path)
            return invalid("the build context holds an odd name: " + stat.path);
        std::erase_if(stat.node.xattrs, [](const auto& attribute) { return !keeps_attribute(attribute.first); });
        size_t attribute_bytes = 0;
        for (const auto& [name, value] : stat.node.xattrs) attribute_bytes += name.size() + value.size();
        if (attribute_bytes > most_xattr_bytes)
            return Error(ErrorKind::too_large, stat.path + " has too many extended attributes");
        TRY(context_->add_folders_of(stat.path));
        bool file = stat.node.type == tar::Type::file;
        if (file && !stat.node.target.empty()) {
            links_.emplace_back(stat.path, std::exchange(stat.node.target, {}));
            return {};
        }
        Context::Item item;
        item.node = std::move(stat.node);
        if (!file) {
            item.node.size = 0;
        } else if (const Context::Item* same = find_same(stat.path, item.node)) {
            item = *same;
        } else {
            wanted_.push_back({id, stat.path, item.node.size});
            item.node.size = 0;
        }
        context_->items_.insert_or_assign(stat.path, std::move(item));
        return {};
    }

    const Context::Item* find_same(const std::string& path, const Node& node) const {
        if (!before_) return nullptr;
        auto it = before_->items_.find(path);
        return it != before_->items_.end() && same_stat(it->second.node, node) ? &it->second : nullptr;
    }

    // Asks for contents, of a few files at a time: many at once again when half of them came.
    Result<void> ask() {
        if (open_.size() > most_requests / 2) return {};
        while (!wanted_.empty() && open_.size() < most_requests) {
            Wanted next = std::move(wanted_.front());
            wanted_.pop_front();
            if (next.size > limits_.bytes || asked_bytes_ > limits_.bytes - next.size)
                return Error(ErrorKind::too_large,
                             "the build context is larger than " + std::to_string(limits_.bytes) + " bytes");
            asked_bytes_ += next.size;
            Open file{std::move(next.path), next.size, context_->spool_->end.fetch_add(next.size), 0, {}};
            open_.emplace(next.id, std::move(file));
            TRY(call_.send_soon(print(FilePacket{.type = FilePacket::Type::request, .id = next.id})));
        }
        return {};
    }

    Result<void> take_data(const FilePacket& packet) {
        auto it = open_.find(packet.id);
        if (it == open_.end()) return invalid("the client sent contents that nobody asked for");
        Open& file = it->second;
        if (packet.data.empty()) {
            Context::Item& item = context_->items_.at(file.path);
            item.node.size = file.have;
            item.offset = file.offset;
            item.digest = file.hash.hex_digest();
            open_.erase(it);
            return {};
        }
        // What is added to a file while it is read is not taken, as tar does it.
        std::string_view data = std::string_view(packet.data).substr(0, file.size - file.have);
        file.hash.update(data);
        TRY(sys::write_all_at(context_->spool_->file, file.offset + file.have, data).context("keep the build context"));
        file.have += data.size();
        return {};
    }

    Result<void> link(const std::string& path, const std::string& target) {
        auto found = context_->items_.find(clean_relative(target));
        if (found == context_->items_.end() || found->second.node.is_folder())
            return invalid("the build context has a hard link to nothing: " + path + " -> " + target);
        Context::Item item = found->second;
        context_->items_.insert_or_assign(path, std::move(item));
        return {};
    }

    struct Wanted {
        uint32_t id = 0;
        std::string path;
        uint64_t size = 0;
    };

    rpc::Call& call_;
    std::shared_ptr<const Context> before_;
    const ReceivedBytes& progress_;
    const ContextLimits& limits_;
    std::shared_ptr<Context> context_;
    std::deque<Wanted> wanted_;
    std::map<uint32_t, Open> open_;
    std::vector<std::pair<std::string, std::string>> links_; // path, target: another path
    uint32_t next_id_ = 0;
    uint64_t bytes_ = 0, asked_bytes_ = 0;
    bool stats_ended_ = false, same_ = false;
    Sha256 digest_;
};

Result<std::shared_ptr<const Context>> receive_files(rpc::Connection& connection, const FileRequest& request,
                                                     const std::shared_ptr<const Context>& before,
                                                     const std::string& folder, const ReceivedBytes& progress,
                                                     const std::stop_token& stop, const ContextLimits& limits) {
    rpc::Metadata metadata{{"dir-name", request.folder}};
    for (const std::string& pattern : request.include) metadata.emplace_back("include-patterns", pattern);
    for (const std::string& pattern : request.exclude) metadata.emplace_back("exclude-patterns", pattern);
    for (const std::string& path : request.follow) metadata.emplace_back("followpaths", path);
    // Mostly of files that are gone: begun anew.
    bool wasteful = before && before->spool_bytes() > 2 * before->bytes() + least_waste;
    const auto known = wasteful ? nullptr : before;
    if (known && !known->stats_digest().empty()) metadata.emplace_back(wire::known_stats, known->stats_digest());
    auto call = TRY(connection.call("/moby.filesync.v1.FileSync/DiffCopy", metadata));
    std::stop_callback on_stop(stop, [&] { call->cancel(); });
    return FileReceiver(*call, known, progress, limits).run(folder);
}

} // namespace hull::build
