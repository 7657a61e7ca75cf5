#include "apps/hull/building/send_folder.h"

#include <algorithm>
#include <set>

#include "apps/hull/client/sha256.h"
#include "build/files/pattern.h"
#include "build/wire/file_packets.h"

namespace hull::cli {

namespace {

using build::wire::FilePacket;

constexpr size_t sent_at_once = size_t{32} << 10; // as BuildKit's clients
constexpr int most_links_followed = 255;

// The paths that follow names, with the links on the way and what they lead to.
class LinkFollower {
public:
    explicit LinkFollower(const build::Tree& tree) : tree_(tree) {}
    Result<void> add(const std::string& path) { return go("", build::clean_relative(path), 0); }
    std::set<std::string, std::less<>> take() { return std::move(found_); }

private:
    Result<void> go(const std::string& at, const std::string& rest, int links) {
        if (rest.empty()) {
            found_.insert(at);
            return {};
        }
        const size_t slash = rest.find('/');
        const std::string name = rest.substr(0, slash);
        const std::string after = slash == rest.npos ? std::string() : rest.substr(slash + 1);
        if (!build::has_wildcards(name)) return step(at, name, after, links);
        auto pattern = build::Pattern::parse(name, build::Stars::within_name);
        if (!pattern.ok()) return {};
        auto node = TRY(tree_.look(at));
        if (!node || !node->is_folder()) return {};
        for (const std::string& child : TRY(tree_.children(at)))
            if (pattern->matches(child)) TRY(step(at, child, after, links));
        return {};
    }
    Result<void> step(const std::string& at, const std::string& name, const std::string& after, int links) {
        const std::string next = at.empty() ? name : at + "/" + name;
        auto node = TRY(tree_.look(next));
        if (!node || node->type != tar::Type::symlink || links >= most_links_followed) {
            // What isn't there may still be a name that a pattern has.
            if (!node) {
                found_.insert(after.empty() ? next : next + "/" + after);
                return {};
            }
            return go(next, after, links);
        }
        found_.insert(next);
        std::string target = node->target.starts_with('/') ? node->target : at + "/" + node->target;
        if (!after.empty()) target += "/" + after;
        return go("", build::clean_relative(target), links + 1);
    }

    const build::Tree& tree_;
    std::set<std::string, std::less<>> found_;
};

bool is_below(std::string_view path, std::string_view folder) {
    return folder.empty() || (path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/'));
}

// Which paths are wanted: those named, and what is below them.
class WantedPaths {
public:
    static Result<WantedPaths> of(const build::Tree& tree, const WantedFiles& wanted) {
        WantedPaths out;
        out.everything_ = wanted.include.empty() && wanted.follow.empty();
        LinkFollower follower(tree);
        for (const std::string& path : wanted.follow) TRY(follower.add(path));
        out.names_ = follower.take();
        std::vector<std::string> patterns;
        for (const std::string& pattern : wanted.include) {
            if (build::has_wildcards(pattern) || pattern.starts_with('!'))
                patterns.push_back(pattern);
            else
                out.names_.insert(build::clean_relative(pattern));
        }
        out.patterns_ = TRY(build::IgnoreList::of(patterns));
        if (out.names_.contains("")) out.everything_ = true;
        return out;
    }
    bool has(std::string_view path) const {
        if (everything_) return true;
        for (size_t end = path.find('/');; end = path.find('/', end + 1)) {
            if (names_.contains(path.substr(0, end))) return true;
            if (end == path.npos) break;
        }
        return !patterns_.empty() && patterns_.ignores(path);
    }
    bool may_have_below(std::string_view folder) const {
        if (everything_ || !patterns_.empty()) return true;
        auto next = names_.lower_bound(std::string(folder) + "/");
        return next != names_.end() && is_below(*next, folder);
    }

private:
    bool everything_ = false;
    std::set<std::string, std::less<>> names_;
    build::IgnoreList patterns_;
};

} // namespace

WantedFiles WantedFiles::of(const rpc::Metadata& metadata) {
    WantedFiles out;
    for (const auto& [name, value] : metadata) {
        if (name == "include-patterns") out.include.push_back(value);
        if (name == "exclude-patterns") out.exclude.push_back(value);
        if (name == "followpaths") out.follow.push_back(value);
    }
    return out;
}

Result<std::vector<FolderItem>> list_wanted(const build::Tree& tree, const WantedFiles& wanted) {
    const auto excluded = TRY(build::IgnoreList::of(wanted.exclude));
    const auto paths = TRY(WantedPaths::of(tree, wanted));
    std::vector<FolderItem> items, folders; // folders: on the way to where we are, not in the list yet
    TRY(build::walk_ahead(tree, "", [&](const std::string& path, const build::Node& node) -> Result<bool> {
        if (path.empty()) return true;
        while (!folders.empty() && !is_below(path, folders.back().path)) folders.pop_back();
        const bool out = !excluded.empty() && excluded.ignores(path);
        if (out && !(node.is_folder() && excluded.may_take_back_below(path))) return false;
        const bool in = !out && paths.has(path);
        if (in) {
            for (FolderItem& folder : folders) items.push_back(std::move(folder));
            folders.clear();
            items.push_back({path, node});
            return true;
        }
        if (!node.is_folder() || !(out || paths.may_have_below(path))) return false;
        folders.push_back({path, node});
        return true;
    }));
    return items;
}

Result<void> send_folder(rpc::Call& call, const build::Tree& tree) {
    auto items = TRY(list_wanted(tree, WantedFiles::of(call.metadata())).context("read the build context"));
    auto packet_of = [](FolderItem& item) {
        FilePacket packet;
        packet.stat = build::wire::FileStat{item.path, item.node};
        packet.stat->node.uid = packet.stat->node.gid = 0; // who builds has no part in what is built
        return print(packet);
    };
    bool same = false;
    if (const std::string_view known = call.metadata(build::wire::known_stats); !known.empty()) {
        Sha256Sum digest;
        for (FolderItem& item : items) build::wire::add_stat(digest, packet_of(item));
        same = digest.hex() == known;
    }
    if (same) {
        TRY(call.send(print(FilePacket{.type = FilePacket::Type::same})));
    } else {
        for (FolderItem& item : items) TRY(call.send_soon(packet_of(item)));
        TRY(call.send(print(FilePacket{})));
    }
    for (;;) {
        auto message = TRY(call.receive());
        if (!message) return Error(ErrorKind::unavailable, "the engine left before it had the files");
        const FilePacket packet = TRY(build::wire::parse_file_packet(*message));
        if (packet.type == FilePacket::Type::finish) break;
        if (packet.type == FilePacket::Type::error) return Error(ErrorKind::system, packet.data);
        if (packet.type != FilePacket::Type::request || packet.id >= items.size() ||
            items[packet.id].node.type != tar::Type::file)
            return Error(ErrorKind::invalid_argument, "the engine asked for a file that isn't there");
        const std::string& path = items[packet.id].path;
        auto source = TRY(tree.open(path).context("read the build context: " + path));
        FilePacket data{.type = FilePacket::Type::data, .id = packet.id};
        do {
            data.data.resize(sent_at_once);
            data.data.resize(TRY(source->read(data.data).context("read the build context: " + path)));
            TRY(call.send_soon(print(data)));
        } while (!data.data.empty());
    }
    return call.send(print(FilePacket{.type = FilePacket::Type::finish}));
}

} // namespace hull::cli
