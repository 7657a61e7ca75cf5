#include "image/layer_jobs.h"

#include <thread>

#include "base/log.h"
#include "codec/compress/compress.h"
#include "image/origins.h"
#include "store/fd_stream.h"

namespace hull::image {

class LayerJob {
public:
    explicit LayerJob(LayerWanted what) : wanted(std::move(what)) {}

    LayerWanted wanted;
    std::stop_source stop;
    // Under LayerJobs::mutex_.
    LayerPhase phase = LayerPhase::queued;
    std::optional<Error> error;
    size_t holders = 0;
    uint64_t place = 0;
    BlobFetch* fetch = nullptr; // while it runs
};

namespace {

std::string repository_of(const model::Reference& name) { return name.domain + "/" + name.path; }

// A blob that the store has already, verified as it is read.
class KeptBlob : public ByteSource {
public:
    explicit KeptBlob(UniqueFd fd) : fd_(std::move(fd)), source_(fd_) {}
    Result<size_t> read(std::span<char> into) override {
        size_t n = TRY(source_.read(into));
        hash_.update_together({into.data(), n});
        return n;
    }
    Digest digest() { return Digest::from_sha256_hex(hash_.hex_digest()); }

private:
    UniqueFd fd_;
    store::FdSource source_;
    Sha256 hash_;
};

Result<void> read_to_end(ByteSource& source) {
    std::string rest(size_t{64} << 10, '\0');
    for (;;) {
        size_t n = TRY(source.read(rest));
        if (n == 0) return {};
    }
}

} // namespace

LayerJobs::LayerJobs(std::shared_ptr<ImageState> state, unsigned max_at_once)
    : state_(std::move(state)), max_at_once_(std::max(max_at_once, 1u)) {}

LayerJobs::~LayerJobs() {
    std::unique_lock held(mutex_);
    for (LayerJob* job : all_) {
        job->stop.request_stop();
        if (job->fetch) job->fetch->stop();
    }
    changed_.notify_all();
    changed_.wait(held, [&] { return threads_ == 0; });
}

void LayerJobs::set_max_at_once(unsigned max) {
    std::lock_guard held(mutex_);
    max_at_once_ = max;
    changed_.notify_all();
}

Ticket LayerJobs::begin(LayerWanted wanted) {
    std::lock_guard held(mutex_);
    std::shared_ptr<LayerJob> job;
    if (auto it = jobs_.find(wanted.chain_id); it != jobs_.end()) {
        job = it->second;
    } else {
        job = std::make_shared<LayerJob>(std::move(wanted));
        job->place = next_place_++;
        queue_.insert(job->place);
        jobs_.insert_or_assign(job->wanted.chain_id, job);
        all_.insert(job.get());
        ++threads_;
        std::thread([this, job] { run(*job); }).detach();
    }
    ++job->holders;
    return Ticket(job.get(), [this, job](LayerJob*) { leave(job); });
}

void LayerJobs::leave(const std::shared_ptr<LayerJob>& job) {
    std::lock_guard held(mutex_);
    if (--job->holders > 0 || job->phase == LayerPhase::complete || job->phase == LayerPhase::failed) return;
    job->stop.request_stop();
    if (job->fetch) job->fetch->stop();
    // Whoever wants the layer from now on begins anew.
    if (auto it = jobs_.find(job->wanted.chain_id); it != jobs_.end() && it->second == job) jobs_.erase(it);
    changed_.notify_all();
}

void LayerJobs::set_phase(LayerJob& job, LayerPhase phase) {
    std::lock_guard held(mutex_);
    job.phase = phase;
    ++changes_;
    changed_.notify_all();
}

LayerLook LayerJobs::look(const Ticket& ticket) const {
    std::lock_guard held(mutex_);
    LayerLook look{ticket->phase, 0, static_cast<uint64_t>(ticket->wanted.blob.size), ticket->error};
    if (look.phase != LayerPhase::downloading && look.phase != LayerPhase::extracting) return look;
    if (!ticket->fetch) return look;
    const bool arrived = ticket->fetch->present() == look.total;
    look.phase = arrived ? LayerPhase::extracting : LayerPhase::downloading;
    look.current = arrived ? ticket->fetch->consumed() : ticket->fetch->present();
    return look;
}

void LayerJobs::wait(uint64_t& seen, int ms, const std::stop_token& stop) const {
    std::unique_lock held(mutex_);
    changed_.wait_for(held, stop, std::chrono::milliseconds(ms), [&] { return changes_ != seen; });
    seen = changes_;
}

void LayerJobs::run(LayerJob& job) {
    auto made = make(job);
    bool wanted = true;
    {
        std::lock_guard held(mutex_);
        wanted = job.holders > 0;
        if (auto it = jobs_.find(job.wanted.chain_id); it != jobs_.end() && it->second.get() == &job) jobs_.erase(it);
    }
    if (made.ok() && !wanted) {
        auto collected = state_->collect_chain(job.wanted.chain_id);
        if (!collected.ok()) log::warning("remove a layer that nobody waits for", collected.error());
    }
    // Before the thread counts as gone: letting go of it comes back here.
    job.wanted.below.reset();
    std::lock_guard held(mutex_);
    job.phase = made.ok() ? LayerPhase::complete : LayerPhase::failed;
    if (!made.ok()) job.error = std::move(made).error();
    all_.erase(&job);
    queue_.erase(job.place);
    ++changes_;
    --threads_;
    changed_.notify_all();
}

Result<void> LayerJobs::make(LayerJob& job) {
    std::shared_lock storing(state_->blobs_in_flight);
    const std::stop_token stop = job.stop.get_token();
    const Digest& blob = job.wanted.blob.digest;
    auto cancelled = [] { return Error(ErrorKind::cancelled, "context canceled"); };
    {
        // In their order, so that the lowest layers, which the others wait for, come first.
        std::unique_lock held(mutex_);
        auto my_turn = [&] {
            return at_work_ < max_at_once_ && *queue_.begin() == job.place && !fetching_.contains(blob);
        };
        if (!changed_.wait(held, stop, my_turn)) {
            queue_.erase(job.place);
            changed_.notify_all();
            return cancelled();
        }
        queue_.erase(job.place);
        fetching_.insert(blob);
        ++at_work_;
        job.phase = LayerPhase::downloading;
        ++changes_;
        changed_.notify_all();
    }
    auto staged = state_->blobs.contains(blob) ? stage_kept(job) : fetch_and_stage(job);
    {
        std::lock_guard held(mutex_);
        fetching_.erase(blob);
        --at_work_;
        changed_.notify_all();
    }
    if (!staged.ok()) return std::move(staged).error();
    if ((*staged)->diff_id() != job.wanted.diff_id)
        return Error(ErrorKind::corrupt, "layers from manifest don't match image configuration: layer " + blob.str() +
                                             " unpacks to " + (*staged)->diff_id().str() + ", not " +
                                             job.wanted.diff_id.str());
    if (job.wanted.below) {
        std::unique_lock held(mutex_);
        LayerJob& below = *job.wanted.below;
        changed_.wait(held, stop,
                      [&] { return below.phase == LayerPhase::complete || below.phase == LayerPhase::failed; });
        if (below.phase == LayerPhase::failed) return *below.error;
    }
    if (stop.stop_requested()) return cancelled();
    TRY(state_->layers.commit(std::move(*staged), job.wanted.parent));
    Origin origin{job.wanted.blob.media_type, static_cast<uint64_t>(job.wanted.blob.size), true, {}, {}, {}};
    origin.repositories.insert(repository_of(job.wanted.session->name()));
    origin.diff_id = job.wanted.diff_id;
    return state_->origins->add(blob, origin);
}

Result<std::unique_ptr<store::StagedLayer>> LayerJobs::stage(LayerJob& job, ByteSource& blob) {
    auto plain = TRY(decompress(blob));
    store::StageOptions options;
    options.progress = [stop = job.stop.get_token()](uint64_t) -> Result<void> {
        if (stop.stop_requested()) return Error(ErrorKind::cancelled, "context canceled");
        return {};
    };
    auto staged = TRY(state_->layers.stage(*plain, options));
    TRY(read_to_end(blob));
    return staged;
}

Result<std::unique_ptr<store::StagedLayer>> LayerJobs::stage_kept(LayerJob& job) {
    UniqueFd fd = TRY(state_->blobs.open_blob(job.wanted.blob.digest));
    KeptBlob blob(std::move(fd));
    set_phase(job, LayerPhase::downloaded);
    auto staged = stage(job, blob);
    const bool damaged =
        staged.ok() ? blob.digest() != job.wanted.blob.digest : staged.error().kind() == ErrorKind::invalid_argument;
    if (!damaged) return staged;
    log::warning("blob " + job.wanted.blob.digest.str() + " was damaged on disk; it is fetched again");
    TRY(state_->blobs.remove(job.wanted.blob.digest));
    set_phase(job, LayerPhase::downloading);
    return fetch_and_stage(job);
}

Result<std::unique_ptr<store::StagedLayer>> LayerJobs::fetch_and_stage(LayerJob& job) {
    const model::Descriptor& blob = job.wanted.blob;
    for (bool again = false;; again = true) {
        auto partial = TRY(state_->blobs.open_partial(blob.digest, static_cast<uint64_t>(blob.size)));
        BlobFetch fetch(job.wanted.session, std::move(partial), blob.digest, [this] {
            std::lock_guard held(mutex_);
            ++changes_;
            changed_.notify_all();
        });
        {
            std::lock_guard held(mutex_);
            job.fetch = &fetch;
            if (job.stop.stop_requested()) fetch.stop();
        }
        auto staged = stage(job, fetch);
        {
            std::lock_guard held(mutex_);
            job.fetch = nullptr;
        }
        const bool retry = fetch.resumed() && !again;
        // What is no layer may be no right blob either: its digest decides what is said.
        if (!staged.ok() && staged.error().kind() != ErrorKind::invalid_argument) return staged;
        if (!staged.ok()) {
            auto rest = read_to_end(fetch);
            if (!rest.ok()) return std::move(rest).error();
        }
        auto verified = fetch.verify_and_keep();
        if (verified.ok() && staged.ok()) return staged;
        if (!verified.ok() && verified.error().kind() == ErrorKind::corrupt && retry) continue;
        if (!verified.ok()) return std::move(verified).error();
        TRY(state_->blobs.remove(blob.digest)); // right, but of no use
        return std::move(staged).context("failed to register layer");
    }
}

} // namespace hull::image
