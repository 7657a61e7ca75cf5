// The folders of volumes: <data-root>/volumes/<name>/ with
//   _data/  what containers see
//   .seed/  while the first content is copied; renamed to _data when it is whole
//
// A volume is removed by renaming it into .trash/ first, so that a crash leaves
// nothing but trash. Thread-safe for different volumes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::store {

// Options of the driver "local": what is mounted at _data while a container runs.
struct VolumeMount {
    std::string type, device, options; // options: as mount(8) takes them
    bool empty() const { return type.empty() && device.empty() && options.empty(); }
};

class VolumeDirs {
public:
    // Makes the folders, empties the trash and removes half-copied content.
    static Result<std::unique_ptr<VolumeDirs>> open(const std::string& data_root);

    std::string path(const std::string& name) const { return root_ + "/" + name + "/_data"; }
    Result<void> create(const std::string& name); // there already: fine
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

    // Bytes of the regular files.
    Result<int64_t> size(const std::string& name) const;

    bool exists(const std::string& name) const;
    Result<bool> is_mounted(const std::string& name) const;
    // What a copy left that was cut short.
    bool half_seeded(const std::string& name) const;
    Result<void> remove_half_seeded(const std::string& name);

private:
    explicit VolumeDirs(std::string root) : root_(std::move(root)) {}
    std::string root_; // <data-root>/volumes
};

} // namespace hull::store
