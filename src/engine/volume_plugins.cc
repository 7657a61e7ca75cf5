// Volumes that plugins keep.
#include "base/log.h"
#include "engine/volume_parts.h"
#include "engine/volumes.h"

namespace hull::engine {

std::vector<std::string> VolumeKeeper::drivers() {
    std::vector<std::string> names = drivers_ ? drivers_->names() : std::vector<std::string>();
    names.insert(names.begin(), "local");
    return names;
}

Result<void> VolumeKeeper::check_driver(const std::string& driver) {
    if (driver == "local") return {};
    auto doing = [&] { return "error looking up volume plugin " + driver; };
    if (!drivers_) return Error(ErrorKind::not_found, "plugin \"" + driver + "\" not found").context(doing());
    TRY(drivers_->scope(driver).context(doing));
    return {};
}

VolumeKeeper::VolumePtr VolumeKeeper::adopt(const std::string& driver, const DriverVolume& found) {
    if (VolumePtr known = find(found.name)) return known;
    model::VolumeRecord record{.name = found.name,
                               .driver = driver,
                               .created = found.created.ns != 0 ? found.created : wall_now(),
                               .labels = {},
                               .options = {}};
    auto volume = std::make_shared<Volume>(record);
    {
        std::lock_guard lock(mutex_);
        auto [at, fresh] = volumes_.try_emplace(found.name, volume);
        if (!fresh) return at->second;
    }
    if (auto kept = records_.put(store::Table::volumes, record.name, model::print_volume_record(record)); !kept.ok())
        log::warning("volume " + record.name, kept.error()); // the plugin will tell of it again
    return volume;
}

VolumeKeeper::VolumePtr VolumeKeeper::find_anywhere(const std::string& name) {
    VolumePtr volume = find(name);
    if (volume || !drivers_ || name.empty()) return volume;
    for (const std::string& driver : drivers_->names())
        if (auto found = drivers_->get(driver, name); found.ok() && found->name == name) return adopt(driver, *found);
    return nullptr;
}

// One that the plugin has by that name is taken as it is, as Docker does.
Result<void> VolumeKeeper::make_by_plugin(const model::VolumeRecord& record) {
    if (drivers_->get(record.driver, record.name).ok()) return {};
    return drivers_->create(record.driver, record.name, record.options);
}

Result<void> VolumeKeeper::fill_by_plugin(const VolumePtr& volume, model::MountPoint& mount,
                                          const std::string& container, const std::vector<std::string>& lower) {
    const std::string &name = volume->record.name, &driver = volume->record.driver;
    mount.source.clear();
    if (auto seen = drivers_->get(driver, name); seen.ok()) mount.source = seen->mountpoint;
    if (mount.no_copy || !mount.subpath.empty()) return {};
    std::lock_guard work(volume->work);
    const std::string user = container + "-copy";
    auto place = drivers_->mount(driver, name, user);
    if (!place.ok())
        return std::move(place)
            .error()
            .with_kind(ErrorKind::system)
            .context("error while mounting volume '" + name + "'");
    auto filled = store::seed_empty_folder(*place, lower, mount.destination);
    if (auto done = drivers_->unmount(driver, name, user); !done.ok()) log::warning("volume " + name, done.error());
    return filled;
}

// Once per container, however many places it has the volume at.
Result<void> VolumeKeeper::mount_by_plugin(const VolumePtr& volume, const model::MountPoint& mount,
                                           const std::string& container, std::map<std::string, UniqueFd>& places) {
    const std::string &name = volume->record.name, &driver = volume->record.driver;
    auto doing = [&] { return "error while mounting volume '" + name + "'"; };
    std::lock_guard work(volume->work);
    bool fresh = false;
    std::string place;
    {
        std::lock_guard lock(mutex_);
        fresh = !volume->running.contains(container);
        place = volume->place;
    }
    if (fresh || place.empty()) {
        auto mounted = drivers_->mount(driver, name, container);
        if (!mounted.ok()) return std::move(mounted).error().with_kind(ErrorKind::system).context(doing());
        place = std::move(*mounted);
        std::lock_guard lock(mutex_);
        volume->running.insert(container);
        volume->place = place;
    }
    auto fd = store::open_place(place, mount.subpath);
    if (!fd.ok()) return std::move(fd).error().with_kind(ErrorKind::system).context(doing());
    places[mount.destination] = std::move(*fd);
    return {};
}

void VolumeKeeper::unmount_by_plugin(const VolumePtr& volume, const std::string& container) {
    auto done = drivers_->unmount(volume->record.driver, volume->record.name, container);
    if (!done.ok()) log::warning("unmount volume " + volume->record.name, done.error());
    std::lock_guard lock(mutex_);
    if (volume->running.empty()) volume->place.clear();
}

void VolumeKeeper::ask_plugin(VolumeView& view) {
    if (view.record.driver == "local" || !drivers_) return;
    if (auto scope = drivers_->scope(view.record.driver); scope.ok()) view.scope = *scope;
    auto seen = drivers_->get(view.record.driver, view.record.name);
    if (!seen.ok()) return;
    view.mountpoint = seen->mountpoint;
    view.status = seen->status;
    if (seen->created.ns != 0) view.record.created = seen->created;
}

// One question per plugin.
void VolumeKeeper::ask_plugins(std::vector<VolumeView>& views) {
    std::map<std::string, std::map<std::string, DriverVolume>> said;
    for (VolumeView& view : views) {
        if (view.record.driver == "local" || !drivers_) continue;
        auto [theirs, fresh] = said.try_emplace(view.record.driver);
        if (fresh)
            if (auto list = drivers_->list(view.record.driver); list.ok())
                for (DriverVolume& one : *list) theirs->second.emplace(one.name, one);
        if (auto found = theirs->second.find(view.record.name); found != theirs->second.end()) {
            view.mountpoint = found->second.mountpoint;
            if (auto scope = drivers_->scope(view.record.driver); scope.ok()) view.scope = *scope;
        }
    }
}

} // namespace hull::engine
