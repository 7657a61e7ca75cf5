// Unpacks a tar into a folder of a container's tree, by the rules of Docker's
// copy: entries go where links of the tree lead, with the tree's root as "/";
// what stands in an entry's way is replaced, folders are kept and filled.
//
// Nothing can reach out of the tree, also when a container changes its links
// meanwhile: every place is resolved once, to a descriptor, with the tree's root
// as "/" (openat2), and used by that. CVE-2018-15664, CVE-2019-14271.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "codec/stream.h"
#include "store/id_shift.h"

namespace hull::store {

struct ExtractOptions {
    bool keep_kinds = false;    // a folder never replaces a file, nor a file a folder
    std::optional<Owner> owner; // of everything, instead of what the tar says
    IdShifts ids;
    // Also the settings of the folder itself, and all extended attributes that are
    // no host's (belongs_to_layer()).
    bool everything = false;
};

// The stream is uncompressed, or gzip or zstd. An empty one is an empty archive.
// folder: absolute and clean, in the tree with this root. Errors:
// invalid_argument (malformed, an entry outside of the folder, the wrong kind),
// what the kernel says (EROFS, ENOSPC ...), what the stream fails with. What was
// unpacked before the error stays, but no file that isn't whole.
Result<void> extract_tar(ByteSource& stream, BorrowedFd root, const std::string& folder, const ExtractOptions& options);

} // namespace hull::store
