// Builds under way by the ids that clients gave them: to cancel one, and for a
// context that comes with a request of its own. Thread-safe.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "build/context.h"

namespace hull::build {

class Jobs {
    struct Job {
        std::stop_source stop;
        int users = 0;
        bool upload_began = false;
        std::unique_ptr<Result<std::shared_ptr<Context>>> upload; // null: not there yet, or taken
    };

public:
    // A build, or the request with its context; the job is there as long as one of them is.
    class Guard {
    public:
        Guard(Jobs& jobs, std::string id);
        ~Guard();
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        std::stop_source stop() const { return job_->stop; }
        // The context that comes, or came: from the time that upload_begins(); a few seconds for that.
        void upload_begins();
        void give_upload(Result<std::shared_ptr<Context>> context);
        Result<std::shared_ptr<Context>> take_upload();

    private:
        Jobs& jobs_;
        std::string id_;
        std::shared_ptr<Job> job_;
    };

    void cancel(const std::string& id);

private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<std::string, std::shared_ptr<Job>> jobs_;
};

} // namespace hull::build
