// A file system of limited size: ext4 in a sparse file, mounted through a loop
// device. By the programs mkfs.ext4, mount, losetup and resize2fs; without them,
// unsupported, naming what is missing.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace hull::store {

// Below there is hardly room for the file system itself.
inline constexpr uint64_t kLeastDiskImage = uint64_t{16} << 20;

// image must not exist. On error it doesn't exist afterwards.
Result<void> make_disk_image(const std::string& image, uint64_t bytes);
// at: an empty folder.
Result<void> mount_disk_image(const std::string& image, const std::string& at);
// The file system becomes larger while it is mounted at that folder. Cut short,
// it has its old size, and can be grown again. forbidden: the kernel wants
// CAP_SYS_RESOURCE for that.
Result<void> grow_disk_image(const std::string& image, const std::string& mounted_at, uint64_t bytes);
// The same while it is mounted nowhere.
Result<void> grow_idle_disk_image(const std::string& image, uint64_t bytes);

// Whether something is mounted at folder, whose parent is above; a folder that
// is missing: no.
Result<bool> is_mount_point(const std::string& folder, const std::string& above);
// Everything that is mounted at folder.
Result<void> unmount_all(const std::string& folder, const std::string& above);

} // namespace hull::store
