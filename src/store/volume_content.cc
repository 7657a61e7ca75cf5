// Content that comes and goes as a whole: staging, snapshots.
#include <algorithm>

#include <fcntl.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/random.h"
#include "codec/json.h"
#include "store/disk_image.h"
#include "store/tree_copy.h"
#include "store/volume_dirs.h"
#include "sys/directory.h"
#include "sys/file.h"
#include "sys/file_copy.h"
#include "sys/tree.h"

namespace hull::store {
namespace {

constexpr const char* kSnapshotFile = "/snapshot.json";

Result<void> sync_content(const std::string& folder) {
    UniqueFd fd = TRY(sys::open(folder, O_RDONLY | O_DIRECTORY));
    return sys::sync_file_system(fd);
}

Result<void> fsync_folder(const std::string& folder) {
    UniqueFd fd = TRY(sys::open(folder, O_RDONLY | O_DIRECTORY));
    return sys::fsync(fd);
}

Result<void> discard_content(const std::string& folder) {
    TRY(unmount_all(folder + "/_data", folder));
    return sys::remove_tree(folder);
}

Result<SnapshotInfo> read_snapshot_info(const std::string& folder, const std::string& name) {
    json::Value value = TRY(json::parse(TRY(sys::read_file(folder + kSnapshotFile, 4096))));
    const auto* object = value.if_object();
    const auto* created = object ? object->if_contains("created") : nullptr;
    const auto* size = object ? object->if_contains("size") : nullptr;
    if (!created || !created->is_int64() || !size || !size->is_int64())
        return Error(ErrorKind::corrupt, folder + kSnapshotFile + " is not a snapshot's");
    return SnapshotInfo{.name = name, .created = WallTime{created->get_int64()}, .size = size->get_int64()};
}

} // namespace

StagedContent::~StagedContent() {
    if (folder_.empty()) return;
    // Whatever is left, the next start removes.
    if (auto gone = discard_content(folder_); !gone.ok()) log::warning("remove " + folder_, gone.error());
}

Result<void> VolumeDirs::discard(const std::string& folder) { return discard_content(folder); }

Result<StagedContent> VolumeDirs::stage(uint64_t limit) {
    StagedContent staged(root_ + "/.making/" + random_hex(16));
    TRY(sys::mkdir(staged.folder_, 0701).context("volume folder"));
    TRY(sys::mkdir(staged.data(), 0755).context("volume folder"));
    if (limit == 0) return staged;
    TRY(make_disk_image(staged.folder_ + "/disk.img", limit));
    TRY(failpoint("volume.disk_made"));
    TRY(mount_disk_image(staged.folder_ + "/disk.img", staged.data()));
    // Programs that want an empty folder for their data would stumble over it.
    TRY(sys::rmdir(staged.data() + "/lost+found"));
    return staged;
}

Result<void> VolumeDirs::adopt_as(StagedContent staged, const std::string& name) {
    TRY(sync_content(staged.data()));
    TRY(sync_content(staged.folder_));
    TRY(failpoint("volume.staged"));
    TRY(sys::rename(staged.folder_, root_ + "/" + name).context("volume folder"));
    staged.folder_.clear();
    return fsync_folder(root_);
}

Result<void> VolumeDirs::adopt_content(StagedContent staged, const std::string& name) {
    const std::string folder = root_ + "/" + name;
    TRY(sync_content(staged.data()));
    TRY(sync_content(staged.folder_));
    TRY(failpoint("volume.staged"));
    sizes_.forget(path(name));
    if (sys::exists(image(name))) {
        TRY(unmount_all(staged.data(), staged.folder_));
        TRY(unmount(name));
        auto swapped = sys::exchange_names(staged.folder_ + "/disk.img", image(name));
        auto mounted = mount(name, {});
        TRY(std::move(swapped));
        TRY(std::move(mounted));
    } else {
        TRY(sys::exchange_names(staged.data(), path(name)));
    }
    TRY(failpoint("volume.swapped"));
    return fsync_folder(folder);
}

Result<SnapshotInfo> VolumeDirs::make_snapshot(const std::string& name, const std::string& snapshot) {
    const std::string target = snapshots_of(name) + "/" + snapshot;
    if (sys::exists(target)) return Error(ErrorKind::conflict, "snapshot " + snapshot + " of " + name + " exists");
    StagedContent staged = TRY(stage(0));
    SnapshotInfo info{.name = snapshot, .created = wall_now(), .size = 0};
    info.size = static_cast<int64_t>(TRY(copy_folder(path(name), staged.data())).bytes);
    TRY(sys::replace_file(staged.folder_ + kSnapshotFile,
                          json::print(json::Object{{"created", info.created.ns}, {"size", info.size}}), 0600));
    TRY(sync_content(staged.folder_));
    TRY(failpoint("volume.snapshot"));
    TRY(sys::mkdir_parents(snapshots_of(name), 0700));
    TRY(sys::rename(staged.folder_, target).context("snapshot folder"));
    staged.folder_.clear();
    TRY(fsync_folder(snapshots_of(name)));
    return info;
}

bool VolumeDirs::has_snapshot(const std::string& name, const std::string& snapshot) const {
    return sys::exists(snapshots_of(name) + "/" + snapshot);
}

Result<void> VolumeDirs::remove_snapshot(const std::string& name, const std::string& snapshot) {
    const std::string trash = root_ + "/.trash/" + random_hex(16);
    TRY(sys::rename(snapshots_of(name) + "/" + snapshot, trash));
    if (auto emptied = sys::remove_tree(trash); !emptied.ok()) log::warning("remove " + trash, emptied.error());
    return {};
}

Result<std::vector<SnapshotInfo>> VolumeDirs::snapshots(const std::string& name) const {
    std::vector<SnapshotInfo> list;
    auto names = sys::list_dir(snapshots_of(name));
    if (!names.ok() && names.error().kind() == ErrorKind::not_found) return list;
    for (const std::string& one : TRY(std::move(names))) {
        auto info = read_snapshot_info(snapshots_of(name) + "/" + one, one);
        if (info.ok())
            list.push_back(*std::move(info));
        else
            log::warning("snapshot " + one + " of volume " + name, info.error());
    }
    std::ranges::sort(list, [](const auto& a, const auto& b) {
        return std::pair(a.created.ns, a.name) < std::pair(b.created.ns, b.name);
    });
    return list;
}

} // namespace hull::store
