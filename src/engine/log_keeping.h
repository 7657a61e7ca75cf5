// What is done with containers' logs besides writing and reading them: lines
// are sent on to collectors (syslog, journald, fluentd), rotated files are
// compressed. The files are the queue, so that a container never waits, and a
// line is sent at least once also over restarts of the engine.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "engine/core.h"
#include "engine/log_settings.h"

namespace hull::engine {

class LogKeeping {
public:
    explicit LogKeeping(Core& core) : core_(core) {}
    ~LogKeeping() { close(); }
    LogKeeping(const LogKeeping&) = delete;
    LogKeeping& operator=(const LogKeeping&) = delete;

    // Before a launch. Errors: "failed to initialize logging driver: ...", when
    // the collector isn't there and the options don't allow for that.
    Result<void> prepare(const Container& container, const LogSettings& settings);
    // It runs, or ran: what it says, and said, is sent and compressed. Once is enough.
    void begin(const ContainerPtr& container);
    // Before its files go: returns when everything is sent, or after a while.
    void finish(const ContainerId& id);
    // Nothing is sent after this. Idempotent.
    void close();

private:
    struct Job {
        ContainerPtr container;
        std::unique_ptr<logs::Target> target;
        std::stop_source stop;
        bool running = false, again = false; // under mutex_
    };
    using JobPtr = std::shared_ptr<Job>;

    void run(const JobPtr& job);
    Result<void> ship(Job& job);
    void watch_for_rotation(const ContainerPtr& container);
    void compress();

    Core& core_;
    std::mutex mutex_; // what follows
    std::condition_variable ended_;
    std::map<std::string, JobPtr> jobs_;
    std::set<ContainerPtr> compressed_; // whose rotated files are
    bool ticking_ = false, closed_ = false;
};

} // namespace hull::engine
