// Where the result of a build goes: an image, or files for the client.
#include <algorithm>

#include "base/random.h"
#include "build/build_state.h"

namespace hull::build {

namespace {

constexpr size_t copy_bytes = size_t{256} << 10;

// The whole tree as the entries of one archive.
Result<std::vector<LayerItem>> all_of(const std::shared_ptr<const Tree>& tree) {
    std::vector<LayerItem> items;
    TRY(walk(*tree, "", [&](const std::string& path, const Node& node) -> Result<bool> {
        if (path.empty()) return true;
        LayerItem item;
        tar::Entry& entry = item.entry;
        entry.type = node.type;
        entry.path = node.is_folder() ? path + "/" : path;
        entry.mode = node.mode;
        entry.uid = node.uid;
        entry.gid = node.gid;
        entry.mtime = node.mtime;
        entry.link_target = node.target;
        entry.device_major = node.device_major;
        entry.device_minor = node.device_minor;
        entry.xattrs = node.xattrs;
        if (node.type == tar::Type::file) {
            entry.size = node.size;
            item.tree = tree;
            item.source = path;
        }
        items.push_back(std::move(item));
        return true;
    }));
    return items;
}

// Files with one time, that of SOURCE_DATE_EPOCH.
class OldTree : public Tree {
public:
    OldTree(std::shared_ptr<const Tree> tree, int64_t seconds) : tree_(std::move(tree)), seconds_(seconds) {}
    Result<std::optional<Node>> look(const std::string& path) const override {
        auto node = TRY(tree_->look(path));
        if (node) {
            node->mtime = seconds_;
            node->mtime_ns = 0;
        }
        return node;
    }
    Result<std::vector<std::string>> children(const std::string& path) const override { return tree_->children(path); }
    Result<std::unique_ptr<ByteSource>> open(const std::string& path) const override { return tree_->open(path); }

private:
    std::shared_ptr<const Tree> tree_;
    int64_t seconds_;
};

class CountedSink : public ByteSink {
public:
    CountedSink(ByteSink& sink, const ReceivedBytes& progress) : sink_(sink), progress_(progress) {}
    Result<void> write(std::string_view data) override {
        bytes_ += data.size();
        progress_(bytes_);
        return sink_.write(data);
    }

private:
    ByteSink& sink_;
    const ReceivedBytes& progress_;
    uint64_t bytes_ = 0;
};

} // namespace

// A part of a step's work. work gets a way to say how many bytes are done, and
// may give a better name for it.
Result<void> Build::part(const std::string& vertex, const std::string& name,
                         const std::function<Result<std::string>(const ReceivedBytes&)>& work) {
    constexpr int64_t interval_ns = 100'000'000;
    wire::VertexStatus status{.id = name, .vertex = vertex, .timestamp = wall_now()};
    status.started = status.timestamp;
    auto say = [&] {
        wire::Progress progress;
        status.timestamp = wall_now();
        progress.statuses.push_back(status);
        return output_.progress(progress);
    };
    std::string better = TRY(work([&](uint64_t bytes) {
        status.current = static_cast<int64_t>(bytes);
        if (wall_now().ns - status.timestamp.ns > interval_ns) (void)say();
    }));
    if (!better.empty()) status.id = better;
    status.completed = wall_now();
    return say();
}

Result<Digest> Build::export_result(StageState& state) {
    for (const auto& [name, value] : options_.labels) state.config.config.labels[name] = value;
    const std::string& type = options_.output.type;
    if (type.empty() || type == "image") return export_image(state);
    if (type == "cacheonly") return Digest();
    bool archive = type == "docker" || type == "oci";
    if (!options_.client) return invalid("output of type " + type + " needs a session");
    std::optional<Digest> image;
    if (archive) image = TRY(export_image(state));
    wire::Vertex vertex{.digest = vertex_digest({"export to client", random_hex(16)}), .name = "exporting to client"};
    TRY(watched(vertex, [&](wire::Vertex&) -> Result<void> {
        if (type == "local")
            return part(vertex.digest, "copying files", [&](const ReceivedBytes& progress) -> Result<std::string> {
                auto tree = TRY(tree_of(state.image));
                if (epoch_) tree = std::make_shared<OldTree>(std::move(tree), *epoch_);
                TRY(options_.client->send_files(*tree, progress, stop_));
                return std::string();
            });
        return part(vertex.digest, "sending tarball", [&](const ReceivedBytes& progress) -> Result<std::string> {
            auto bytes = TRY(options_.client->send_bytes());
            CountedSink sink(*bytes, progress);
            if (archive) {
                std::vector<std::string> names = options_.tags;
                if (names.empty()) names.push_back(image->str());
                auto save = TRY(builder_.ports().images.save(names));
                TRY(save->write(sink));
            } else {
                TRY(send_tar(state, sink));
            }
            TRY(options_.client->finish_bytes(*bytes));
            return std::string();
        });
    }));
    return image.value_or(Digest());
}

Result<void> Build::send_tar(const StageState& state, ByteSink& sink) {
    auto items = TRY(all_of(TRY(tree_of(state.image))));
    if (epoch_)
        for (LayerItem& item : items) {
            item.entry.mtime = *epoch_;
            item.entry.mtime_ns = 0;
        }
    auto tar = layer_tar(items);
    std::string buffer(copy_bytes, '\0');
    for (;;) {
        if (stop_.stop_requested()) return Error(ErrorKind::cancelled, "the build was cancelled");
        size_t size = TRY(tar->read(buffer));
        if (size == 0) return {};
        TRY(sink.write(std::string_view(buffer).substr(0, size)));
    }
}

Result<void> Build::push(const std::string& name, const std::string& vertex, const std::optional<Digest>& image) {
    model::Reference reference = TRY(model::Reference::parse(name));
    if (reference.tag.empty()) reference.tag = "latest";
    image::PushRequest request{
        .name = reference.familiar_name(), .tag = reference.tag, .auth = image::auth_for(options_.auths, reference)};
    request.image = image;
    if (request.auth.empty() && options_.client)
        request.auth = TRY(
            options_.client->credentials(reference.domain == "docker.io" ? "registry-1.docker.io" : reference.domain));
    return part(vertex, "pushing " + reference.full(), [&](const ReceivedBytes&) -> Result<std::string> {
        TRY(builder_.ports().images.push(
            request, [&](const image::TransferLine& line) { return tell_pull(line, vertex); }, stop_));
        return std::string();
    });
}

// With SOURCE_DATE_EPOCH nothing in it is of a later time: two builds give the same image.
Result<Digest> Build::commit_result(StageState& state) {
    model::ImageConfig config = state.config;
    if (options_.inline_cache) config.inline_cache = inline_cache(state);
    engine::ImageService& images = builder_.ports().images;
    if (epoch_) {
        config.created = now();
        for (model::HistoryEntry& entry : config.history)
            if (entry.created.ns > config.created.ns) entry.created = config.created;
    }
    if (!epoch_ || !options_.output.rewrite_timestamps || !state.image)
        return images.commit(std::move(config), state.image, nullptr, std::nullopt, image::Making::standalone);
    auto kept = builder_.keep_cache();
    return images.commit_with_times_at_most(std::move(config), *state.image, state.base_layers, *epoch_,
                                            image::Making::standalone);
}

Result<Digest> Build::export_image(StageState& state) {
    wire::Vertex vertex{.digest = vertex_digest({"export", random_hex(16)}), .name = "exporting to image"};
    Digest id;
    TRY(watched(vertex, [&](wire::Vertex&) -> Result<void> {
        TRY(part(vertex.digest, "exporting layers", [](const ReceivedBytes&) { return std::string(); }));
        TRY(part(vertex.digest, "writing image", [&](const ReceivedBytes&) -> Result<std::string> {
            id = TRY(commit_result(state));
            if (options_.squash) id = TRY(squash(state, id));
            return "writing image " + id.str();
        }));
        for (const std::string& text : options_.tags) {
            model::Reference reference = TRY(model::Reference::parse(text));
            if (reference.tag.empty()) reference.tag = "latest";
            TRY(part(vertex.digest, "naming to " + reference.full(), [&](const ReceivedBytes&) -> Result<std::string> {
                TRY(builder_.ports().images.tag(id.str(), reference.familiar_name(), reference.tag));
                return std::string();
            }));
        }
        if (!options_.output.push) return {};
        if (options_.tags.empty()) return invalid("tag is needed when pushing to registry");
        for (const std::string& text : options_.tags) TRY(push(text, vertex.digest));
        return {};
    }));
    TRY(output_.image(id));
    return id;
}

} // namespace hull::build
