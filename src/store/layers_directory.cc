#include "store/layers_directory.h"

#include <fcntl.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/random.h"
#include "codec/json.h"
#include "store/hashing_chunks.h"
#include "store/hashing_sink.h"
#include "store/layers_staged.h"
#include "store/recipe.h"
#include "store/unpack.h"
#include "sys/file.h"
#include "sys/tree.h"

namespace hull::store {

namespace {

constexpr uint64_t progress_bytes = uint64_t{1} << 20;

std::string print(const Layer& layer) {
    json::Object out{{"diff_id", layer.diff_id.str()},
                     {"size", layer.size},
                     {"tar_size", layer.tar_size},
                     {"entries", layer.entries},
                     {"opaque_root", layer.opaque_root}};
    if (layer.parent) out["parent"] = layer.parent->str();
    return json::print(out);
}

// The record's own shape, before it is checked.
struct Stored {
    std::string diff_id, parent;
    uint64_t size = 0, tar_size = 0, entries = 0;
    bool opaque_root = false;
};

} // namespace

} // namespace hull::store

template <>
struct hull::json::Fields<hull::store::Stored> {
    using S = hull::store::Stored;
    static constexpr auto list = std::tuple{field("diff_id", &S::diff_id), field("parent", &S::parent),
                                            field("size", &S::size),       field("tar_size", &S::tar_size),
                                            field("entries", &S::entries), field("opaque_root", &S::opaque_root)};
};

namespace hull::store {

namespace {

Result<Layer> parse(const Record& record) {
    json::Value value = TRY(json::parse(record.text));
    Stored stored = TRY(json::decode<Stored>(value));
    Layer layer;
    layer.chain_id = TRY(Digest::parse(record.key));
    layer.diff_id = TRY(Digest::parse(stored.diff_id));
    if (!stored.parent.empty()) layer.parent = TRY(Digest::parse(stored.parent));
    layer.size = stored.size;
    layer.tar_size = stored.tar_size;
    layer.entries = stored.entries;
    layer.opaque_root = stored.opaque_root;
    return layer;
}

// Tells how far the tar was read, and lets the listener stop it.
class Progress : public ChunkSource {
public:
    Progress(HashingChunks& chunks, const std::function<Result<void>(uint64_t)>& listener)
        : chunks_(chunks), listener_(listener) {}
    Result<std::string_view> next() override {
        if (listener_ && chunks_.bytes() - told_ >= progress_bytes) {
            told_ = chunks_.bytes();
            TRY(listener_(told_));
        }
        return chunks_.next();
    }

private:
    HashingChunks& chunks_;
    const std::function<Result<void>(uint64_t)>& listener_;
    uint64_t told_ = 0;
};

Error no_such_layer(const Digest& chain_id) {
    return {ErrorKind::not_found, "layer " + chain_id.str() + " does not exist"};
}

} // namespace

Result<TemporaryFolder> TemporaryFolder::create(const std::string& parent) {
    std::string path = parent + "/" + random_hex(16);
    TRY(sys::mkdir(path, 0700));
    return TemporaryFolder(std::move(path));
}

TemporaryFolder::~TemporaryFolder() {
    if (path_.empty()) return;
    auto removed = sys::remove_tree(path_);
    if (!removed.ok()) log::warning("remove an unfinished layer", removed.error());
}

Result<std::unique_ptr<DirectoryLayers>> DirectoryLayers::open(const std::string& data_root, Records& records) {
    std::unique_ptr<DirectoryLayers> store(new DirectoryLayers(data_root + "/layers", records));
    TRY(sys::mkdir_parents(store->root_ + "/tmp", 0700));
    // What a container sees as its root has this folder's mode.
    TRY(sys::mkdir_parents(store->empty_path(), 0755));
    TRY(store->reconcile().context("open the layer store"));
    return store;
}

// Crash-only: what has no record goes, and a record whose tree is gone too.
Result<void> DirectoryLayers::reconcile() {
    std::vector<std::string> leftovers = TRY(sys::list_dir(root_ + "/tmp"));
    for (const std::string& name : leftovers) TRY(sys::remove_tree(root_ + "/tmp/" + name));

    std::vector<Record> records = TRY(records_.all(Table::layers));
    for (const Record& record : records) {
        auto layer = parse(record);
        if (!layer.ok() || !sys::exists(folder_of(layer->chain_id))) {
            log::error("layer " + record.key + " is damaged or missing on disk; its record is dropped");
            TRY(records_.erase(Table::layers, record.key));
            continue;
        }
        Digest id = layer->chain_id;
        layers_.emplace(id, std::move(layer).value());
    }
    std::vector<std::string> names = TRY(sys::list_dir(root_));
    for (const std::string& name : names) {
        auto id = Digest::parse("sha256:" + name);
        if (!id.ok() || layers_.contains(*id)) continue;
        log::warning("remove layer " + name + ", which a crash left without a record");
        TRY(sys::remove_tree(root_ + "/" + name));
    }
    return {};
}

std::vector<std::string> DirectoryLayers::chain_from(const std::optional<Digest>& top) const {
    std::lock_guard held(mutex_);
    std::vector<std::string> folders;
    for (auto id = top; id;) {
        auto it = layers_.find(*id);
        if (it == layers_.end()) break;
        folders.push_back(folder_of(*id) + "/fs");
        if (it->second.opaque_root) break;
        id = it->second.parent;
    }
    return folders;
}

std::string DirectoryLayers::print_record(const Layer& layer) { return print(layer); }

Result<std::unique_ptr<StagedLayer>> DirectoryLayers::stage(ByteSource& tar, const StageOptions& options) {
    TemporaryFolder temporary = TRY(TemporaryFolder::create(root_ + "/tmp"));
    const std::string tree_path = temporary.path() + "/fs";
    TRY(sys::mkdir(tree_path, 0755));
    UniqueFd tree = TRY(sys::open(tree_path, O_RDONLY | O_DIRECTORY));
    TRY(sys::change_mode(tree, 0755)); // whatever the umask

    auto recipe = TRY(RecipeWriter::create(temporary.path() + "/recipe", tree));
    HashingChunks chunks(tar, options.budget.bytes);
    Progress progress(chunks, options.progress);
    tar::Reader reader(progress, recipe.get());
    Unpacker unpacker(tree, options.budget, *recipe);
    Unpacked unpacked = TRY(unpacker.run(reader));
    TRY(reader.drain());
    TRY(recipe->finish());

    Layer layer;
    layer.diff_id = Digest::from_sha256_hex(chunks.hex_digest());
    layer.size = unpacked.size;
    layer.tar_size = chunks.bytes();
    layer.entries = unpacked.entries;
    layer.opaque_root = unpacked.opaque_root;
    return std::unique_ptr<StagedLayer>(
        std::make_unique<StagedDirectory>(std::move(temporary), std::move(layer), std::move(unpacked.implied_folders)));
}

Result<Layer> DirectoryLayers::commit(std::unique_ptr<StagedLayer> staged, const std::optional<Digest>& parent) {
    auto* ours = dynamic_cast<StagedDirectory*>(staged.get());
    if (!ours) return Error(ErrorKind::internal, "a staged layer of another store");
    Layer& layer = ours->layer;
    layer.parent = parent;
    layer.chain_id = chain_id(parent, layer.diff_id);
    if (auto there = get(layer.chain_id); there.ok()) return there;
    if (parent) TRY(get(*parent));

    const std::string tree_path = ours->folder.path() + "/fs";
    UniqueFd tree = TRY(sys::open(tree_path, O_RDONLY | O_DIRECTORY));
    if (!layer.opaque_root) TRY(inherit_settings(tree, ours->implied_folders, chain_from(parent)));
    // One sync of the file system instead of one per file: docs/formats/store.md.
    TRY(failpoint("layer.unsynced"));
    TRY(sys::sync_file_system(tree));
    TRY(failpoint("layer.synced"));
    return publish(layer, ours->folder.path());
}

// Rename, sync, record: the layer is there once the record is.
Result<Layer> DirectoryLayers::publish(const Layer& layer, const std::string& temporary) {
    std::lock_guard changing(change_mutex_);
    if (auto there = get(layer.chain_id); there.ok()) return there; // made meanwhile
    if (layer.parent) TRY(get(*layer.parent));
    const std::string folder = folder_of(layer.chain_id);
    TRY(sys::mkdir(folder, 0700));
    auto moved = [&]() -> Result<void> {
        TRY(sys::rename(temporary + "/fs", folder + "/fs"));
        TRY(failpoint("layer.half_moved"));
        TRY(sys::rename(temporary + "/recipe", folder + "/recipe"));
        TRY(failpoint("layer.moved"));
        UniqueFd own = TRY(sys::open(folder, O_RDONLY | O_DIRECTORY));
        TRY(sys::fsync(own));
        UniqueFd all = TRY(sys::open(root_, O_RDONLY | O_DIRECTORY));
        TRY(sys::fsync(all));
        return records_.put(Table::layers, layer.chain_id.str(), print(layer), Durability::power_loss);
    }();
    if (!moved.ok()) {
        auto removed = sys::remove_tree(folder);
        if (!removed.ok()) log::warning("remove an unfinished layer", removed.error());
        return std::move(moved).error();
    }
    std::lock_guard held(mutex_);
    return layers_.emplace(layer.chain_id, layer).first->second;
}

Result<Layer> DirectoryLayers::get(const Digest& chain_id) const {
    std::lock_guard held(mutex_);
    auto it = layers_.find(chain_id);
    if (it == layers_.end()) return no_such_layer(chain_id);
    return it->second;
}

std::vector<Layer> DirectoryLayers::list() const {
    std::lock_guard held(mutex_);
    std::vector<Layer> all;
    all.reserve(layers_.size());
    for (const auto& [id, layer] : layers_) all.push_back(layer);
    return all;
}

Result<std::string> DirectoryLayers::path(const Digest& chain_id) const {
    TRY(get(chain_id));
    return folder_of(chain_id) + "/fs";
}

Result<void> DirectoryLayers::write_tar(const Digest& chain_id, ByteSink& sink) const {
    Layer layer = TRY(get(chain_id));
    const std::string folder = folder_of(chain_id);
    UniqueFd tree = TRY(sys::open(folder + "/fs", O_RDONLY | O_DIRECTORY));
    HashingSink hashing(sink);
    TRY(replay_recipe(folder + "/recipe", tree, hashing).context([&] { return "layer " + chain_id.str(); }));
    if (Digest::from_sha256_hex(hashing.hex_digest()) != layer.diff_id)
        return Error(ErrorKind::corrupt, "layer " + chain_id.str() + ": its files were changed since it was made");
    return {};
}

// Rare (one difference on two bases), so by way of a file without a name.
Result<std::unique_ptr<StagedLayer>> DirectoryLayers::stage_copy(const Digest& chain_id) {
    UniqueFd file = TRY(sys::open(root_ + "/tmp", O_RDWR | O_TMPFILE, 0600));
    FdSink sink(file);
    TRY(write_tar(chain_id, sink));
    TRY(sys::rewind(file));
    FdSource source(file);
    return stage(source, {});
}

Result<void> DirectoryLayers::remove(const Digest& chain_id) {
    TemporaryFolder trash = TRY(TemporaryFolder::create(root_ + "/tmp"));
    std::lock_guard changing(change_mutex_);
    TRY(get(chain_id));
    for (const Layer& layer : list())
        if (layer.parent == chain_id)
            return Error(ErrorKind::conflict, "layer " + chain_id.str() + " is below layer " + layer.chain_id.str());
    // The record first: a layer on record must be whole.
    TRY(records_.erase(Table::layers, chain_id.str(), Durability::power_loss));
    {
        std::lock_guard held(mutex_);
        layers_.erase(chain_id);
    }
    TRY(failpoint("layer.erased"));
    auto moved = sys::rename(folder_of(chain_id), trash.path() + "/layer"); // the tree goes with trash, unlocked
    if (!moved.ok() && moved.error().kind() == ErrorKind::not_found) return {};
    return moved;
}

} // namespace hull::store
