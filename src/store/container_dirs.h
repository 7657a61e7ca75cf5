// The folders of containers: <data-root>/containers/<id>/ with
//   upper/ work/    the writable layer of overlayfs (plain ids)
//   disk.img disk/  instead, for one of limited size: an ext4 of that size in a
//                   sparse file, mounted at disk/, which holds upper/ and work/
//   volumes/<name>/ anonymous volumes
// and the small files that the engine and the keeper keep there.
//
// .base/ is one more layer for all of them, below those of the image: what
// programs look for in a container that the image need not have.
//
// A folder is made in one go and removed by renaming it into .trash/, which is
// emptied in the background by whoever calls empty_trash(); a crash leaves
// nothing but trash. Thread-safe for different containers.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "store/tree_size.h"

namespace hull::store {

class ContainerDirs {
public:
    // Makes the folders. What a crash left in the trash stays until empty_trash().
    static Result<std::unique_ptr<ContainerDirs>> open(const std::string& data_root);

    std::string path(const ContainerId& id) const { return root_ + "/" + id.str(); }
    // The layer below all others: /.dockerenv and, for images without one, /etc/mtab.
    std::string base() const { return root_ + "/.base"; }
    // Where upper/ and work/ are.
    std::string writable(const ContainerId& id) const;
    // volumes: names of anonymous volumes. limit: bytes of the writable layer, 0 for
    // none. On error nothing is left.
    Result<void> create(const ContainerId& id, const std::vector<std::string>& volumes, uint64_t limit = 0);
    bool has_disk(const ContainerId& id) const;
    Result<void> mount_disk(const ContainerId& id); // mounted already: fine
    // An empty work/ again; nothing of the container is mounted.
    Result<void> renew_work(const ContainerId& id);
    // The same, and an empty upper/, which is missing; the rest of the folder stays.
    Result<void> renew(const ContainerId& id);
    // Gone from its place when this returns; missing: fine.
    Result<void> remove(const ContainerId& id);
    // Deletes what remove() put aside, which may take minutes; cancelled once *stop.
    Result<void> empty_trash(const std::atomic<bool>* stop = nullptr);
    Result<std::vector<ContainerId>> list() const;

    // A small file of the container's, replaced as a whole.
    Result<void> write_file(const ContainerId& id, const std::string& name, std::string_view text) const;
    // Bytes of the regular files in the writable layer; as exact as TreeSizes.
    Result<int64_t> writable_size(const ContainerId& id) const;

private:
    explicit ContainerDirs(std::string root) : root_(std::move(root)) {}
    Result<void> make_disk(const ContainerId& id, uint64_t bytes);
    Result<void> unmount_disk(const ContainerId& id);
    std::string root_; // <data-root>/containers
    mutable TreeSizes sizes_;
};

} // namespace hull::store
