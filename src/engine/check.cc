#include "engine/check.h"

#include <cstring>
#include <set>
#include <thread>

#include "base/log.h"
#include "engine/core.h"
#include "engine/runner.h"
#include "engine/spec_builder.h"
#include "engine/validate.h"

namespace hull::engine {

namespace {

bool is_folder(const Core& core, const std::string& path) { return core.host.kind(path) == PathKind::directory; }

Result<void> renew_writable(Core& core, const ContainerPtr& container) {
    // Its log may be there still.
    if (is_folder(core, core.dirs->path(container->id))) return core.dirs->renew(container->id);
    return core.dirs->create(container->id, {}, TRY(storage_limit(container->settings().host_config)));
}

void check_folder(Core& core, const ContainerPtr& container, bool running, Repair repair, Damages& found) {
    const std::string id = container->id.str(), writable = core.dirs->writable(container->id);
    const bool upper = is_folder(core, writable + "/upper"), work = is_folder(core, writable + "/work");
    if (upper && work) return;
    if (core.dirs->has_disk(container->id))
        return note(found, {"container", id, "its writable layer is not mounted", "it is mounted"}, repair,
                    [&] { return core.dirs->mount_disk(container->id); });
    auto unless_running = [&](auto&& mend) -> Result<void> {
        if (running) return Error(ErrorKind::conflict, "it runs");
        return mend();
    };
    // What it has written is in upper: work is overlayfs's own.
    if (upper)
        return note(found,
                    {"container", id, "the work folder of its writable layer is missing",
                     running ? "end it and repair again" : "it is made again"},
                    repair, [&] { return unless_running([&] { return core.dirs->renew_work(container->id); }); });
    note(found,
         {"container", id, "its writable layer is missing on disk",
          running ? "end it and remove it" : "it gets an empty one; what it had written is lost"},
         repair, [&] { return unless_running([&] { return renew_writable(core, container); }); });
}

// It may be on its way in or out at this moment.
bool is_settled(const Container& container) {
    const ContainerStatus status = container.status();
    return status != ContainerStatus::starting && status != ContainerStatus::removing;
}

void check_one(Core& core, Runner& runner, const ContainerPtr& container, Repair repair, Damages& found) {
    // Nothing of it starts, ends or goes meanwhile.
    std::unique_lock operation(container->operation(), std::try_to_lock);
    if (!operation || !core.registry.by_id(container->id) || !is_settled(*container)) return;
    const std::string id = container->id.str();
    const bool running = has_processes(container->status());
    auto record = core.records.get(store::Table::containers, id);
    if (record.ok() && !*record)
        note(found, {"container", id, "its record is gone", "it is written again"}, repair,
             [&] { return core.save_settings(*container); });
    check_folder(core, container, running, repair, found);
    if (running && core.host.kind("/proc/" + std::to_string(container->state().pid)) != PathKind::directory) {
        operation.unlock();
        // An end that the keeper is just telling isn't lost.
        constexpr auto told_within = std::chrono::seconds(2);
        const bool told = container->wait_for(
            told_within, [](const ContainerState& state, const Volatile&) { return !is_active(state.status); });
        if (told || !has_processes(container->status())) return;
        note(found, {"container", id, "on record as running, but its process is gone", "its end is recorded"}, repair,
             [&]() -> Result<void> {
                 runner.lost(container);
                 return {};
             });
        return;
    }
    if (running || container->status() == ContainerStatus::restarting) return;
    const std::string parent = cgroup_parent(*container, core.options);
    for (const std::string& one : core.runtime.leftovers(container->id, parent))
        note(found, {"container", id, "it doesn't run, but this is left of it: " + one, "it is removed"}, repair,
             [&] { return core.runtime.cleanup(container->id, parent); });
}

// What is there of containers that nobody knows. Folders are made before, and go
// after, whatever else there is of a container; an end may not be told yet.
struct Strangers {
    std::set<std::string> folders, processes, records;
    bool any() const { return !folders.empty() || !processes.empty() || !records.empty(); }
};

std::string container_of(const std::string& record_key) {
    return record_key.ends_with(kStateKey) ? record_key.substr(0, record_key.size() - std::strlen(kStateKey))
                                           : record_key;
}

Result<Strangers> find_strangers(Core& core) {
    auto stranger = [&](const ContainerId& id) { return !core.registry.by_id(id) && !core.registry.is_reserved(id); };
    Strangers found;
    for (const ContainerId& id : TRY(core.dirs->list()))
        if (stranger(id)) found.folders.insert(id.str());
    for (const ContainerId& id : core.runtime.known())
        if (stranger(id)) found.processes.insert(id.str());
    for (const store::Record& record : TRY(core.records.all(store::Table::containers))) {
        const ContainerId known(container_of(record.key));
        if (stranger(known) && !is_folder(core, core.dirs->path(known))) found.records.insert(record.key);
    }
    return found;
}

} // namespace

Result<void> check_containers(Core& core, Runner& runner, Repair repair, Damages& found) {
    for (const ContainerPtr& container : core.registry.all()) check_one(core, runner, container, repair, found);
    Strangers strangers = TRY(find_strangers(core));
    if (!strangers.any()) return {};
    // One on its way in or out isn't there the second time.
    constexpr auto settled_within = std::chrono::milliseconds(500);
    std::this_thread::sleep_for(settled_within);
    const Strangers later = TRY(find_strangers(core));
    for (auto part : {&Strangers::folders, &Strangers::processes, &Strangers::records})
        std::erase_if(strangers.*part, [&](const std::string& one) { return !(later.*part).contains(one); });
    for (const std::string& text : strangers.folders) {
        const ContainerId id(text);
        auto record = core.records.get(store::Table::containers, text);
        if (!record.ok()) continue;
        if (*record) {
            found.push_back({"container", text, "its record can't be read", "remove the record or the folder by hand"});
            continue;
        }
        note(found, {"container", text, "a folder without a record", "it is removed"}, repair, [&]() -> Result<void> {
            TRY(core.runtime.cleanup(id, core.options.cgroup_parent));
            TRY(core.dirs->remove(id));
            runner.discard();
            return {};
        });
    }
    for (const std::string& id : strangers.processes)
        note(found, {"container", id, "it runs, but is not on record", "it is ended"}, repair,
             [&] { return core.runtime.kill(ContainerId(id), 9); });
    for (const std::string& key : strangers.records)
        note(found, {"container", container_of(key), "a record without a container", "it is removed"}, repair,
             [&] { return core.records.erase(store::Table::containers, key, store::Durability::power_loss); });
    return {};
}

namespace {

constexpr const char* kBootIdKey = "boot-id";

} // namespace

void mend_after_boot(Core& core) {
    auto boot = core.host.read_file("/proc/sys/kernel/random/boot_id", 64);
    auto known = core.records.get(store::Table::settings, kBootIdKey);
    if (!boot.ok() || !known.ok() || *known == *boot) return;
    for (const ContainerPtr& container : core.registry.all()) {
        const std::string writable = core.dirs->writable(container->id);
        if (!*known || core.dirs->has_disk(container->id) || is_folder(core, writable + "/upper")) continue;
        log::warning("the writable layer of container " + container->id.str() +
                     " was not on disk yet when the machine ended: it gets an empty one");
        auto renewed = renew_writable(core, container);
        if (!renewed.ok()) log::error("writable layer of container " + container->id.str(), renewed.error());
    }
    auto put = core.records.put(store::Table::settings, kBootIdKey, *boot);
    if (!put.ok()) log::error("record this boot of the machine", put.error());
}

} // namespace hull::engine
