#include "store/tree_difference.h"

#include <algorithm>
#include <map>

#include "store/merged_folder.h"
#include "store/tree_packer.h"
#include "store/whiteout.h"

namespace hull::store {

namespace {

constexpr size_t max_difference_depth = 512;

struct Pair { // one folder, of what is new and of what was
    MergedFolder now, was;
    std::string path;                               // "" or with "/" at its end
    std::vector<std::pair<std::string, bool>> todo; // names, and whether it is there now; the next one last
    std::map<std::string, MergedEntry> entries;     // of now, whiteouts too
};

Result<Pair> open_pair(MergedFolder now, MergedFolder was, std::string path) {
    Pair pair{std::move(now), std::move(was), std::move(path), {}, {}};
    for (MergedEntry& entry : TRY(pair.now.entries_and_whiteouts())) {
        pair.todo.emplace_back(entry.name, true);
        std::string name = entry.name;
        pair.entries.emplace(std::move(name), std::move(entry));
    }
    // A folder that hides what was below it: all of that is gone unless it is here.
    if (pair.now.hides_below())
        for (const MergedEntry& old : TRY(pair.was.entries()))
            if (!pair.entries.contains(old.name)) pair.todo.emplace_back(old.name, false);
    std::ranges::sort(pair.todo, std::greater<>());
    return pair;
}

} // namespace

Result<void> write_difference(const std::vector<std::string>& changed, const std::vector<std::string>& below,
                              ByteSink& sink) {
    TreePacker packer(sink);
    std::vector<Pair> levels;
    levels.push_back(TRY(open_pair(TRY(MergedFolder::open(changed)), TRY(MergedFolder::open(below)), "")));
    while (!levels.empty()) {
        Pair& pair = levels.back();
        if (pair.todo.empty()) {
            levels.pop_back();
            continue;
        }
        auto [name, there] = std::move(pair.todo.back());
        pair.todo.pop_back();
        const std::string path = pair.path + name;
        auto old = TRY(pair.was.find(name));
        if (!there || is_whiteout(pair.entries.at(name).st)) {
            if (old) TRY(packer.add_whiteout(path));
            continue;
        }
        const MergedEntry entry = pair.entries.at(name);
        TRY(packer.add(pair.now.dir_of(entry), name, path, entry.st).context(path));
        if (!S_ISDIR(entry.st.st_mode)) continue;
        if (levels.size() == max_difference_depth) return Error(ErrorKind::too_large, "folders are nested too deeply");
        MergedFolder inner = TRY(pair.now.enter(entry));
        MergedFolder was;
        if (old && S_ISDIR(old->st.st_mode)) was = TRY(pair.was.enter(*old));
        levels.push_back(TRY(open_pair(std::move(inner), std::move(was), path + "/")));
    }
    return packer.finish();
}

} // namespace hull::store
