// Tells when the kernel kills for want of memory in containers with a limit.
// Any thread; the handler is called in the loop's.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/strong.h"
#include "event/loop.h"
#include "kernel/cgroup/cgroup.h"

namespace hull {

class OomWatch {
public:
    using Handler = std::function<void(const ContainerId& container)>;
    OomWatch(event::Loop& loop, const kernel::cgroup::Cgroups& cgroups, Handler handler)
        : loop_(loop), cgroups_(cgroups), handler_(std::move(handler)) {}

    // A cgroup that can't be watched is logged and let be.
    void add(const ContainerId& container, const std::string& cgroup);
    // True: something was killed there, told to the handler or not yet.
    bool remove(const ContainerId& container, const std::string& cgroup);

private:
    struct Watched {
        UniqueFd fd;
        event::Watch watch;
        std::string oom_file;
        uint64_t kills = 0; // told so far
    };
    void on_ready(const ContainerId& container, const std::shared_ptr<Watched>& watched);
    uint64_t kills_in(const std::string& cgroup) const;

    event::Loop& loop_;
    const kernel::cgroup::Cgroups& cgroups_;
    Handler handler_;
    std::mutex mutex_;
    std::map<ContainerId, std::shared_ptr<Watched>> watched_;
};

} // namespace hull
