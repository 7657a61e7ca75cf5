// Opens the files of a container for copying, without entering it: of one that
// runs, its own mounts; of one that doesn't, the same mounts made anew in a
// mount namespace that nobody is in.
#pragma once

#include <functional>

#include "base/result.h"
#include "engine/runtime_port.h"

namespace hull {

Result<engine::OpenFiles> open_container_files(const engine::FilesRequest& request, const std::string& exec_root);
Result<store::Owner> find_container_owner(const engine::OpenFiles& files, const std::string& user);
Result<void> as_container_root(const engine::OpenFiles& files, const std::function<Result<void>()>& work);

} // namespace hull
