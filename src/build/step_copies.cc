#include "build/step_copies.h"

#include "base/log.h"
#include "base/random.h"
#include "store/tree_copy.h"
#include "sys/file.h"

namespace hull::build {

StepCopies::~StepCopies() {
    for (const std::string& path : made_)
        if (auto gone = sys::remove_tree(path); !gone.ok()) log::error("remove a build step's files", gone.error());
}

Result<std::string> StepCopies::copy(const std::string& source) {
    // A file is copied with the folder that it is alone in.
    struct stat st = TRY(sys::lstat(source));
    size_t slash = source.rfind('/');
    const std::string name = S_ISDIR(st.st_mode) ? "" : source.substr(slash);
    const std::string from = S_ISDIR(st.st_mode) ? source : source.substr(0, slash);
    std::string path = folder_ + "/" + random_hex(16);
    TRY(sys::mkdir(path, 0700));
    made_.push_back(path);
    TRY(store::copy_folder(from, path).context("copy the files that a step may change"));
    return path + name;
}

} // namespace hull::build
