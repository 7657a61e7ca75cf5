// A folder as overlayfs shows it, read from its layers without a mount: whole
// whatever runs on it, and with the plain ids of the layers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::store {

struct MergedEntry {
    std::string name;
    size_t layer = 0; // that shows it
    struct stat st{};
};

class MergedFolder {
public:
    // layers: folders, topmost first.
    static Result<MergedFolder> open(const std::vector<std::string>& layers);
    // None.
    MergedFolder() = default;

    // What shows, by name.
    Result<std::vector<MergedEntry>> entries() const;
    // And the marks of what doesn't.
    Result<std::vector<MergedEntry>> entries_and_whiteouts() const;
    Result<std::optional<MergedEntry>> find(const std::string& name) const;
    // Precondition: entry is a folder of this one. It may be gone: not_found.
    Result<MergedFolder> enter(const MergedEntry& entry) const;

    // The folder in the layer of an entry: where it can be opened by its name.
    BorrowedFd dir_of(const MergedEntry& entry) const { return layers_[entry.layer]; }
    bool empty() const { return layers_.empty(); }
    // One of the layers hides whatever may be below all of them.
    bool hides_below() const { return hides_; }
    // Of the folder in each layer that shows through, topmost first.
    Result<std::vector<std::string>> paths() const;

private:
    std::vector<UniqueFd> layers_; // down to one that hides the rest
    bool hides_ = false;
};

// Where path, relative to the whole, is: the folders that make it up, topmost
// first, or one file. Links are followed inside. Errors: not_found;
// invalid_argument for a loop of links.
Result<std::vector<std::string>> find_merged(const std::vector<std::string>& layers, const std::string& path);

// Nothing of the layers below shows through this folder.
Result<bool> is_opaque(BorrowedFd dir);

} // namespace hull::store
