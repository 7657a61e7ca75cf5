// Volumes' contents as a whole: snapshots, clones, archives, sizes.
#include <algorithm>

#include "base/log.h"
#include "engine/log_settings.h"
#include "engine/volume_parts.h"
#include "engine/volumes.h"
#include "store/extract.h"
#include "store/tree_copy.h"
#include "store/tree_packer.h"

namespace hull::engine {
namespace {

Error no_such_snapshot(const std::string& name, const std::string& snapshot) {
    return {ErrorKind::not_found, "get " + name + "@" + snapshot + ": no such snapshot"};
}

// "20261123T002155Z".
std::string name_by_time(WallTime time) {
    std::string text = to_rfc3339(WallTime{time.ns / 1'000'000'000 * 1'000'000'000});
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text;
}

Result<void> copy_data(const std::string& from, const std::string& into) {
    TRY(store::copy_folder(from, into));
    return {};
}

} // namespace

Result<VolumeKeeper::Copying> VolumeKeeper::Copying::begin(VolumeKeeper& keeper, const std::string& name) {
    VolumePtr volume = keeper.find(name);
    if (!volume) return no_such_volume(name);
    if (!volume->local())
        return Error(ErrorKind::invalid_argument, "volume " + name + " is kept by the plugin " + volume->record.driver +
                                                      ": snapshots and copies of it are the plugin's business");
    if (!volume_mount(volume->record).empty())
        return Error(ErrorKind::invalid_argument, "volume " + name + " holds no data of its own, its options mount " +
                                                      volume_mount(volume->record).device + ": copy that where it is");
    // Whoever makes or removes it is done then.
    std::lock_guard work(volume->work);
    std::lock_guard lock(keeper.mutex_);
    if (volume->removed) return no_such_volume(name);
    ++volume->copies;
    return Copying(keeper, std::move(volume));
}

VolumeKeeper::Copying::~Copying() {
    if (!volume_) return;
    std::lock_guard lock(keeper_->mutex_);
    --volume_->copies;
}

Result<VolumeKeeper::Source> VolumeKeeper::open_source(const std::string& source) {
    const size_t at = source.find('@');
    Copying copying = TRY(Copying::begin(*this, source.substr(0, at)));
    std::string path = dirs_->path(copying.name());
    if (at != source.npos) {
        const std::string snapshot = source.substr(at + 1);
        if (!check_volume_name(snapshot).ok()) return no_such_snapshot(copying.name(), snapshot);
        path = dirs_->snapshot_path(copying.name(), snapshot);
        if (!dirs_->has_snapshot(copying.name(), snapshot)) return no_such_snapshot(copying.name(), snapshot);
    }
    return Source{std::move(copying), std::move(path)};
}

Result<store::SnapshotInfo> VolumeKeeper::make_snapshot(const std::string& name, const std::string& snapshot) {
    Copying copying = TRY(Copying::begin(*this, name));
    std::string as = snapshot;
    if (as.empty()) {
        const std::string by_time = as = name_by_time(wall_now());
        for (int number = 2; dirs_->has_snapshot(name, as); ++number) as = by_time + "-" + std::to_string(number);
    } else {
        TRY(check_volume_name(as).context([&] { return "snapshot of " + name; }));
    }
    auto made = TRY(dirs_->make_snapshot(name, as).context([&] { return "snapshot of volume " + name; }));
    publish(copying.volume(), "snapshot", {{"snapshot", made.name}});
    return made;
}

Result<std::vector<store::SnapshotInfo>> VolumeKeeper::snapshots(const std::string& name) {
    if (!find(name)) return no_such_volume(name);
    return dirs_->snapshots(name);
}

// Held, so that nobody reads the snapshot meanwhile.
Result<void> VolumeKeeper::remove_snapshot(const std::string& name, const std::string& snapshot) {
    VolumePtr volume = find(name);
    if (!volume) return no_such_volume(name);
    if (!check_volume_name(snapshot).ok()) return no_such_snapshot(name, snapshot);
    std::lock_guard work(volume->work);
    {
        std::lock_guard lock(mutex_);
        if (volume->copies > 0)
            return Error(ErrorKind::conflict, "remove " + name + "@" + snapshot + ": the volume is being copied");
    }
    auto gone = dirs_->remove_snapshot(name, snapshot);
    if (!gone.ok() && gone.error().kind() == ErrorKind::not_found) return no_such_snapshot(name, snapshot);
    return gone;
}

Result<void> VolumeKeeper::check_idle(const Volume& volume) const {
    std::lock_guard lock(mutex_);
    if (!volume.running.empty()) {
        std::string ids;
        for (const std::string& user : volume.running) ids += (ids.empty() ? "" : ", ") + user;
        return Error(ErrorKind::conflict, "volume " + volume.record.name + " is in use by running containers - [" +
                                              ids + "]: stop them first");
    }
    if (volume.copies > 1)
        return Error(ErrorKind::conflict, "volume " + volume.record.name + " is being copied: try again later");
    return {};
}

Result<void> VolumeKeeper::replace_content(const Copying& copying, const Filler& fill) {
    Volume& volume = copying.volume();
    TRY(check_idle(volume));
    auto staged = TRY(dirs_->stage(TRY(dirs_->limit(copying.name()))));
    TRY(fill(staged.data()));
    // Containers that start wait for this.
    std::lock_guard work(volume.work);
    TRY(check_idle(volume));
    return dirs_->adopt_content(std::move(staged), copying.name());
}

Result<void> VolumeKeeper::restore(const std::string& name, const std::string& snapshot) {
    Source source = TRY(open_source(name + "@" + snapshot));
    TRY(replace_content(source.copying, [&](const std::string& folder) {
            return copy_data(source.path, folder);
        }).context([&] { return "restore " + name; }));
    publish(source.copying.volume(), "restore", {{"snapshot", snapshot}});
    return {};
}

Result<VolumeView> VolumeKeeper::clone(const std::string& source, const model::VolumeRequest& request) {
    Source from = TRY(open_source(source));
    model::VolumeRequest wanted = request;
    const model::VolumeRecord origin = record_of(from.copying.volume());
    if (auto size = origin.options.find("size"); size != origin.options.end()) wanted.options.emplace(*size);
    if (!volume_mount({.name = {}, .driver = {}, .created = {}, .labels = {}, .options = wanted.options}).empty())
        return Error(ErrorKind::invalid_argument, "a clone holds its data itself: only the option size is for it");
    return view(*TRY(make(wanted, "", [&](const std::string& folder) { return copy_data(from.path, folder); })));
}

class VolumeKeeper::Export : public VolumeExport {
public:
    Export(Copying copying, UniqueFd folder) : copying_(std::move(copying)), folder_(std::move(folder)) {}
    Result<void> write(ByteSink& sink) override {
        store::TreePacker packer(sink, {}, store::PackDetail::everything);
        TRY(store::pack_tree(packer, folder_, ".", "./"));
        return packer.finish();
    }

private:
    Copying copying_;
    UniqueFd folder_;
};

Result<std::unique_ptr<VolumeExport>> VolumeKeeper::open_export(const std::string& source) {
    Source from = TRY(open_source(source));
    UniqueFd folder = TRY(store::open_folder(from.path));
    return std::unique_ptr<VolumeExport>(new Export(std::move(from.copying), std::move(folder)));
}

Result<VolumeView> VolumeKeeper::import_tar(const std::string& name, ByteSource& tar, Replace replace) {
    auto fill = [&](const std::string& folder) -> Result<void> {
        UniqueFd root = TRY(store::open_folder(folder));
        store::ExtractOptions options;
        options.everything = true;
        return store::extract_tar(tar, root, "/", options);
    };
    if (!find(name)) {
        model::VolumeRequest request;
        request.name = name;
        return view(*TRY(make(request, "", fill)));
    }
    Copying copying = TRY(Copying::begin(*this, name));
    if (replace == Replace::no && !TRY(dirs_->is_empty(name)))
        return Error(ErrorKind::conflict,
                     "volume " + name + " is not empty: import into a new one, or replace what it holds");
    TRY(replace_content(copying, fill).context([&] { return "import into " + name; }));
    return view(copying.volume());
}

Result<VolumeView> VolumeKeeper::resize(const std::string& name, const std::string& size) {
    Copying copying = TRY(Copying::begin(*this, name));
    Volume& volume = copying.volume();
    const uint64_t wanted = TRY(volume_limit({{"size", size}}));
    std::lock_guard work(volume.work);
    const uint64_t now = TRY(dirs_->limit(name));
    if (now == 0)
        return Error(ErrorKind::invalid_argument,
                     "volume " + name + " has no limited size: clone it to one that has (size=" + size + ")");
    if (wanted < now)
        return Error(ErrorKind::invalid_argument,
                     "volume " + name + " can't become smaller than it is (" + std::to_string(now) + " bytes)");
    bool running = false;
    {
        std::lock_guard lock(mutex_);
        running = !volume.running.empty() || volume.copies > 1;
    }
    TRY(dirs_->grow(name, wanted, running ? store::VolumeDirs::Use::in_use : store::VolumeDirs::Use::idle));
    {
        std::lock_guard lock(mutex_);
        volume.size = size;
    }
    TRY(records_.put(store::Table::volumes, name, model::print_volume_record(record_of(volume)),
                     store::Durability::power_loss));
    return view(volume);
}

} // namespace hull::engine
