#include "oom_watch.h"

#include <array>

#include <sys/epoll.h>

#include "base/log.h"
#include "sys/nonblocking.h"

namespace hull {

void OomWatch::add(const ContainerId& container, const std::string& cgroup) {
    auto fd = cgroups_.watch_oom(cgroup);
    auto place = cgroups_.locate(cgroup);
    if (!fd.ok() || !place.ok())
        return log::warning("watch the memory of container " + container.str(), fd.ok() ? place.error() : fd.error());
    auto watched = std::make_shared<Watched>();
    watched->fd = std::move(*fd);
    watched->oom_file = place->oom_file();
    {
        std::lock_guard lock(mutex_);
        watched_[container] = watched;
    }
    loop_.post([this, container, watched] {
        if (!sys::make_nonblocking(watched->fd).ok()) return;
        auto added =
            loop_.add(watched->fd, EPOLLIN, [this, container, watched](uint32_t) { on_ready(container, watched); });
        if (added.ok()) watched->watch = *added;
    });
}

void OomWatch::on_ready(const ContainerId& container, const std::shared_ptr<Watched>& watched) {
    std::array<char, 64> ignored;
    auto n = sys::read_now(watched->fd, ignored);
    auto kills = kernel::cgroup::oom_kills(watched->oom_file);
    // It wakes once more when the cgroup is removed.
    if (!n.ok() || !kills.ok()) return loop_.remove(watched->watch);
    uint64_t before = 0;
    {
        std::lock_guard lock(mutex_);
        before = std::exchange(watched->kills, *kills);
    }
    if (*kills > before) handler_(container);
}

uint64_t OomWatch::kills_in(const std::string& cgroup) const {
    auto place = cgroups_.locate(cgroup);
    if (!place.ok() || place->oom_file().empty()) return 0;
    auto kills = kernel::cgroup::oom_kills(place->oom_file());
    return kills.ok() ? *kills : 0;
}

bool OomWatch::remove(const ContainerId& container, const std::string& cgroup) {
    uint64_t kills = kills_in(cgroup);
    std::shared_ptr<Watched> watched;
    bool untold = kills > 0;
    {
        std::lock_guard lock(mutex_);
        if (auto node = watched_.extract(container)) {
            watched = std::move(node.mapped());
            untold = kills > watched->kills;
            watched->kills = kills;
        }
    }
    if (untold) handler_(container);
    if (watched) loop_.post([this, watched] { loop_.remove(watched->watch); });
    return kills > 0;
}

} // namespace hull
