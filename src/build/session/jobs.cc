#include "build/session/jobs.h"

#include <chrono>

namespace hull::build {

namespace {

constexpr auto upload_patience = std::chrono::seconds(5);

} // namespace

Jobs::Guard::Guard(Jobs& jobs, std::string id) : jobs_(jobs), id_(std::move(id)) {
    std::lock_guard lock(jobs_.mutex_);
    auto& job = jobs_.jobs_[id_];
    if (!job) job = std::make_shared<Job>();
    ++job->users;
    job_ = job;
}

Jobs::Guard::~Guard() {
    std::lock_guard lock(jobs_.mutex_);
    if (--job_->users == 0) jobs_.jobs_.erase(id_);
}

void Jobs::Guard::upload_begins() {
    std::lock_guard lock(jobs_.mutex_);
    job_->upload_began = true;
    jobs_.changed_.notify_all();
}

void Jobs::Guard::give_upload(Result<std::shared_ptr<Context>> context) {
    std::unique_lock lock(jobs_.mutex_);
    job_->upload = std::make_unique<Result<std::shared_ptr<Context>>>(std::move(context));
    jobs_.changed_.notify_all();
    // The build may come after it.
    jobs_.changed_.wait_for(lock, job_->stop.get_token(), upload_patience, [&] { return job_->upload == nullptr; });
}

Result<std::shared_ptr<Context>> Jobs::Guard::take_upload() {
    std::unique_lock lock(jobs_.mutex_);
    auto token = job_->stop.get_token();
    if (!jobs_.changed_.wait_for(lock, token, upload_patience, [&] { return job_->upload_began; }))
        return Error(ErrorKind::timed_out, "the build context did not come");
    if (!jobs_.changed_.wait(lock, token, [&] { return job_->upload != nullptr; }))
        return Error(ErrorKind::cancelled, "the build was cancelled");
    auto context = std::move(job_->upload);
    jobs_.changed_.notify_all();
    return std::move(*context);
}

void Jobs::cancel(const std::string& id) {
    std::lock_guard lock(mutex_);
    if (auto it = jobs_.find(id); it != jobs_.end()) it->second->stop.request_stop();
}

} // namespace hull::build
