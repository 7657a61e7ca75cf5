// Whether the layers on disk are what their records say.
#include <set>

#include "base/clock.h"
#include "store/layers_directory.h"
#include "sys/file.h"

namespace hull::store {

namespace {

class Nowhere : public ByteSink {
public:
    Result<void> write(std::string_view) override { return {}; }
};

constexpr int64_t left_behind_s = 24 * 3600; // what is being made changes more often

} // namespace

Result<void> DirectoryLayers::verify(const Digest& chain_id, CheckDepth depth) const {
    TRY(get(chain_id));
    const std::string folder = folder_of(chain_id);
    for (const char* name : {"/fs", "/recipe"}) {
        auto st = sys::lstat(folder + name);
        if (!st.ok()) return Error(ErrorKind::corrupt, "its " + std::string(name + 1) + " is missing on disk");
    }
    if (depth == CheckDepth::presence) return {};
    Nowhere nowhere;
    return write_tar(chain_id, nowhere);
}

// Under the lock that publishing and removing take, so that nothing is seen half-way.
Result<void> DirectoryLayers::check_strangers(Damages& found, Repair repair) {
    std::lock_guard changing(change_mutex_);
    for (const std::string& name : TRY(sys::list_dir(root_))) {
        if (name == "tmp" || name == "empty") continue;
        auto id = Digest::parse("sha256:" + name);
        if (id.ok() && get(*id).ok()) continue;
        note(found, {"layer", name, "a folder without a record", "it is removed"}, repair,
             [&] { return sys::remove_tree(root_ + "/" + name); });
    }
    for (const std::string& name : TRY(sys::list_dir(root_ + "/tmp"))) {
        const std::string path = root_ + "/tmp/" + name;
        auto st = sys::lstat(path);
        if (!st.ok() || st->st_mtim.tv_sec > wall_now().ns / 1'000'000'000 - left_behind_s) continue;
        note(found, {"temporary file", "layers/tmp/" + name, "nobody has touched it for a day", "it is removed"},
             repair, [&] { return sys::remove_tree(path); });
    }
    // The records are the truth in memory, too, unless somebody wrote to the database.
    std::vector<Record> records = TRY(records_.all(Table::layers));
    std::set<std::string> keys;
    for (const Record& record : records) keys.insert(record.key);
    for (const Layer& layer : list()) {
        const std::string key = layer.chain_id.str();
        if (keys.erase(key)) continue;
        note(found, {"layer", key, "its record is gone", "it is written again"}, repair,
             [&] { return records_.put(Table::layers, key, print_record(layer), Durability::power_loss); });
    }
    for (const std::string& key : keys)
        note(found, {"layer", key, "a record without a layer", "it is removed"}, repair,
             [&] { return records_.erase(Table::layers, key, Durability::power_loss); });
    return {};
}

} // namespace hull::store
