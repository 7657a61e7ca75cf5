// A container's writable layer as a layer: renamed, not copied. Overlayfs writes
// there just what it reads from a lower one.
#include <fcntl.h>

#include "store/hashing_chunks.h"
#include "store/layers_directory.h"
#include "store/layers_staged.h"
#include "store/produced_source.h"
#include "store/recipe.h"
#include "store/unpack.h"
#include "sys/file.h"
#include "sys/file_copy.h"
#include "sys/tree.h"

namespace hull::store {

namespace {

constexpr size_t max_adopted_depth = 512;

// Of overlayfs, those that mean in a lower layer what they meant in the upper one, or nothing at all.
bool may_stay(std::string_view attribute) {
    return attribute == "security.capability" || attribute == "trusted.overlay.opaque" ||
           attribute == "trusted.overlay.origin" || attribute == "trusted.overlay.impure" ||
           attribute == "trusted.overlay.uuid" || attribute == "trusted.overlay.nlink";
}

// Whether every file has just what a tar says of it.
Result<void> check_plain(const std::string& folder) {
    struct Level {
        UniqueFd dir;
        std::vector<std::string> names;
    };
    std::vector<Level> levels;
    auto enter = [&](UniqueFd dir) -> Result<void> {
        if (levels.size() >= max_adopted_depth) return Error(ErrorKind::too_large, "folders are nested too deeply");
        auto names = TRY(sys::names_in(dir, sys::Order::any));
        levels.push_back({std::move(dir), std::move(names)});
        return {};
    };
    TRY(enter(TRY(sys::open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))));
    while (!levels.empty()) {
        Level& level = levels.back();
        if (level.names.empty()) {
            levels.pop_back();
            continue;
        }
        const std::string name = std::move(level.names.back());
        level.names.pop_back();
        for (const std::string& attribute : TRY(sys::list_xattrs_at(level.dir, name)))
            if (!may_stay(attribute)) return unsupported(name + " has the extended attribute " + attribute);
        struct stat st = TRY(sys::stat_at(level.dir, name));
        if (S_ISDIR(st.st_mode)) TRY(enter(TRY(sys::openat(level.dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))));
    }
    return {};
}

struct Read {
    uint64_t size = 0, entries = 0;
};

// The tar's way through the recipe: the files are there already.
Result<Read> read_into_recipe(tar::Reader& reader, RecipeWriter& recipe, const Budget& budget) {
    Read found;
    tar::Entry entry;
    while (TRY(reader.next(entry))) {
        if (++found.entries > budget.entries) return Error(ErrorKind::too_large, "the layer has too many files");
        if (entry.type != tar::Type::file) continue;
        const std::string path = TRY(clean_path(entry.path, budget));
        uint64_t offset = 0;
        for (;;) {
            std::string_view piece = TRY(reader.data());
            if (piece.empty()) break;
            TRY(recipe.contents(path, offset, piece));
            offset += piece.size();
        }
        found.size += offset;
    }
    TRY(reader.drain());
    return found;
}

} // namespace

Result<std::unique_ptr<StagedLayer>> DirectoryLayers::adopt(const std::string& folder, const TarWriter& write) {
    UniqueFd tree = TRY(sys::open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    struct stat here = TRY(sys::stat_fd(tree));
    struct stat there = TRY(sys::lstat(root_ + "/tmp"));
    if (here.st_dev != there.st_dev) return unsupported(folder + " is on a file system of its own");
    TRY(check_plain(folder));

    TemporaryFolder temporary = TRY(TemporaryFolder::create(root_ + "/tmp"));
    auto recipe = TRY(RecipeWriter::create(temporary.path() + "/recipe", tree));
    const Budget budget;
    ProducedSource tar(write);
    HashingChunks chunks(tar, budget.bytes);
    tar::Reader reader(chunks, recipe.get());
    Read read = TRY(read_into_recipe(reader, *recipe, budget));
    TRY(recipe->finish());

    Layer layer;
    layer.diff_id = Digest::from_sha256_hex(chunks.hex_digest());
    layer.size = read.size;
    layer.tar_size = chunks.bytes();
    layer.entries = read.entries;
    // As any other layer's: what a tar says nothing of.
    TRY(sys::change_owner(tree, 0, 0));
    TRY(sys::change_mode(tree, 0755));
    TRY(sys::rename(folder, temporary.path() + "/fs"));
    return std::unique_ptr<StagedLayer>(
        std::make_unique<StagedDirectory>(std::move(temporary), std::move(layer), std::vector<std::string>()));
}

} // namespace hull::store
