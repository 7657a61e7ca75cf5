// What the writable layer of a container changes of the layers below it.
//
// By Docker's rules (moby, pkg/archive: changes): a file is changed when its
// mode, owner, device, capabilities, size, time or contents differ; of folders
// size and time don't count; a folder in which something changed is changed too.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "codec/stream.h"

namespace hull::store {

enum class ChangeKind : unsigned char { modified, added, deleted }; // as the Engine API counts them

struct TreeChange {
    std::string path; // absolute
    ChangeKind kind = ChangeKind::modified;
    // Unless deleted: where it stands. Valid during the call only.
    BorrowedFd dir = {};
    std::string name = {};
    const struct stat* st = nullptr;
};
// An error ends the walk.
using ChangeVisitor = std::function<Result<void>(const TreeChange&)>;

// In the order of a walk: folders before what is in them, names by byte. What
// the engine itself puts into a container's tree (stubs for /dev, /etc/hosts...)
// is no change. upper: the writable layer; lower: the others, topmost first.
// Errors: too_large (folders nested too deeply).
Result<void> walk_changes(const std::string& upper, const std::vector<std::string>& lower, const ChangeVisitor& visit);

// The changes as a layer's tar. The same tree gives the same bytes.
Result<void> write_changes(const std::string& upper, const std::vector<std::string>& lower, ByteSink& sink);
// The same, and what is no change is removed from upper: then it has what the tar
// has, and looks the same on the layers below. Nobody else may use it meanwhile.
Result<void> reduce_to_changes(const std::string& upper, const std::vector<std::string>& lower, ByteSink& sink);

// The whole tree as a tar: the layers, topmost first, as overlayfs shows them.
Result<void> write_merged(const std::vector<std::string>& layers, ByteSink& sink);

} // namespace hull::store
