#include "engine/files_service.h"

#include <algorithm>
#include <chrono>

#include "engine/image_mounts.h"
#include "engine/net_files.h"
#include "store/extract.h"
#include "store/tree_lookup.h"
#include "store/tree_packer.h"

namespace hull::engine {

namespace {

std::vector<std::string> layers_of(const Core& core, const Container& container) {
    std::vector<std::string> layers = {core.dirs->writable(container.id) + "/upper"};
    for (std::string& lower : core.lower_of(container)) layers.push_back(std::move(lower));
    return layers;
}

// What a start would bind into the container's tree.
std::vector<FilesRequest::Bind> binds_of(const Core& core, const Container& container) {
    const ContainerSettings& settings = container.settings();
    std::vector<FilesRequest::Bind> binds;
    // Written at a start; before the first there are none.
    for (const char* name : {"resolv.conf", "hostname", "hosts"})
        binds.push_back({.source = core.dirs->path(container.id) + "/" + name,
                         .destination = std::string("/etc/") + name,
                         .readonly = settings.host_config.readonly_rootfs});
    for (const model::MountPoint& point : settings.mounts) {
        if (point.type == "tmpfs" || point.source.empty()) continue;
        std::vector<std::string> image;
        if (point.type == "image") {
            auto sources = image_mount_sources(core.images, point);
            if (!sources.ok()) continue; // a start will say so
            image = std::move(*sources);
        }
        std::erase_if(binds, [&](const auto& bind) { return bind.destination == point.destination; });
        binds.push_back({.source = image.empty() ? point.source : image.front(),
                         .destination = point.destination,
                         .lower = image.size() > 1 ? std::move(image) : std::vector<std::string>(),
                         .readonly = !point.rw,
                         .recursive = !point.non_recursive});
    }
    std::ranges::stable_sort(binds, {}, [](const auto& bind) { return std::ranges::count(bind.destination, '/'); });
    return binds;
}

Error no_such_file(const std::string& path, const std::string& container) {
    return {ErrorKind::not_found, "Could not find the file " + path + " in container " + container};
}

// The last part of a path, as Go's filepath.Base.
std::string base_name(const std::string& path) {
    if (path.ends_with("/.") || path == ".") return ".";
    std::string clean = store::clean_absolute(path);
    return clean == "/" ? clean : clean.substr(clean.rfind('/') + 1);
}

PathStat describe(const store::FoundPath& found, const std::string& path) {
    return {.name = base_name(path),
            .size = found.st.st_size,
            .mode = found.st.st_mode,
            .mtime = WallTime{found.st.st_mtim.tv_sec * 1'000'000'000 + found.st.st_mtim.tv_nsec},
            .link_target = found.link_target};
}

bool is_within(const std::string& path, const std::string& folder) {
    if (folder == "/") return true;
    return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

// The kernel refuses it too; this says it as Docker does.
Result<void> check_writable(const Container& container, const std::string& path, bool running) {
    const ContainerSettings& settings = container.settings();
    const model::MountPoint* innermost = nullptr;
    for (const model::MountPoint& point : settings.mounts) {
        if (point.type == "tmpfs" && !running) continue;
        if (!is_within(path, point.destination)) continue;
        if (!innermost || point.destination.size() > innermost->destination.size()) innermost = &point;
    }
    if (innermost && !innermost->rw) return Error(ErrorKind::forbidden, "mounted volume is marked read-only");
    if (!innermost && settings.host_config.readonly_rootfs)
        return Error(ErrorKind::forbidden, "container rootfs is marked read-only");
    return {};
}

} // namespace

Result<void> check_has_files(const Container& container) {
    switch (container.status()) {
    case ContainerStatus::dead:
        return Error(ErrorKind::conflict, "container " + container.id.str() + " is marked dead and has no files");
    case ContainerStatus::removing:
        return Error(ErrorKind::conflict, "container " + container.id.str() + " is being removed");
    default: return {};
    }
}

Result<FilesService::Opened> FilesService::open(const std::string& name) {
    Opened opened;
    opened.container = TRY(core_.registry.find(name));
    Container& container = *opened.container;
    for (int tries = 0;; ++tries) {
        opened.stays = std::unique_lock(container.operation());
        if (container.look([](const auto&, const Volatile& v) { return v.removed; })) return no_such_container(name);
        TRY(check_has_files(container));
        FilesRequest request = files_request(opened.container);
        opened.running = request.pid != 0;
        auto files = core_.runtime.open_files(request);
        if (opened.running) opened.stays.unlock();
        if (files.ok()) {
            opened.files = std::move(*files);
            return opened;
        }
        // Its end may not be known here yet.
        if (!opened.running || tries == 1) return std::move(files).error().with_kind(ErrorKind::system);
        container.wait_for(std::chrono::seconds(1),
                           [&](const ContainerState& state, const Volatile&) { return state.pid != request.pid; });
    }
}

FilesRequest FilesService::files_request(const ContainerPtr& container) {
    FilesRequest request;
    request.id = container->id;
    if (has_processes(container->status())) request.pid = container->state().pid;
    if (request.pid != 0) return request;
    // What its last run held must not be there any more.
    runner_.clean_up(container);
    auto layers = layers_of(core_, *container);
    request.rootfs.upper = layers.front();
    request.rootfs.work = core_.dirs->writable(container->id) + "/work";
    request.rootfs.lower.assign(layers.begin() + 1, layers.end());
    request.binds = binds_of(core_, *container);
    return request;
}

Result<PathStat> FilesService::stat(const std::string& name, const std::string& path) {
    Opened opened = TRY(open(name));
    auto found = store::find_path(opened.files.root, path);
    if (!found.ok() && found.error().kind() == ErrorKind::not_found) return no_such_file(path, name);
    return describe(TRY(std::move(found)), path);
}

class FileArchive : public OpenArchive {
public:
    FileArchive(FilesService::Opened opened, store::FoundPath found, const std::string& path)
        : opened_(std::move(opened)), found_(std::move(found)), stat_(describe(found_, path)) {
        if (store::clean_absolute(path) == "/") options_.leave_empty = "dev";
    }
    const PathStat& stat() const override { return stat_; }
    Result<void> write(ByteSink& sink) override {
        store::TreePacker packer(sink, opened_.files.ids);
        std::string path = stat_.name;
        if (found_.name == "." && path != "/") path += "/";
        TRY(store::pack_tree(packer, found_.dir, found_.name, path, options_));
        return packer.finish();
    }

private:
    FilesService::Opened opened_;
    store::FoundPath found_;
    PathStat stat_;
    store::PackOptions options_;
};

Result<std::unique_ptr<OpenArchive>> FilesService::open_archive(const std::string& name, const std::string& path) {
    Opened opened = TRY(open(name));
    auto found = store::find_path(opened.files.root, path);
    if (!found.ok() && found.error().kind() == ErrorKind::not_found) return no_such_file(path, name);
    store::FoundPath place = TRY(std::move(found));
    core_.publish(*opened.container, "archive-path");
    return std::unique_ptr<OpenArchive>(std::make_unique<FileArchive>(std::move(opened), std::move(place), path));
}

Result<void> FilesService::put_archive(const std::string& name, const std::string& path, const PutOptions& options,
                                       ByteSource& tar) {
    Opened opened = TRY(open(name));
    const OpenFiles& files = opened.files;
    // A link is followed here, so that one to a folder can be copied into.
    const std::string folder = TRY(store::follow_links(files.root, store::clean_absolute(path)));
    auto found = store::find_path(files.root, folder);
    if (!found.ok() && found.error().kind() == ErrorKind::not_found) return no_such_file(path, name);
    store::FoundPath place = TRY(std::move(found));
    if (place.name != ".") return invalid("extraction point is not a directory");
    TRY(check_writable(*opened.container, folder, opened.running));
    store::ExtractOptions how{.keep_kinds = options.keep_kinds, .owner = {}, .ids = files.ids};
    if (options.chown_to_user && !opened.container->settings().config.user.empty())
        how.owner = TRY(core_.runtime.find_owner(files, opened.container->settings().config.user));
    TRY(core_.runtime.as_root_of(files, [&] { return store::extract_tar(tar, files.root, folder, how); }));
    core_.publish(*opened.container, "extract-to-dir");
    return {};
}

Result<std::vector<FileChange>> FilesService::changes(const std::string& name) {
    ContainerPtr container = TRY(core_.registry.find(name));
    TRY(check_has_files(*container));
    std::vector<FileChange> list;
    auto layers = layers_of(core_, *container);
    TRY(store::walk_changes(layers.front(), {layers.begin() + 1, layers.end()},
                            [&](const store::TreeChange& change) -> Result<void> {
                                list.push_back({change.path, change.kind});
                                return {};
                            })
            .context([&] { return "changes of container " + container->id.str(); }));
    return list;
}

namespace {

class TreeExport : public OpenArchive {
public:
    TreeExport(ContainerPtr container, std::vector<std::string> layers)
        : container_(std::move(container)), layers_(std::move(layers)) {}
    const PathStat& stat() const override { return stat_; }
    Result<void> write(ByteSink& sink) override { return store::write_merged(layers_, sink); }

private:
    ContainerPtr container_; // its lease keeps the layers
    std::vector<std::string> layers_;
    PathStat stat_;
};

} // namespace

Result<std::unique_ptr<OpenArchive>> FilesService::open_export(const std::string& name) {
    ContainerPtr container = TRY(core_.registry.find(name));
    if (container->status() == ContainerStatus::dead)
        return Error(ErrorKind::conflict, "You cannot export container " + container->id.str() + " which is Dead");
    if (container->status() == ContainerStatus::removing)
        return Error(ErrorKind::conflict,
                     "You cannot export container " + container->id.str() + " which is being removed");
    core_.publish(*container, "export");
    auto layers = layers_of(core_, *container);
    return std::unique_ptr<OpenArchive>(std::make_unique<TreeExport>(std::move(container), std::move(layers)));
}

} // namespace hull::engine
