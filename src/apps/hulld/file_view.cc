#include "file_view.h"

#include <optional>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>

#include "kernel/bind.h"
#include "runtime/rootfs.h"
#include "runtime/users.h"
#include "store/tree_lookup.h"
#include "sys/abi.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/resolve.h"
#include "sys/tree.h"

namespace hull {

namespace {

using engine::FilesRequest;
using engine::OpenFiles;

// A thread's root and mount namespace are changed in a thread of its own; the
// descriptors that it opened stay.
template <class F>
auto in_own_thread(F&& work) {
    std::optional<decltype(work())> result;
    std::thread([&] { result.emplace(work()); }).join();
    return std::move(*result);
}

// "inside outside count"; containers have one such line.
Result<store::IdShift> read_id_map(const std::string& path) {
    std::istringstream text(TRY(sys::read_file(path)));
    uint64_t inside = 0, first = 0, count = 0;
    text >> inside >> first >> count;
    if (!text || inside != 0) return unsupported(path + ": the container's ids are not one range from 0 on");
    // Everything as it is: no namespace of its own.
    if (first == 0) return store::IdShift{};
    return store::IdShift{.first = static_cast<uint32_t>(first), .count = static_cast<uint32_t>(count)};
}

Result<OpenFiles> open_running(const FilesRequest& request) {
    const std::string proc = "/proc/" + std::to_string(request.pid);
    UniqueFd process = TRY(sys::pidfd_open(request.pid));
    OpenFiles files;
    files.mount_ns = TRY(sys::open(proc + "/ns/mnt", O_RDONLY));
    files.ids.users = TRY(read_id_map(proc + "/uid_map"));
    files.ids.groups = TRY(read_id_map(proc + "/gid_map"));
    // It is still the same process whose namespace was opened.
    TRY(sys::pidfd_signal(process, 0));
    // Not /proc/<pid>/root: its init may have changed its root.
    files.root = TRY(in_own_thread([&]() -> Result<UniqueFd> {
        TRY(sys::unshare(CLONE_FS));
        TRY(sys::setns(files.mount_ns, CLONE_NEWNS));
        return sys::open("/", O_PATH | O_DIRECTORY);
    }));
    return files;
}

struct Source {
    const FilesRequest::Bind* bind;
    kernel::BindTree tree;
    bool folder = false;
};

// What isn't there can't be shown; a start would make it or fail.
Result<std::vector<Source>> clone_sources(const FilesRequest& request) {
    std::vector<Source> sources;
    for (const FilesRequest::Bind& bind : request.binds) {
        if (!bind.lower.empty()) {
            runtime::RootfsPlan layers;
            layers.lower = bind.lower;
            auto made = TRY(runtime::make_rootfs(layers, {}));
            sources.push_back({&bind, {.tree = std::move(made.mount), .parts = {}}, true});
            continue;
        }
        auto source = sys::open(bind.source, O_PATH);
        if (!source.ok()) {
            if (source.error().code() == ENOENT) continue;
            return std::move(source).error();
        }
        struct stat st = TRY(sys::stat_fd(*source));
        auto depth = bind.recursive ? sys::Depth::all_below : sys::Depth::one;
        auto tree = TRY(kernel::clone_for_container(*source, bind.source, depth, {}));
        sys::MountAttributes attributes;
        attributes.propagation = MS_PRIVATE;
        if (bind.readonly) attributes.set = MOUNT_ATTR_RDONLY;
        TRY(sys::set_mount_attributes(tree.tree, "", sys::Depth::all_below, attributes));
        sources.push_back({&bind, std::move(tree), S_ISDIR(st.st_mode)});
    }
    return sources;
}

Result<void> attach_sources(BorrowedFd root, const std::vector<Source>& sources) {
    for (const Source& source : sources) {
        const std::string& place = source.bind->destination;
        UniqueFd target = source.folder ? TRY(sys::make_folders_beneath(root, place, 0755))
                                        : TRY(sys::make_file_beneath(root, place, 0755));
        TRY(sys::attach_mount(source.tree.tree, target).context(place));
        for (const auto& part : source.tree.parts) {
            UniqueFd inner = TRY(sys::open_beneath(source.tree.tree, part.relative, O_PATH, sys::Links::refused));
            TRY(sys::attach_mount(part.tree, inner).context(place));
        }
    }
    return {};
}

Result<OpenFiles> open_stopped(const FilesRequest& request, const std::string& exec_root) {
    OpenFiles files;
    TRY(in_own_thread([&]() -> Result<void> {
        TRY(sys::unshare(CLONE_FS | CLONE_NEWNS));
        TRY(sys::mount_propagation("/", MS_REC | MS_PRIVATE));
        runtime::RootfsPlan plan;
        plan.lower = request.rootfs.lower;
        plan.upper = request.rootfs.upper;
        plan.work = request.rootfs.work;
        auto rootfs = TRY(runtime::make_rootfs(plan, {}));
        auto sources = TRY(clone_sources(request));
        // The copy that nobody is in, once this thread has ended.
        files.mount_ns = TRY(sys::open("/proc/thread-self/ns/mnt", O_RDONLY));
        TRY(sys::attach_mount(rootfs.mount, exec_root));
        TRY(sys::fchdir(rootfs.mount));
        TRY(sys::pivot_root(".", "."));
        // The old root lies over the new one, at ".". Without it, nothing of the
        // machine is held or within reach.
        TRY(sys::unmount_lazily("."));
        TRY(sys::chdir("/"));
        files.root = TRY(sys::open("/", O_PATH | O_DIRECTORY));
        return attach_sources(files.root, sources);
    }));
    return files;
}

} // namespace

Result<OpenFiles> open_container_files(const FilesRequest& request, const std::string& exec_root) {
    auto files = request.pid != 0 ? open_running(request) : open_stopped(request, exec_root);
    return std::move(files).context([&] { return "open the files of container " + request.id.str(); });
}

Result<store::Owner> find_container_owner(const engine::OpenFiles& files, const std::string& user) {
    constexpr size_t limit = size_t{1} << 20;
    // Numbers need no such files.
    auto passwd = store::read_small_file(files.root, "/etc/passwd", limit);
    auto group = store::read_small_file(files.root, "/etc/group", limit);
    auto found = TRY(runtime::find_user(user, passwd.ok() ? *passwd : "", group.ok() ? *group : ""));
    return store::Owner{found.uid, found.gid};
}

Result<void> as_container_root(const OpenFiles& files, const std::function<Result<void>()>& work) {
    if (files.ids.users.count == 0 && files.ids.groups.count == 0) return work();
    auto identity = TRY(runtime::FilesystemIdentity::assume(files.ids.users.first, files.ids.groups.first));
    return work();
}

} // namespace hull
