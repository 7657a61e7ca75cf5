// Volumes: data that outlives containers.
//
// Lifecycle: created (by name, or with a container) -> used by containers,
// running or not -> removed when none uses it. Anonymous ones have 64 digits as
// a name and the label com.docker.volume.anonymous; they go with their container
// when that is asked for (rm -v) or implied (--rm). Errors have Docker's texts.
// Thread-safe; nothing is locked across I/O but the volume concerned.
#pragma once

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
#include "model/container_record.h"
#include "model/volume.h"
#include "store/records.h"
#include "store/volume_dirs.h"

namespace hull::engine {

inline constexpr const char* kAnonymousLabel = "com.docker.volume.anonymous";

struct VolumeView {
    model::VolumeRecord record;
    std::string mountpoint;
    int64_t users = 0; // containers
    int64_t size = -1; // only asked for by usage()
};

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
    virtual Result<std::vector<VolumeView>> usage() = 0; // with sizes: walks all of them
};

// And what containers need.
class VolumeKeeper : public Volumes {
public:
    // Reads the records. Folders without one lost it in a power cut: they hold
    // data, so they are volumes again.
    static Result<std::unique_ptr<VolumeKeeper>> open(const std::string& data_root, store::Records& records,
                                                      EventBus& events);

    Result<VolumeView> create(const model::VolumeRequest& request) override;
    Result<std::vector<VolumeView>> list(const Filters& filters) override;
    Result<VolumeView> inspect(const std::string& name) override;
    Result<void> remove(const std::string& name, bool force) override;
    Result<PruneReport> prune(const Filters& filters, bool named) override;
    Result<std::vector<VolumeView>> usage() override;

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

    // Around a run of the container: mounts what the volumes' options say. The
    // descriptors are of subpaths ("volume-subpath"), by destination; keep them
    // until the container was launched.
    Result<std::map<std::string, UniqueFd>> mount(const std::vector<model::MountPoint>& mounts,
                                                  const std::string& container);
    void unmount(const std::vector<model::MountPoint>& mounts, const std::string& container);
    // Records, folders and mounts.
    void check(Repair repair, Damages& found);
    // After the last remember(): unmounts what no running container uses.
    void settle();

private:
    struct Volume {
        explicit Volume(model::VolumeRecord made) : record(std::move(made)) {}
        const model::VolumeRecord record;
        std::mutex work;                      // across I/O on this volume; taken before mutex_
        std::set<std::string> users, running; // under mutex_
        bool removed = false;                 // under mutex_
    };
    using VolumePtr = std::shared_ptr<Volume>;

    VolumeKeeper(std::unique_ptr<store::VolumeDirs> dirs, store::Records& records, EventBus& events)
        : dirs_(std::move(dirs)), records_(records), events_(events) {}
    Result<void> load();
    VolumePtr find(const std::string& name) const;
    std::vector<VolumePtr> all() const;
    Result<VolumePtr> make(const model::VolumeRequest& request, const std::string& user);
    Result<void> mount_now(const Volume& volume);
    Result<void> erase(const VolumePtr& volume);
    VolumeView view(const Volume& volume) const;
    void publish(const Volume& volume, const char* action, std::map<std::string, std::string> more = {});

    const std::unique_ptr<store::VolumeDirs> dirs_;
    store::Records& records_;
    EventBus& events_;
    mutable std::mutex mutex_;
    std::map<std::string, VolumePtr> volumes_;
};

} // namespace hull::engine
