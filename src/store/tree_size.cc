#include "store/tree_size.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "sys/file.h"
#include "sys/file_copy.h"
#include "sys/tree.h"

namespace hull::store {
namespace {

constexpr size_t kDeepestMeasured = 512; // a descriptor each
constexpr int64_t kGoodTimes = 20, kGoodAtMostNs = 300'000'000'000;
constexpr uint64_t kSmallChange = uint64_t{64} << 20;

struct MeasuredLevel {
    UniqueFd dir;
    std::vector<std::string> folders;
};

} // namespace

Result<TreeSize> measure_tree(const std::string& folder) {
    TreeSize size;
    std::set<uint64_t> seen; // inodes with several names
    std::vector<MeasuredLevel> levels;
    dev_t device = 0;
    auto enter = [&](UniqueFd dir) -> Result<void> {
        MeasuredLevel level{std::move(dir), {}};
        auto names = sys::names_in(level.dir, sys::Order::any);
        if (!names.ok()) return names.error().code() == ENOENT ? Result<void>{} : std::move(names).error();
        for (std::string& name : *names) {
            auto st = sys::stat_at(level.dir, name);
            if (!st.ok() || st->st_dev != device) continue;
            ++size.entries;
            if (S_ISDIR(st->st_mode)) level.folders.push_back(std::move(name));
            if (!S_ISREG(st->st_mode) || (st->st_nlink > 1 && !seen.insert(st->st_ino).second)) continue;
            size.bytes += st->st_size;
        }
        levels.push_back(std::move(level));
        return {};
    };
    auto top = sys::open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!top.ok() && top.error().kind() == ErrorKind::not_found) return size;
    UniqueFd root = TRY(std::move(top));
    device = TRY(sys::stat_fd(root)).st_dev;
    TRY(enter(std::move(root)).context(folder));
    while (!levels.empty()) {
        MeasuredLevel& level = levels.back();
        if (level.folders.empty()) {
            levels.pop_back();
            continue;
        }
        const std::string name = std::move(level.folders.back());
        level.folders.pop_back();
        if (levels.size() >= kDeepestMeasured) continue;
        auto dir = sys::openat(level.dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (dir.ok()) TRY(enter(std::move(*dir)).context(folder));
    }
    return size;
}

bool TreeSizes::still_good(const Known& known, uint64_t disk_used) {
    if (!known.measured) return false;
    if (monotonic_ns() - known.at_ns > std::min(kGoodTimes * known.took_ns, kGoodAtMostNs)) return false;
    const uint64_t change = std::max(disk_used, known.disk_used) - std::min(disk_used, known.disk_used);
    return change <= std::max(kSmallChange, static_cast<uint64_t>(known.bytes) / 10);
}

Result<int64_t> TreeSizes::bytes(const std::string& folder) {
    std::shared_ptr<Known> known;
    {
        std::lock_guard lock(mutex_);
        auto& at = known_[folder];
        if (!at) at = std::make_shared<Known>();
        known = at;
    }
    std::lock_guard walk(known->walking);
    uint64_t used = 0;
    auto dir = sys::open(folder, O_PATH | O_DIRECTORY);
    if (dir.ok()) used = TRY(sys::disk_use(*dir)).used;
    if (still_good(*known, used)) return known->bytes;
    const int64_t begin = monotonic_ns();
    auto size = measure_tree(folder);
    if (!size.ok()) {
        forget(folder);
        return std::move(size).error();
    }
    known->measured = true;
    known->bytes = size->bytes;
    known->took_ns = monotonic_ns() - begin;
    known->at_ns = monotonic_ns();
    known->disk_used = used;
    return known->bytes;
}

void TreeSizes::forget(const std::string& folder) {
    std::lock_guard lock(mutex_);
    known_.erase(folder);
}

} // namespace hull::store
