#include "image/layer_upload.h"

#include <chrono>

#include "codec/compress/compress.h"
#include "image/piped_source.h"
#include "store/fd_stream.h"

namespace hull::image {

namespace {

constexpr int upload_tries = 5;
constexpr size_t max_mount_tries = 4;
constexpr std::string_view docker_layer_gzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";

class CountedSource : public ByteSource {
public:
    CountedSource(ByteSource& source, std::atomic<uint64_t>& count) : source_(source), count_(count) {}
    Result<size_t> read(std::span<char> into) override {
        size_t n = TRY(source_.read(into));
        count_ += n;
        return n;
    }

private:
    ByteSource& source_;
    std::atomic<uint64_t>& count_;
};

// Hashes and counts what passes.
class MeasuringSink : public ByteSink {
public:
    explicit MeasuringSink(ByteSink& out) : out_(out) {}
    Result<void> write(std::string_view data) override {
        hash_.update(data);
        bytes_ += data.size();
        return out_.write(data);
    }
    Digest digest() { return Digest::from_sha256_hex(hash_.hex_digest()); }
    uint64_t bytes() const { return bytes_; }

private:
    ByteSink& out_;
    Sha256 hash_;
    uint64_t bytes_ = 0;
};

class CountingSink : public ByteSink { // of uncompressed bytes
public:
    CountingSink(ByteSink& out, std::atomic<uint64_t>& count) : out_(out), count_(count) {}
    Result<void> write(std::string_view data) override {
        count_ += data.size();
        return out_.write(data);
    }

private:
    ByteSink& out_;
    std::atomic<uint64_t>& count_;
};

} // namespace

LayerUploads::LayerUploads(ImageState& state, registry::Session& session, std::vector<UploadLayer> layers,
                           unsigned at_once, const std::stop_token& stop)
    : state_(state), session_(session), passed_on_(stop, [this] { stop_.request_stop(); }) {
    for (UploadLayer& layer : layers) {
        slots_.push_back(std::make_unique<Slot>());
        slots_.back()->layer = std::move(layer);
    }
    const size_t count = std::min<size_t>(slots_.size(), std::max(at_once, 1u));
    for (size_t i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
}

LayerUploads::~LayerUploads() {
    stop_.request_stop();
    for (std::thread& thread : threads_) thread.join();
}

void LayerUploads::set(Slot& slot, UploadPhase phase) {
    std::lock_guard held(mutex_);
    slot.look.phase = phase;
    ++changes_;
    changed_.notify_all();
}

UploadLook LayerUploads::look(size_t layer) const {
    std::lock_guard held(mutex_);
    UploadLook look = slots_[layer]->look;
    look.current = std::min<uint64_t>(slots_[layer]->sent, look.total);
    return look;
}

void LayerUploads::wait(uint64_t& seen, int ms, const std::stop_token& stop) const {
    std::unique_lock held(mutex_);
    changed_.wait_for(held, stop, std::chrono::milliseconds(ms), [&] { return changes_ != seen; });
    seen = changes_;
}

void LayerUploads::work() {
    for (;;) {
        Slot* slot = nullptr;
        {
            std::lock_guard held(mutex_);
            if (next_ == slots_.size() || stop_.stop_requested()) return;
            slot = slots_[next_++].get();
        }
        auto done = one(*slot);
        if (done.ok()) continue;
        {
            std::lock_guard held(mutex_);
            slot->look.error = std::move(done).error();
        }
        set(*slot, UploadPhase::failed);
    }
}

// exists, or mounted; else waiting, and where to send it to, if that is known by then.
Result<UploadPhase> LayerUploads::find_there(Slot& slot, std::string& location) {
    if (!slot.layer.blob) return UploadPhase::waiting;
    const Digest& blob = *slot.layer.blob;
    const std::stop_token stop = stop_.get_token();
    bool there = TRY(session_.has_blob(blob, stop));
    if (there) return UploadPhase::exists;
    if (!slot.layer.origin) return UploadPhase::waiting;
    size_t tries = 0;
    for (const std::string& repository : slot.layer.origin->repositories) {
        const std::string& domain = session_.name().domain;
        if (!repository.starts_with(domain + "/") || repository == own_repository()) continue;
        if (tries++ == max_mount_tries) break;
        const std::string path = repository.substr(domain.size() + 1);
        auto began = session_.begin_upload(blob, path, stop);
        if (!began.ok()) {
            // Not to be read by us, perhaps: that is no reason not to send it.
            if (began.error().kind() == ErrorKind::cancelled) return std::move(began).error();
            continue;
        }
        if (began->empty()) {
            std::lock_guard held(mutex_);
            slot.look.mounted_from = path;
            return UploadPhase::mounted;
        }
        location = std::move(began).value();
        break;
    }
    return UploadPhase::waiting;
}

Result<void> LayerUploads::one(Slot& slot) {
    std::string location;
    UploadPhase phase = TRY(find_there(slot, location));
    if (phase == UploadPhase::waiting) {
        for (int attempt = 1;; ++attempt) {
            auto sent = send(slot, location);
            if (sent.ok()) break;
            const bool again = sent.error().kind() == ErrorKind::unavailable && attempt < upload_tries;
            if (!again) return sent;
            location.clear(); // what is half there is of no use
            slot.sent = 0;
            std::unique_lock held(mutex_);
            changed_.wait_for(held, stop_.get_token(), std::chrono::milliseconds(100L << attempt),
                              [] { return false; });
        }
        phase = UploadPhase::pushed;
    }
    Origin origin{std::string(docker_layer_gzip), 0, false, {}, {}, {}};
    if (slot.layer.origin) origin = *slot.layer.origin;
    origin.repositories = {own_repository()};
    origin.diff_id = slot.layer.diff_id;
    slot.descriptor.media_type = origin.media_type;
    slot.descriptor.digest = *slot.layer.blob;
    slot.descriptor.size = static_cast<int64_t>(origin.size);
    TRY(state_.origins->add(*slot.layer.blob, origin));
    set(slot, phase); // last: whoever sees it takes the descriptor
    return {};
}

Result<void> LayerUploads::send(Slot& slot, const std::string& given_location) {
    const bool kept = slot.layer.blob && slot.layer.origin && slot.layer.origin->kept;
    if (slot.layer.blob && !kept)
        return Error(ErrorKind::not_found, "blob " + slot.layer.blob->str() + " is neither here nor at the registry");
    store::Layer layer = TRY(state_.layers.get(slot.layer.chain_id));
    {
        std::lock_guard held(mutex_);
        slot.look.total = kept ? slot.layer.origin->size : layer.tar_size;
    }
    set(slot, UploadPhase::pushing);
    std::string location = given_location;
    if (location.empty())
        location = TRY(session_.begin_upload(kept ? *slot.layer.blob : slot.layer.diff_id, "", stop_.get_token()));
    return kept ? send_kept(slot, location) : send_compressed(slot, location);
}

Result<void> LayerUploads::send_kept(Slot& slot, const std::string& location) {
    UniqueFd fd = TRY(state_.blobs.open_blob(*slot.layer.blob));
    store::FdSource file(fd);
    CountedSource counted(file, slot.sent);
    return session_.upload(location, *slot.layer.blob, slot.layer.origin->size, counted, stop_.get_token());
}

// Compressed while it is sent: no copy of it is made.
Result<void> LayerUploads::send_compressed(Slot& slot, const std::string& location) {
    Digest digest;
    uint64_t size = 0;
    PipedSource pipe([&](ByteSink& sink) -> Result<void> {
        MeasuringSink measured(sink);
        auto gzip = gzip_sink(measured);
        CountingSink counted(*gzip, slot.sent);
        TRY(state_.layers.write_tar(slot.layer.chain_id, counted));
        TRY(gzip->finish());
        digest = measured.digest();
        size = measured.bytes();
        return {};
    });
    auto finish = [&]() -> Result<Digest> { // the pipe was read to its end
        slot.layer.blob = digest;
        slot.layer.origin = Origin{std::string(docker_layer_gzip), size, false, {}, {}, {}};
        return digest;
    };
    auto sent = session_.upload_chunks(location, pipe, finish, stop_.get_token());
    if (!sent.ok()) slot.layer.blob.reset();
    return sent;
}

} // namespace hull::image
