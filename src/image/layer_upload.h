// Layers on their way to a registry, several at the same time. Internal to image/.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "image/origins.h"
#include "image/state.h"
#include "registry/session.h"

namespace hull::image {

struct UploadLayer {
    Digest diff_id, chain_id;
    // The blob that it is to be, if that is settled; else it is compressed anew.
    std::optional<Digest> blob;
    std::optional<Origin> origin; // of blob, as far as known
};

enum class UploadPhase : unsigned char { waiting, pushing, exists, mounted, pushed, failed };
struct UploadLook {
    UploadPhase phase = UploadPhase::waiting;
    std::string mounted_from; // path of a repository
    uint64_t current = 0, total = 0;
    std::optional<Error> error;
};

class LayerUploads {
public:
    // Begins at once. Everything given outlives it.
    LayerUploads(ImageState& state, registry::Session& session, std::vector<UploadLayer> layers, unsigned at_once,
                 const std::stop_token& stop);
    // Stops what is under way and waits for it.
    ~LayerUploads();

    UploadLook look(size_t layer) const;
    void wait(uint64_t& seen, int ms, const std::stop_token& stop) const;
    // Once pushed, mounted or existing: what the manifest says about it.
    const model::Descriptor& descriptor(size_t layer) const { return slots_[layer]->descriptor; }

private:
    struct Slot {
        UploadLayer layer;
        UploadLook look;
        model::Descriptor descriptor;
        std::atomic<uint64_t> sent = 0;
    };
    void work();
    Result<void> one(Slot& slot);
    Result<UploadPhase> find_there(Slot& slot, std::string& location);
    Result<void> send(Slot& slot, const std::string& location);
    Result<void> send_kept(Slot& slot, const std::string& location);
    Result<void> send_compressed(Slot& slot, const std::string& location);
    void set(Slot& slot, UploadPhase phase);
    std::string own_repository() const { return session_.name().domain + "/" + session_.name().path; }

    ImageState& state_;
    registry::Session& session_;
    std::stop_source stop_;
    std::stop_callback<std::function<void()>> passed_on_;
    mutable std::mutex mutex_;
    mutable std::condition_variable_any changed_;
    uint64_t changes_ = 0;
    size_t next_ = 0;
    std::vector<std::unique_ptr<Slot>> slots_;
    std::vector<std::thread> threads_;
};

} // namespace hull::image
