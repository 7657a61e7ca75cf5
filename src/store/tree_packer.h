// Writes files of a folder tree as tar entries, as Docker's tools expect them:
// times in whole seconds, no names of users, hard links to what came before in
// the same archive, of the extended attributes security.capability alone; or, when
// asked, with all that a file has.
// Sockets are left out. Links are never followed; the tree may change meanwhile:
// what is gone is left out, and a file has the length that its header says.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include <sys/stat.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "codec/tar_writer.h"
#include "store/id_shift.h"

namespace hull::store {

enum class PackDetail : unsigned char {
    docker,
    everything, // all extended attributes, fractions of seconds, holes (GNU's sparse files in pax)
};

class TreePacker {
public:
    // out must outlive it.
    explicit TreePacker(ByteSink& out, const IdShifts& ids = {}, PackDetail detail = PackDetail::docker)
        : writer_(out), ids_(ids), everything_(detail == PackDetail::everything) {}

    // The entry name in dir, as path. Of a folder, itself only. st: what it was
    // when it was listed.
    Result<void> add(BorrowedFd dir, const std::string& name, const std::string& path, const struct stat& st);
    // The mark of a layer that path of a lower layer is gone: a/.wh.b of a/b.
    Result<void> add_whiteout(const std::string& path);
    Result<void> finish() { return writer_.finish(); }

private:
    Result<void> add_data(BorrowedFd file, uint64_t length);
    Result<void> add_file(BorrowedFd dir, const std::string& name, tar::Entry& entry);
    Result<void> add_attributes(BorrowedFd dir, const std::string& name, tar::Entry& entry) const;

    tar::Writer writer_;
    IdShifts ids_;
    bool everything_;
    std::map<std::pair<uint64_t, uint64_t>, std::string> linked_; // device and inode: the path it got
    std::string buffer_;
};

// Everything at name in dir (a folder with what is in it), the top as path. What
// the kernel makes up (proc, sysfs, cgroups ...) mounted below is left empty.
struct PackOptions {
    // Also left empty when mounted in the folder itself: "dev".
    std::string leave_empty;
};
Result<void> pack_tree(TreePacker& packer, BorrowedFd dir, const std::string& name, const std::string& path,
                       const PackOptions& options = {});

// security.capability without the root id that a user namespace adds (VFS_CAP_REVISION_3).
std::string plain_capability(std::string value);
// The same with the root id of a container.
std::string capability_of(std::string value, uint32_t root);

} // namespace hull::store
