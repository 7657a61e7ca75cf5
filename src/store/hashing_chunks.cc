#include "store/hashing_chunks.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "codec/compress/sha256.h"

namespace hull::store {

namespace {

constexpr size_t chunk_bytes = size_t{512} << 10;
constexpr int max_chunks = 8; // under way at one time

} // namespace

struct HashingChunks::Shared {
    struct Chunk {
        std::unique_ptr<char[]> bytes = std::make_unique_for_overwrite<char[]>(chunk_bytes);
        size_t size = 0;
        int users = 0; // of consumer and hash
    };

    explicit Shared(ByteSource& from) : source(from) {}

    void read_ahead();
    void hash_along();
    void release(Chunk* chunk); // mutex held
    Chunk* wait_for_free(std::unique_lock<std::mutex>& held);
    Result<size_t> fill(Chunk& chunk);

    ByteSource& source;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Chunk> chunks;             // all there are; addresses stay
    std::vector<Chunk*> free;             // of them, those at rest
    std::deque<Chunk*> to_use, to_hash;   // filled, in order
    Chunk* in_use = nullptr;              // the consumer's
    std::optional<Error> error;           // of the source
    bool ended = false, stopping = false; // no more chunks come; nobody wants them
    Sha256 hash;                          // the hashing thread's
    std::thread reader, hasher;
};

void HashingChunks::Shared::release(Chunk* chunk) {
    if (--chunk->users > 0) return;
    free.push_back(chunk);
    changed.notify_all();
}

HashingChunks::Shared::Chunk* HashingChunks::Shared::wait_for_free(std::unique_lock<std::mutex>& held) {
    changed.wait(held, [&] { return stopping || !free.empty() || chunks.size() < max_chunks; });
    if (stopping) return nullptr;
    if (free.empty()) return &chunks.emplace_back();
    Chunk* chunk = free.back();
    free.pop_back();
    return chunk;
}

Result<size_t> HashingChunks::Shared::fill(Chunk& chunk) { return read_full(source, {chunk.bytes.get(), chunk_bytes}); }

void HashingChunks::Shared::read_ahead() {
    std::unique_lock held(mutex);
    while (Chunk* chunk = wait_for_free(held)) {
        held.unlock();
        auto filled = fill(*chunk);
        held.lock();
        if (!filled.ok()) {
            error = std::move(filled).error();
            break;
        }
        if (error || *filled == 0) break;
        chunk->size = *filled;
        chunk->users = 2;
        to_use.push_back(chunk);
        to_hash.push_back(chunk);
        changed.notify_all();
    }
    ended = true;
    changed.notify_all();
}

void HashingChunks::Shared::hash_along() {
    std::unique_lock held(mutex);
    for (;;) {
        changed.wait(held, [&] { return stopping || ended || !to_hash.empty(); });
        if (stopping || to_hash.empty()) return;
        Chunk* chunk = to_hash.front();
        to_hash.pop_front();
        held.unlock();
        hash.update_together({chunk->bytes.get(), chunk->size});
        held.lock();
        release(chunk);
    }
}

HashingChunks::HashingChunks(ByteSource& source, uint64_t limit)
    : shared_(std::make_unique<Shared>(source)), limit_(limit) {
    shared_->reader = std::thread([s = shared_.get()] { s->read_ahead(); });
    shared_->hasher = std::thread([s = shared_.get()] { s->hash_along(); });
}

HashingChunks::~HashingChunks() {
    {
        std::lock_guard held(shared_->mutex);
        shared_->stopping = true;
        shared_->changed.notify_all();
    }
    shared_->reader.join();
    if (shared_->hasher.joinable()) shared_->hasher.join();
}

Result<std::string_view> HashingChunks::next() {
    std::unique_lock held(shared_->mutex);
    if (shared_->in_use) shared_->release(std::exchange(shared_->in_use, nullptr));
    shared_->changed.wait(held, [&] { return shared_->ended || !shared_->to_use.empty(); });
    if (shared_->to_use.empty()) {
        if (shared_->error) return *shared_->error;
        return std::string_view();
    }
    Shared::Chunk* chunk = shared_->to_use.front();
    shared_->to_use.pop_front();
    shared_->in_use = chunk;
    bytes_ += chunk->size;
    if (bytes_ > limit_)
        return Error(ErrorKind::too_large,
                     "the archive is larger than the " + std::to_string(limit_) + " bytes allowed");
    return std::string_view(chunk->bytes.get(), chunk->size);
}

std::string HashingChunks::hex_digest() {
    shared_->hasher.join();
    return shared_->hash.hex_digest();
}

} // namespace hull::store
