// Layers on their way from registries into the store. One job per layer,
// whoever asks for it: fetched, verified and unpacked as one stream, committed
// once the layer below is there. Internal to image/.
//
// Lifecycle: begin() starts a job or joins the one under way; a job goes on as
// long as somebody holds its Ticket; without one it is stopped, and what it made
// is removed. What came of the blob stays for the next try.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>

#include "image/blob_fetch.h"
#include "image/state.h"

namespace hull::image {

enum class LayerPhase : unsigned char { queued, downloading, downloaded, extracting, complete, failed };

struct LayerLook {
    LayerPhase phase = LayerPhase::queued;
    uint64_t current = 0, total = 0; // compressed bytes: fetched, or unpacked when extracting
    std::optional<Error> error;
};

class LayerJob;
using Ticket = std::shared_ptr<LayerJob>;

struct LayerWanted {
    model::Descriptor blob;
    Digest diff_id, chain_id;
    Ticket below; // null: the layer below is there, or there is none
    std::optional<Digest> parent;
    std::shared_ptr<registry::Session> session;
};

class LayerJobs {
public:
    LayerJobs(std::shared_ptr<ImageState> state, unsigned max_at_once);
    // Stops all jobs and waits for them.
    ~LayerJobs();

    void set_max_at_once(unsigned max);
    Ticket begin(LayerWanted wanted);
    LayerLook look(const Ticket& ticket) const;
    // Until something changes that look() tells (but not mere bytes), or ms pass.
    void wait(uint64_t& seen, int ms, const std::stop_token& stop) const;

private:
    friend class LayerJob;
    void run(LayerJob& job);
    Result<void> make(LayerJob& job);
    Result<std::unique_ptr<store::StagedLayer>> fetch_and_stage(LayerJob& job);
    Result<std::unique_ptr<store::StagedLayer>> stage_kept(LayerJob& job);
    Result<std::unique_ptr<store::StagedLayer>> stage(LayerJob& job, ByteSource& blob);
    void leave(const std::shared_ptr<LayerJob>& job);
    void set_phase(LayerJob& job, LayerPhase phase);

    std::shared_ptr<ImageState> state_;
    unsigned max_at_once_;
    mutable std::mutex mutex_;
    mutable std::condition_variable_any changed_;
    uint64_t changes_ = 0;
    unsigned at_work_ = 0;
    size_t threads_ = 0;
    uint64_t next_place_ = 0;
    std::set<uint64_t> queue_;                         // places of jobs that wait for their turn
    std::map<Digest, std::shared_ptr<LayerJob>> jobs_; // by chain id; not yet finished, not given up
    std::set<LayerJob*> all_;                          // every one with a thread
    std::set<Digest> fetching_;                        // blobs whose partial file is open
};

} // namespace hull::image
