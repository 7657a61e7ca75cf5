#include "engine/volumes.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/log.h"
#include "base/random.h"
#include "engine/log_settings.h"
#include "engine/volume_parts.h"
#include "store/volume_seed.h"

namespace hull::engine {
namespace {

bool is_anonymous(const model::VolumeRecord& record) { return record.labels.contains(kAnonymousLabel); }

bool looks_anonymous(const std::string& name) {
    return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Result<void> check_driver_options(const std::map<std::string, std::string>& options) {
    auto wrong = [](const std::string& why) { return Error(ErrorKind::invalid_argument, why); };
    for (const auto& [key, value] : options)
        if (key != "type" && key != "o" && key != "device" && key != "size")
            return wrong("invalid option: \"" + key + "\"");
    auto needs = [&](const char* key, std::initializer_list<const char*> required) -> Result<void> {
        if (!options.contains(key)) return {};
        for (const char* one : required)
            if (!options.contains(one)) return wrong("missing required option: \"" + std::string(one) + "\"");
        return {};
    };
    TRY(needs("device", {"type"}));
    TRY(needs("type", {"device"}));
    TRY(needs("o", {"device", "type"}));
    if (TRY(volume_limit(options)) > 0 && options.contains("type"))
        return wrong("the option size limits what a volume holds itself, and this one mounts a device: limit that, for "
                     "example by o=size=1g of tmpfs");
    return {};
}

} // namespace

Result<void> check_volume_name(const std::string& name) {
    if (name.size() == 1)
        return Error(ErrorKind::invalid_argument,
                     "volume name is too short, names should be at least two alphanumeric characters");
    auto allowed = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.' || c == '-'; };
    if (name.size() > 255 || !std::isalnum(static_cast<unsigned char>(name[0])) || !std::ranges::all_of(name, allowed))
        return Error(ErrorKind::invalid_argument,
                     "\"" + name +
                         "\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" "
                         "are allowed. If you intended to pass a host directory, use absolute path");
    return {};
}

Result<uint64_t> volume_limit(const std::map<std::string, std::string>& options) {
    auto size = options.find("size");
    if (size == options.end()) return uint64_t{0};
    const uint64_t limit = TRY(parse_size(size->second));
    if (limit != 0 && limit < store::kLeastDiskImage)
        return Error(ErrorKind::invalid_argument,
                     "size " + size->second + " is too small for a volume: 16m is the least");
    return limit;
}

store::VolumeMount volume_mount(const model::VolumeRecord& record) {
    auto option = [&](const char* key) {
        auto found = record.options.find(key);
        return found == record.options.end() ? std::string() : found->second;
    };
    return {.type = option("type"), .device = option("device"), .options = option("o")};
}

Error no_such_volume(const std::string& name) { return {ErrorKind::not_found, "get " + name + ": no such volume"}; }

Result<std::unique_ptr<VolumeKeeper>> VolumeKeeper::open(const std::string& data_root, store::Records& records,
                                                         EventBus& events, VolumeDrivers* drivers) {
    auto dirs = TRY(store::VolumeDirs::open(data_root));
    std::unique_ptr<VolumeKeeper> keeper(new VolumeKeeper(std::move(dirs), records, events, drivers));
    TRY(keeper->load());
    return keeper;
}

Result<void> VolumeKeeper::load() {
    for (const store::Record& one : TRY(records_.all(store::Table::volumes))) {
        auto record = model::parse_volume_record(one.text);
        if (!record.ok()) {
            log::error("volume record " + one.key, record.error());
            continue;
        }
        volumes_[one.key] = std::make_shared<Volume>(*std::move(record));
    }
    for (const std::string& name : TRY(dirs_->list())) {
        if (volumes_.contains(name) || !check_volume_name(name).ok()) continue;
        model::VolumeRecord record{.name = name, .driver = "local", .created = wall_now(), .labels = {}, .options = {}};
        if (looks_anonymous(name)) record.labels[kAnonymousLabel] = "";
        if (uint64_t limit = TRY(dirs_->limit(name)); limit > 0) record.options["size"] = std::to_string(limit);
        TRY(dirs_->create(name)); // all of it: its making may have been cut short
        TRY(records_.put(store::Table::volumes, name, model::print_volume_record(record)));
        volumes_[name] = std::make_shared<Volume>(std::move(record));
    }
    return {};
}

VolumeKeeper::VolumePtr VolumeKeeper::find(const std::string& name) const {
    std::lock_guard lock(mutex_);
    auto found = volumes_.find(name);
    return found == volumes_.end() || found->second->removed ? nullptr : found->second;
}

std::vector<VolumeKeeper::VolumePtr> VolumeKeeper::all() const {
    std::lock_guard lock(mutex_);
    std::vector<VolumePtr> list;
    for (const auto& [name, volume] : volumes_)
        if (!volume->removed) list.push_back(volume);
    return list;
}

model::VolumeRecord VolumeKeeper::record_of(const Volume& volume) const {
    model::VolumeRecord record = volume.record;
    std::lock_guard lock(mutex_);
    if (!volume.size.empty()) record.options["size"] = volume.size;
    return record;
}

VolumeView VolumeKeeper::view(const Volume& volume) const {
    model::VolumeRecord record = record_of(volume);
    std::lock_guard lock(mutex_);
    return {.record = std::move(record),
            .mountpoint = volume.local() ? dirs_->path(volume.record.name) : volume.place,
            .users = static_cast<int64_t>(volume.users.size())};
}

void VolumeKeeper::publish(const Volume& volume, const char* action, std::map<std::string, std::string> more) {
    more["driver"] = volume.record.driver;
    events_.publish(
        {.type = "volume", .action = action, .actor = volume.record.name, .attributes = std::move(more), .time = {}});
}

Result<void> VolumeKeeper::make_folder(const model::VolumeRecord& record, const Filler& fill) {
    TRY(check_driver_options(record.options));
    const uint64_t limit = TRY(volume_limit(record.options));
    if (!fill) return dirs_->create(record.name, limit);
    auto staged = TRY(dirs_->stage(limit));
    TRY(fill(staged.data()));
    return dirs_->adopt_as(std::move(staged), record.name);
}

Result<VolumeKeeper::VolumePtr> VolumeKeeper::make(const model::VolumeRequest& request, const std::string& user,
                                                   const Filler& fill) {
    const std::string driver = request.driver.empty() || request.driver == "default" ? "local" : request.driver;
    const bool anonymous = request.name.empty();
    model::VolumeRecord record{.name = anonymous ? random_id() : request.name,
                               .driver = driver,
                               .created = wall_now(),
                               .labels = request.labels,
                               .options = request.options};
    if (anonymous) record.labels[kAnonymousLabel] = "";
    auto doing = [&] { return "create " + record.name; };
    const bool local = driver == "local";
    TRY(check_driver(driver).context(doing));
    if (local || record.name.find('\0') != std::string::npos) TRY(check_volume_name(record.name).context(doing));
    if (request.driver.empty() && !anonymous) (void)find_anywhere(record.name);
    auto volume = std::make_shared<Volume>(record);
    // Held until it is whole: whoever finds it meanwhile waits here.
    std::unique_lock work(volume->work);
    while (true) {
        VolumePtr known;
        {
            std::lock_guard lock(mutex_);
            auto [at, fresh] = volumes_.try_emplace(record.name, volume);
            if (!user.empty()) at->second->users.insert(user);
            if (fresh) break;
            known = at->second;
        }
        std::lock_guard wait(known->work);
        std::lock_guard lock(mutex_);
        if (known->removed) continue;
        if (!request.driver.empty() && known->record.driver != driver)
            return Error(ErrorKind::conflict, "create " + record.name + ": driver '" + known->record.driver +
                                                  "' already has volume '" + record.name +
                                                  "': volume name must be unique");
        if (fill) return Error(ErrorKind::conflict, "create " + record.name + ": a volume of that name exists");
        return known;
    }
    auto made = [&]() -> Result<void> {
        TRY(local ? make_folder(record, fill) : make_by_plugin(record));
        return records_.put(store::Table::volumes, record.name, model::print_volume_record(record),
                            anonymous ? store::Durability::process_crash : store::Durability::power_loss);
    }();
    if (!made.ok()) {
        if (local) (void)dirs_->remove(record.name);
        std::lock_guard lock(mutex_);
        volume->removed = true;
        volumes_.erase(record.name);
        return std::move(made).error().context(doing());
    }
    publish(*volume, "create");
    return volume;
}

Result<VolumeView> VolumeKeeper::create(const model::VolumeRequest& request) { return view(*TRY(make(request, ""))); }

Result<std::vector<VolumeView>> VolumeKeeper::list(const Filters& filters) {
    constexpr std::array<std::string_view, 4> names = {"dangling", "driver", "label", "name"};
    TRY(filters.check_names(names));
    const bool wants = filters.has("dangling"), dangling = TRY(filters.boolean("dangling", false));
    if (drivers_)
        for (const std::string& driver : drivers_->names())
            if (auto theirs = drivers_->list(driver); theirs.ok())
                for (const DriverVolume& found : *theirs) (void)adopt(driver, found);
    std::vector<VolumeView> views;
    for (const VolumePtr& volume : all()) {
        VolumeView one = view(*volume);
        const std::string& name = one.record.name;
        if (wants && dangling != (one.users == 0)) continue;
        if (!filters.exact("driver", one.record.driver)) continue;
        if (!filters.matches("name", name)) continue;
        if (!filters.labels("label", one.record.labels)) continue;
        views.push_back(std::move(one));
    }
    ask_plugins(views);
    return views;
}

Result<VolumeView> VolumeKeeper::inspect(const std::string& name) {
    VolumePtr volume = find_anywhere(name);
    if (!volume) return no_such_volume(name);
    VolumeView seen = view(*volume);
    ask_plugin(seen);
    return seen;
}

// Precondition: volume->work is held, and nobody uses it.
Result<void> VolumeKeeper::erase(const VolumePtr& volume) {
    const std::string& name = volume->record.name;
    {
        std::lock_guard lock(mutex_);
        if (volume->removed) return no_such_volume(name);
        if (!volume->users.empty()) {
            std::string ids;
            for (const std::string& user : volume->users) ids += (ids.empty() ? "" : ", ") + user;
            return Error(ErrorKind::conflict, "remove " + name + ": volume is in use - [" + ids + "]");
        }
        if (volume->copies > 0)
            return Error(ErrorKind::conflict, "remove " + name + ": volume is in use - [it is being copied]");
        // From here on nobody finds it, but the name isn't free yet: who wants
        // to make one waits for us.
        volume->removed = true;
    }
    auto gone = records_.erase(store::Table::volumes, name);
    if (gone.ok()) {
        gone = volume->local() ? dirs_->remove(name) : drivers_->remove(volume->record.driver, name);
        // It is still there, and so is its record.
        if (!gone.ok()) (void)records_.put(store::Table::volumes, name, model::print_volume_record(record_of(*volume)));
    }
    {
        std::lock_guard lock(mutex_);
        if (gone.ok())
            volumes_.erase(name);
        else
            volume->removed = false;
    }
    if (!gone.ok()) return std::move(gone).error().context("remove " + name);
    publish(*volume, "destroy");
    return {};
}

Result<void> VolumeKeeper::remove(const std::string& name, bool force) {
    if (size_t at = name.find('@'); at != name.npos && find(name.substr(0, at)))
        return remove_snapshot(name.substr(0, at), name.substr(at + 1));
    VolumePtr volume = find_anywhere(name);
    if (!volume) {
        if (force) return {};
        return no_such_volume(name);
    }
    std::lock_guard work(volume->work);
    return erase(volume);
}

Result<PruneReport> VolumeKeeper::prune(const Filters& filters, bool named) {
    constexpr std::array<std::string_view, 3> names = {"all", "label", "label!"};
    TRY(filters.check_names(names));
    PruneReport report;
    for (const VolumePtr& volume : all()) {
        const model::VolumeRecord& record = volume->record;
        if (!volume->local() || (!named && !is_anonymous(record))) continue;
        if (!filters.labels("label", record.labels)) continue;
        if (filters.has("label!") && filters.labels("label!", record.labels)) continue;
        std::lock_guard work(volume->work);
        if (view(*volume).users > 0) continue;
        auto size = dirs_->size(record.name);
        auto gone = erase(volume);
        if (!gone.ok()) continue; // somebody took it meanwhile
        report.deleted.push_back(record.name);
        if (size.ok()) report.space_reclaimed += *size;
    }
    events_.publish({.type = "volume",
                     .action = "prune",
                     .actor = "",
                     .attributes = {{"reclaimed", std::to_string(report.space_reclaimed)}},
                     .time = {}});
    return report;
}

Result<std::vector<VolumeView>> VolumeKeeper::usage() {
    std::vector<VolumeView> views;
    for (const VolumePtr& volume : all()) {
        VolumeView one = view(*volume);
        one.measured = true;
        if (volume->local())
            if (auto size = dirs_->size(one.record.name); size.ok()) one.size = *size;
        views.push_back(std::move(one));
    }
    return views;
}

Result<void> VolumeKeeper::take(model::MountPoint& mount, const std::string& container,
                                const std::vector<std::string>& lower) {
    auto made = make(
        {.name = mount.name, .driver = mount.driver, .options = mount.volume_options, .labels = mount.volume_labels},
        container);
    // Not found would be about the image: clients pull it and try again.
    if (!made.ok() && made.error().kind() == ErrorKind::not_found)
        return std::move(made).error().with_kind(ErrorKind::system);
    VolumePtr volume = TRY(std::move(made));
    mount.name = volume->record.name;
    mount.driver = volume->record.driver;
    if (!volume->local()) return fill_by_plugin(volume, mount, container, lower);
    mount.source = dirs_->path(mount.name);
    if (mount.no_copy || !mount.subpath.empty()) return {};
    std::lock_guard work(volume->work);
    const store::VolumeMount options = volume_mount(volume->record);
    bool busy = false, mounted_before = false;
    {
        std::lock_guard lock(mutex_);
        busy = volume->users.size() > 1;
        mounted_before = !volume->running.empty();
    }
    if (options.empty()) return dirs_->seed(mount.name, lower, mount.destination, busy);
    // What is in the image goes to where the data will be.
    TRY(mount_now(*volume));
    auto filled = dirs_->seed(mount.name, lower, mount.destination, true);
    if (!mounted_before)
        if (auto done = dirs_->unmount(mount.name); !done.ok()) log::warning("volume " + mount.name, done.error());
    return filled;
}

// Whatever is missing there, it isn't the container.
Result<void> VolumeKeeper::mount_now(const Volume& volume) {
    auto done = dirs_->mount(volume.record.name, volume_mount(volume.record));
    if (done.ok()) return {};
    return std::move(done)
        .error()
        .with_kind(ErrorKind::system)
        .context("error while mounting volume '" + dirs_->path(volume.record.name) + "'");
}

void VolumeKeeper::remember(const model::MountPoint& mount, const std::string& container, bool running) {
    VolumePtr volume = mount.type == "volume" ? find(mount.name) : nullptr;
    if (!volume) return;
    std::lock_guard lock(mutex_);
    volume->users.insert(container);
    if (running) volume->running.insert(container);
}

void VolumeKeeper::let_go(const std::vector<model::MountPoint>& mounts, const std::string& container,
                          Anonymous anonymous) {
    for (const model::MountPoint& mount : mounts) {
        VolumePtr volume = mount.type == "volume" ? find(mount.name) : nullptr;
        if (!volume) continue;
        bool unused = false;
        {
            std::lock_guard lock(mutex_);
            volume->running.erase(container);
            unused = volume->users.erase(container) > 0 && volume->users.empty();
        }
        if (!unused || anonymous == Anonymous::keep || !is_anonymous(volume->record)) continue;
        std::lock_guard work(volume->work);
        auto gone = erase(volume);
        if (!gone.ok() && gone.error().kind() != ErrorKind::conflict) log::warning("remove volume", gone.error());
    }
}

Result<std::map<std::string, UniqueFd>> VolumeKeeper::mount(const std::vector<model::MountPoint>& mounts,
                                                            const std::string& container) {
    std::map<std::string, UniqueFd> subpaths;
    auto one = [&](const model::MountPoint& mount) -> Result<void> {
        VolumePtr volume = find(mount.name);
        if (!volume) return no_such_volume(mount.name);
        if (!volume->local()) {
            TRY(mount_by_plugin(volume, mount, container, subpaths));
        } else {
            std::lock_guard work(volume->work);
            {
                std::lock_guard lock(mutex_);
                volume->running.insert(container);
            }
            TRY(mount_now(*volume));
        }
        publish(*volume, "mount",
                {{"container", container},
                 {"destination", mount.destination},
                 {"propagation", mount.propagation},
                 {"read/write", mount.rw ? "true" : "false"}});
        if (mount.subpath.empty() || !volume->local()) return {};
        auto fd = dirs_->open_below(mount.name, mount.subpath);
        if (!fd.ok())
            return std::move(fd)
                .error()
                .with_kind(ErrorKind::system)
                .context("cannot access path " + mount.source + "/" + mount.subpath);
        subpaths[mount.destination] = std::move(*fd);
        return {};
    };
    for (const model::MountPoint& mount : mounts) {
        // Those of a container that an earlier release made lie in its own folder.
        if (mount.type != "volume" || mount.driver.empty()) continue;
        if (auto done = one(mount); !done.ok()) {
            unmount(mounts, container);
            return std::move(done).error();
        }
    }
    return subpaths;
}

void VolumeKeeper::unmount(const std::vector<model::MountPoint>& mounts, const std::string& container) {
    for (const model::MountPoint& mount : mounts) {
        VolumePtr volume = mount.type == "volume" ? find(mount.name) : nullptr;
        if (!volume) continue;
        std::lock_guard work(volume->work);
        bool last = false;
        {
            std::lock_guard lock(mutex_);
            if (volume->running.erase(container) == 0) continue;
            last = volume->running.empty();
        }
        if (!volume->local()) unmount_by_plugin(volume, container);
        if (last && volume->local() && !volume_mount(volume->record).empty())
            if (auto done = dirs_->unmount(mount.name); !done.ok()) log::warning("volume " + mount.name, done.error());
        publish(*volume, "unmount", {{"container", container}});
    }
}

void VolumeKeeper::settle() {
    for (const VolumePtr& volume : all()) {
        std::lock_guard work(volume->work);
        bool used = false;
        {
            std::lock_guard lock(mutex_);
            used = !volume->running.empty();
        }
        if (used || !volume->local() || volume_mount(volume->record).empty()) continue;
        if (auto done = dirs_->unmount(volume->record.name); !done.ok())
            log::warning("volume " + volume->record.name, done.error());
    }
}

void VolumeKeeper::close() {
    for (const VolumePtr& volume : all()) {
        std::lock_guard work(volume->work);
        {
            std::lock_guard lock(mutex_);
            if (!volume->local() || !volume->running.empty() || volume->copies > 0) continue;
        }
        if (auto done = dirs_->unmount(volume->record.name); !done.ok())
            log::warning("volume " + volume->record.name, done.error());
    }
}

void VolumeKeeper::check(Repair repair, Damages& found) {
    std::set<std::string> known;
    for (const VolumePtr& volume : all()) {
        const std::string& name = volume->record.name;
        std::lock_guard work(volume->work);
        bool used = false;
        {
            std::lock_guard lock(mutex_);
            if (volume->removed) continue;
            used = !volume->running.empty();
        }
        known.insert(name);
        auto record = records_.get(store::Table::volumes, name);
        if (record.ok() && !*record)
            note(found, {"volume", name, "its record is gone", "it is written again"}, repair, [&] {
                return records_.put(store::Table::volumes, name, model::print_volume_record(record_of(*volume)),
                                    store::Durability::power_loss);
            });
        if (!volume->local()) continue;
        if (!dirs_->exists(name))
            note(found, {"volume", name, "its folder is missing on disk", "it gets an empty one; its data is lost"},
                 repair,
                 [&]() -> Result<void> { return dirs_->create(name, TRY(volume_limit(record_of(*volume).options))); });
        if (auto half = dirs_->half_seeded(name); half && !used)
            note(found, {"volume", name, "half-copied content lies about", "it is removed"}, repair,
                 [&] { return dirs_->remove_half_seeded(name); });
        auto mounted = dirs_->is_mounted(name);
        auto limit = dirs_->limit(name);
        const bool disk = limit.ok() && *limit > 0;
        if (disk && mounted.ok() && !*mounted)
            note(found, {"volume", name, "its file system of limited size is not mounted", "it is mounted"}, repair,
                 [&] { return dirs_->mount(name, {}); });
        if (!used && !disk && mounted.ok() && *mounted)
            note(found, {"volume", name, "it is mounted, though no container that runs uses it", "it is unmounted"},
                 repair, [&] { return dirs_->unmount(name); });
    }
    auto folders = dirs_->list();
    if (!folders.ok()) {
        found.push_back({"volume", "*", folders.error().message(), "look at the file system"});
        return;
    }
    for (const std::string& name : *folders) {
        if (known.contains(name) || find(name) || !check_volume_name(name).ok()) continue;
        // It holds data: it is a volume again.
        note(found, {"volume", name, "a folder without a record", "it is a volume again"}, repair,
             [&]() -> Result<void> {
                 model::VolumeRequest request;
                 request.name = name;
                 TRY(make(request, ""));
                 return {};
             });
    }
    auto records = records_.all(store::Table::volumes);
    for (const store::Record& record : records.ok() ? *records : std::vector<store::Record>()) {
        if (find(record.key)) continue;
        note(found, {"volume", record.key, "a record without a volume", "it is removed"}, repair,
             [&] { return records_.erase(store::Table::volumes, record.key); });
    }
}

} // namespace hull::engine
