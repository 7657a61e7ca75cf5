// The folders of volumes: <data-root>/volumes/<name>/ with
//   _data/       what containers see
//   disk.img     of a volume of limited size: the file system mounted at _data,
//                from its making to its end
//   .seed/       while the first content is copied; renamed to _data when it is whole
//   .snapshots/  one folder each, with _data/ and snapshot.json
//
// A volume is removed by renaming it into .trash/ first, and what has to be whole
// is made in .making/, so that a crash leaves nothing but what a start removes.
// Thread-safe for different volumes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "store/tree_size.h"

namespace hull::store {

// Options of the driver "local": what is mounted at _data while a container runs.
struct VolumeMount {
    std::string type, device, options; // options: as mount(8) takes them
    bool empty() const { return type.empty() && device.empty() && options.empty(); }
};

struct SnapshotInfo {
    std::string name;
    WallTime created;
    int64_t size = 0; // bytes of its files when it was made
};

class VolumeDirs;

// Content that nobody sees yet: a volume's data on its way in. Gone with its
// owner unless a volume adopts it.
class StagedContent {
public:
    StagedContent(StagedContent&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
    StagedContent& operator=(StagedContent&&) = delete;
    ~StagedContent();
    std::string data() const { return folder_ + "/_data"; } // to be filled

private:
    friend class VolumeDirs;
    explicit StagedContent(std::string folder) : folder_(std::move(folder)) {}
    std::string folder_; // in .making
};

class VolumeDirs {
public:
    // Makes the folders, empties the trash, removes half-made content, mounts what
    // has a limited size.
    static Result<std::unique_ptr<VolumeDirs>> open(const std::string& data_root);

    std::string path(const std::string& name) const { return root_ + "/" + name + "/_data"; }
    // There already: fine. limit: bytes that it may hold, 0 for none.
    Result<void> create(const std::string& name, uint64_t limit = 0);
    Result<void> remove(const std::string& name); // missing: fine
    Result<std::vector<std::string>> list() const;

    // Copies what the image has at path into an empty volume; into one that
    // isn't empty, nothing. All or nothing, unless it is in_use (somebody holds
    // the folder, so it can't be replaced) or something is mounted there.
    Result<void> seed(const std::string& name, const std::vector<std::string>& lower, const std::string& path,
                      bool in_use);

    // Errors carry mount(2)'s reason. Mounted already: fine.
    Result<void> mount(const std::string& name, const VolumeMount& what);
    Result<void> unmount(const std::string& name); // nothing mounted: fine
    // A folder or file below the volume, resolved without leaving it; the
    // descriptor (O_PATH) stays what it is whatever the volume's users rename.
    Result<UniqueFd> open_below(const std::string& name, const std::string& subpath) const;

    Result<bool> is_empty(const std::string& name) const;
    // Bytes of the regular files, as exact as TreeSizes; of a limited volume, what its file system uses.
    Result<int64_t> size(const std::string& name) const;

    // Bytes that it may hold; 0: no limit.
    Result<uint64_t> limit(const std::string& name) const;
    enum class Use : unsigned char { idle, in_use };
    // What the engine may not do while it is in use: forbidden.
    Result<void> grow(const std::string& name, uint64_t limit, Use use);

    // limit: 0 for none.
    Result<StagedContent> stage(uint64_t limit);
    // A volume of that name, which must not exist, with this content. Durable.
    Result<void> adopt_as(StagedContent staged, const std::string& name);
    // Instead of what the volume holds; nobody uses it. All or nothing. Durable.
    Result<void> adopt_content(StagedContent staged, const std::string& name);

    // A copy of what the volume holds. Exists: conflict.
    Result<SnapshotInfo> make_snapshot(const std::string& name, const std::string& snapshot);
    Result<void> remove_snapshot(const std::string& name, const std::string& snapshot); // missing: not_found
    Result<std::vector<SnapshotInfo>> snapshots(const std::string& name) const;         // oldest first
    bool has_snapshot(const std::string& name, const std::string& snapshot) const;
    std::string snapshot_path(const std::string& name, const std::string& snapshot) const {
        return snapshots_of(name) + "/" + snapshot + "/_data";
    }

    bool exists(const std::string& name) const;
    Result<bool> is_mounted(const std::string& name) const;
    // What a copy left that was cut short.
    bool half_seeded(const std::string& name) const;
    Result<void> remove_half_seeded(const std::string& name);

private:
    explicit VolumeDirs(std::string root) : root_(std::move(root)) {}
    std::string snapshots_of(const std::string& name) const { return root_ + "/" + name + "/.snapshots"; }
    std::string image(const std::string& name) const { return root_ + "/" + name + "/disk.img"; }
    Result<void> discard(const std::string& folder);
    std::string root_; // <data-root>/volumes
    mutable TreeSizes sizes_;
};

// Copies what the image has at inside into the folder, if that is empty.
Result<void> seed_empty_folder(const std::string& folder, const std::vector<std::string>& lower,
                               const std::string& inside);
// What is at subpath below the folder (empty: itself), resolved without leaving it; O_PATH.
Result<UniqueFd> open_place(const std::string& folder, const std::string& subpath);

} // namespace hull::store
