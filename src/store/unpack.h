// Unpacks a layer's tar into a folder, in the form that overlayfs reads.
//
// Nothing in the tar can reach outside the folder: names are cleaned first, then
// resolved by openat2 with the folder as root, and final links are never
// followed. A later entry replaces an earlier one of its name. Owners and modes
// are set as the tar has them (plain ids). Whiteouts (.wh.x) become 0/0
// character devices, opaque folders (.wh..wh..opq) get trusted.overlay.opaque.
// Folders that the tar leaves out are made 0755 and named in the result, so that
// they can be given the settings of the layers below (inherit_settings).
//
// Extended attributes: all but those that belong to this host (security.* except
// security.capability) or to overlayfs itself (*.overlay.*), which are left out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "codec/tar_reader.h"
#include "store/file_finisher.h"
#include "store/layers.h"
#include "store/recipe.h"

namespace hull::store {

struct Unpacked {
    uint64_t size = 0; // of the regular files
    uint64_t entries = 0;
    bool opaque_root = false;
    std::vector<std::string> implied_folders; // parents before children
};

class Unpacker {
public:
    // root: the empty folder to fill. Both must outlive the unpacker. Once.
    Unpacker(BorrowedFd root, const Budget& budget, RecipeWriter& recipe);

    // Errors: invalid_argument for a tar that is malformed or leads outside,
    // too_large beyond the budget. What was made so far stays; the caller
    // removes the folder.
    Result<Unpacked> run(tar::Reader& reader);

private:
    struct FolderSettings { // applied at the end: making files in a folder changes its time
        std::string path;
        uint32_t mode = 0, uid = 0, gid = 0;
        int64_t mtime = 0;
        uint32_t mtime_ns = 0;
        std::vector<std::pair<std::string, std::string>> xattrs;
    };
    using Folder = std::shared_ptr<const UniqueFd>; // O_PATH
    struct Place {                                  // where an entry goes
        Folder folder;
        std::string path, name;
    };

    Result<void> unpack(const tar::Entry& entry, tar::Reader& reader);
    Result<void> whiteout(const Place& place);
    Result<void> mark_opaque(const std::string& folder_path);
    Result<void> make(const tar::Entry& entry, const Place& place, tar::Reader& reader);
    Result<void> make_folder(const tar::Entry& entry, const Place& place);
    Result<void> make_file(const tar::Entry& entry, const Place& place, tar::Reader& reader);
    Result<void> make_small_file(FileToFinish file, tar::Reader& reader);
    Result<void> write_contents(const tar::Entry& entry, const Place& place, BorrowedFd file, tar::Reader& reader);
    Result<void> make_hard_link(const tar::Entry& entry, const Place& place);
    Result<void> make_special(const tar::Entry& entry, const Place& place);
    Result<bool> make_way(const Place& place); // true: what went away was a whiteout
    Result<void> remember_folder(const tar::Entry& entry, const std::string& path);
    Result<void> remember(FolderSettings settings);
    Result<void> count_memory(size_t bytes);
    Result<void> settle_folders();

    Result<Folder> folder(const std::string& path);
    Result<UniqueFd> make_folders(const std::string& path);
    Result<void> make_missing_folder(BorrowedFd parent, const std::string& name, const std::string& path);

    BorrowedFd root_;
    Budget budget_;
    RecipeWriter& recipe_;
    Unpacked result_;
    std::unordered_map<std::string, Folder> open_folders_; // by path; a cache
    std::vector<FolderSettings> folders_;
    size_t remembered_bytes_ = 0;
    FileFinisher finisher_; // of small files
};

// Gives folders that a tar only implied the owner, mode and time that the layers
// below have at the same path. below: their folders, topmost first.
Result<void> inherit_settings(BorrowedFd root, const std::vector<std::string>& implied_folders,
                              const std::vector<std::string>& below);

// Whether an extended attribute of a tar is set on files: not what belongs to
// this host or to overlayfs.
bool belongs_to_layer(std::string_view attribute);

// "./a//b/../c" is "a/c"; "" is the root. Errors: invalid_argument when it leads
// outside, too_large beyond the budget.
Result<std::string> clean_path(std::string_view path, const Budget& budget);

} // namespace hull::store
