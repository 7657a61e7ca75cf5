// The limits in a container's saved config.json, for `update`.
#pragma once

#include <string>

#include "apps/hull-runtime/container.h"
#include "base/result.h"
#include "model/oci_spec.h"

namespace hull::oci_runtime {

class SavedResources {
public:
    static Result<SavedResources> load(const Store& store, const std::string& id);

    const model::oci::Resources& resources() const { return resources_; }
    // Writes what is in changes over linux.resources of the file, and keeps the
    // rest of it. Of block devices those with the same number are replaced.
    Result<void> merge(const model::oci::Resources& changes) const;

private:
    std::string path_, text_;
    model::oci::Resources resources_;
};

} // namespace hull::oci_runtime
