// Cache mounts of RUN, given to others and taken from them.
#include <fcntl.h>

#include "base/log.h"
#include "base/random.h"
#include "build/builder.h"
#include "codec/compress/sha256.h"
#include "store/extract.h"
#include "store/tree_packer.h"
#include "sys/file.h"
#include "sys/file_copy.h"
#include "sys/tree.h"

namespace hull::build {

Result<void> Builder::export_mount(const std::string& id, ByteSink& sink, const std::function<Result<void>()>& begun) {
    const std::string name = sha256_hex(id);
    auto kept = use_mount(name);
    auto folder = sys::open(ports_.folder + "/cache/" + name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!folder.ok())
        return Error(ErrorKind::not_found, "no cache mount has the id " + id +
                                               " (that of RUN --mount=type=cache, or its target without one)");
    TRY(begun());
    store::TreePacker packer(sink, {}, store::PackDetail::everything);
    for (const std::string& entry : TRY(sys::names_in(*folder))) TRY(store::pack_tree(packer, *folder, entry, entry));
    return packer.finish();
}

Result<void> Builder::import_mount(const std::string& id, ByteSource& tar) {
    if (id.empty()) return invalid("a cache mount needs an id");
    const std::string name = sha256_hex(id), path = ports_.folder + "/cache/" + name;
    const std::string fresh = steps_folder() + "/" + random_hex(16);
    TRY(sys::mkdir_parents(ports_.folder + "/cache", 0700));
    TRY(sys::mkdir(fresh, 0755));
    auto fill = [&]() -> Result<void> {
        UniqueFd root = TRY(sys::open(fresh, O_RDONLY | O_DIRECTORY));
        TRY(sys::change_mode(root, 0755)); // whatever the umask
        store::ExtractOptions options;
        options.everything = true;
        TRY(store::extract_tar(tar, root, "/", options));
        std::lock_guard lock(pins_mutex_); // nobody begins to use it meanwhile
        if (mounts_in_use_.contains(name))
            return Error(ErrorKind::conflict, "the cache mount " + id + " is in use by a build");
        return sys::exists(path) ? sys::exchange_names(fresh, path) : sys::rename_new(fresh, path);
    };
    auto filled = fill();
    if (auto gone = sys::remove_tree(fresh); !gone.ok()) log::error("remove what a cache mount held", gone.error());
    return std::move(filled).context("fill the cache mount " + id);
}

} // namespace hull::build
