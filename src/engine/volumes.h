// Volumes: data that outlives containers.
//
// Those of driver "local" are folders of ours, those of plugins are theirs, and
// we keep who uses them (engine/volume_drivers.h).
//
// Lifecycle: created (by name, or with a container) -> used by containers,
// running or not -> removed when none uses it. Anonymous ones have 64 digits as
// a name and the label com.docker.volume.anonymous; they go with their container
// when that is asked for (rm -v) or implied (--rm). Errors have Docker's texts.
// Thread-safe; nothing is locked across I/O but the volume concerned.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/check.h"
#include "engine/events.h"
#include "engine/filters.h"
#include "engine/views.h"
#include "engine/volume_drivers.h"
#include "model/container_record.h"
#include "model/volume.h"
#include "store/records.h"
#include "store/volume_dirs.h"

namespace hull {
class ByteSink;
class ByteSource;
} // namespace hull

namespace hull::engine {

inline constexpr const char* kAnonymousLabel = "com.docker.volume.anonymous";

struct VolumeView {
    model::VolumeRecord record;
    std::string mountpoint;
    int64_t users = 0;     // containers
    bool measured = false; // by usage()
    int64_t size = -1;     // -1: not known
    std::string scope = "local";
    std::string status{}; // what a plugin says of it: a JSON object; empty: nothing
};

// A volume that is read; it can't be removed meanwhile.
class VolumeExport {
public:
    virtual ~VolumeExport() = default;
    virtual Result<void> write(ByteSink& sink) = 0; // once
};
enum class Replace : unsigned char { no, yes };

// What the API asks.
class Volumes {
public:
    virtual ~Volumes() = default;
    // An existing volume of the same driver is given as it is.
    virtual Result<VolumeView> create(const model::VolumeRequest& request) = 0;
    // Filters: dangling driver label name. By name.
    virtual Result<std::vector<VolumeView>> list(const Filters& filters) = 0;
    virtual Result<VolumeView> inspect(const std::string& name) = 0; // not_found
    // In use: conflict. force: missing is fine.
    virtual Result<void> remove(const std::string& name, bool force) = 0;
    // Filters: label label!. named: not only anonymous ones.
    virtual Result<PruneReport> prune(const Filters& filters, bool named) = 0;
    // With sizes, which may be a little old of volumes with very many files
    // (store/tree_size.h). Those of plugins have none.
    virtual Result<std::vector<VolumeView>> usage() = 0;
    virtual std::vector<std::string> drivers() = 0; // "local" and the plugins

    // What a volume holds, as a whole. source: a volume, or one of its snapshots
    // as "NAME@SNAPSHOT", which remove() takes, too. Volumes whose options mount
    // something hold nothing of their own: invalid_argument.

    // snapshot: its name; empty: one by the time. Exists: conflict.
    virtual Result<store::SnapshotInfo> make_snapshot(const std::string& name, const std::string& snapshot) = 0;
    virtual Result<std::vector<store::SnapshotInfo>> snapshots(const std::string& name) = 0; // oldest first
    // The volume holds what the snapshot does. A container with it runs: conflict.
    virtual Result<void> restore(const std::string& name, const std::string& snapshot) = 0;
    // A new volume; its size is limited as the source's unless request says. Exists: conflict.
    virtual Result<VolumeView> clone(const std::string& source, const model::VolumeRequest& request) = 0;
    // A tar with everything that belongs to the files.
    virtual Result<std::unique_ptr<VolumeExport>> open_export(const std::string& source) = 0;
    // The volume, made when there is none, holds what the tar does. Held it
    // something: conflict, unless that is to be replaced; runs a container with
    // it: conflict.
    virtual Result<VolumeView> import_tar(const std::string& name, ByteSource& tar, Replace replace) = 0;
    // size: as the option of that name; more than now, also while it is used.
    virtual Result<VolumeView> resize(const std::string& name, const std::string& size) = 0;
};

// And what containers need.
class VolumeKeeper : public Volumes {
public:
    // Reads the records. Folders without one lost it in a power cut: they hold
    // data, so they are volumes again.
    // drivers outlives it; null: there is none but "local".
    static Result<std::unique_ptr<VolumeKeeper>> open(const std::string& data_root, store::Records& records,
                                                      EventBus& events, VolumeDrivers* drivers);

    Result<VolumeView> create(const model::VolumeRequest& request) override;
    Result<std::vector<VolumeView>> list(const Filters& filters) override;
    Result<VolumeView> inspect(const std::string& name) override;
    Result<void> remove(const std::string& name, bool force) override;
    Result<PruneReport> prune(const Filters& filters, bool named) override;
    Result<std::vector<VolumeView>> usage() override;
    std::vector<std::string> drivers() override;
    Result<store::SnapshotInfo> make_snapshot(const std::string& name, const std::string& snapshot) override;
    Result<std::vector<store::SnapshotInfo>> snapshots(const std::string& name) override;
    Result<void> restore(const std::string& name, const std::string& snapshot) override;
    Result<VolumeView> clone(const std::string& source, const model::VolumeRequest& request) override;
    Result<std::unique_ptr<VolumeExport>> open_export(const std::string& source) override;
    Result<VolumeView> import_tar(const std::string& name, ByteSource& tar, Replace replace) override;
    Result<VolumeView> resize(const std::string& name, const std::string& size) override;

    // Makes the volume if there is none, counts container among its users, fills
    // it when it is empty with what lower has at the destination, and completes
    // mount (name, source, driver). On error the container may use some of its
    // volumes: let_go() of it then.
    Result<void> take(model::MountPoint& mount, const std::string& container, const std::vector<std::string>& lower);
    // As take(), for a container on record.
    void remember(const model::MountPoint& mount, const std::string& container, bool running);
    // The container is gone. anonymous: its anonymous volumes that nobody else
    // uses go, too.
    enum class Anonymous : unsigned char { keep, remove };
    void let_go(const std::vector<model::MountPoint>& mounts, const std::string& container, Anonymous anonymous);

    // Around a run of the container: mounts what the volumes' options say, and has
    // plugins mount theirs. The descriptors, by destination, are of what isn't at
    // the mount's source: subpaths ("volume-subpath") and plugins' volumes; keep
    // them until the container was launched.
    Result<std::map<std::string, UniqueFd>> mount(const std::vector<model::MountPoint>& mounts,
                                                  const std::string& container);
    void unmount(const std::vector<model::MountPoint>& mounts, const std::string& container);
    // Records, folders and mounts.
    void check(Repair repair, Damages& found);
    // After the last remember(): unmounts what no running container uses.
    void settle();
    // The engine ends: volumes of limited size that nobody uses are unmounted, too.
    void close();

private:
    struct Volume {
        explicit Volume(model::VolumeRecord made) : record(std::move(made)) {}
        bool local() const { return record.driver == "local"; }
        const model::VolumeRecord record;
        std::mutex work;                      // across I/O on this volume; taken before mutex_
        std::set<std::string> users, running; // under mutex_
        bool removed = false;                 // under mutex_
        int copies = 0;                       // being made of it or its snapshots; under mutex_
        std::string place;                    // where a plugin mounted it last; under mutex_
        std::string size;                     // grown to, instead of the record's option; under mutex_
    };
    using VolumePtr = std::shared_ptr<Volume>;
    // Keeps a volume from being removed or replaced while it is read.
    class Copying {
    public:
        static Result<Copying> begin(VolumeKeeper& keeper, const std::string& name);
        Copying(Copying&&) = default;
        ~Copying();
        Volume& volume() const { return *volume_; }
        const std::string& name() const { return volume_->record.name; }

    private:
        Copying(VolumeKeeper& keeper, VolumePtr volume) : keeper_(&keeper), volume_(std::move(volume)) {}
        VolumeKeeper* keeper_;
        VolumePtr volume_;
    };
    struct Source { // of a copy
        Copying copying;
        std::string path;
    };
    class Export;
    using Filler = std::function<Result<void>(const std::string& folder)>;

    VolumeKeeper(std::unique_ptr<store::VolumeDirs> dirs, store::Records& records, EventBus& events,
                 VolumeDrivers* drivers)
        : dirs_(std::move(dirs)), records_(records), events_(events), drivers_(drivers) {}
    Result<void> load();
    VolumePtr find(const std::string& name) const;
    // volume_plugins.cc. Also one that only a plugin knows so far.
    VolumePtr find_anywhere(const std::string& name);
    VolumePtr adopt(const std::string& driver, const DriverVolume& found);
    Result<void> make_by_plugin(const model::VolumeRecord& record);
    Result<void> check_driver(const std::string& driver);
    Result<void> fill_by_plugin(const VolumePtr& volume, model::MountPoint& mount, const std::string& container,
                                const std::vector<std::string>& lower);
    Result<void> mount_by_plugin(const VolumePtr& volume, const model::MountPoint& mount, const std::string& container,
                                 std::map<std::string, UniqueFd>& places);
    void unmount_by_plugin(const VolumePtr& volume, const std::string& container);
    void ask_plugin(VolumeView& view);
    void ask_plugins(std::vector<VolumeView>& views);
    std::vector<VolumePtr> all() const;
    // fill: its content; then it must not exist.
    Result<VolumePtr> make(const model::VolumeRequest& request, const std::string& user, const Filler& fill = {});
    Result<void> make_folder(const model::VolumeRecord& record, const Filler& fill);
    Result<Source> open_source(const std::string& source);
    Result<void> check_idle(const Volume& volume) const;
    Result<void> replace_content(const Copying& copying, const Filler& fill);
    Result<void> remove_snapshot(const std::string& name, const std::string& snapshot);
    model::VolumeRecord record_of(const Volume& volume) const;
    Result<void> mount_now(const Volume& volume);
    Result<void> erase(const VolumePtr& volume);
    VolumeView view(const Volume& volume) const;
    void publish(const Volume& volume, const char* action, std::map<std::string, std::string> more = {});

    const std::unique_ptr<store::VolumeDirs> dirs_;
    store::Records& records_;
    EventBus& events_;
    VolumeDrivers* const drivers_;
    mutable std::mutex mutex_;
    std::map<std::string, VolumePtr> volumes_;
};

} // namespace hull::engine
