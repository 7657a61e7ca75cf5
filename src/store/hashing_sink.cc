#include "store/hashing_sink.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "codec/compress/sha256.h"

namespace hull::store {

namespace {

constexpr size_t handed_over_bytes = size_t{512} << 10, most_unhashed = 4;

} // namespace

struct HashingSink::Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::string> waiting; // to be hashed, in order
    std::deque<std::string> spare;   // hashed; their memory is used again
    bool ended = false;
    Sha256 hash; // the thread's until it ended
    std::thread thread;

    void work() {
        std::unique_lock held(mutex);
        for (;;) {
            changed.wait(held, [&] { return ended || !waiting.empty(); });
            if (waiting.empty()) return;
            std::string piece = std::move(waiting.front());
            waiting.pop_front();
            changed.notify_all();
            held.unlock();
            hash.update_together(piece);
            piece.clear();
            held.lock();
            spare.push_back(std::move(piece));
        }
    }

    void end() {
        {
            std::lock_guard held(mutex);
            ended = true;
            changed.notify_all();
        }
        if (thread.joinable()) thread.join();
    }
};

HashingSink::HashingSink(ByteSink& out) : out_(out), shared_(std::make_unique<Shared>()) {
    shared_->thread = std::thread([shared = shared_.get()] { shared->work(); });
}

HashingSink::~HashingSink() {
    {
        std::lock_guard held(shared_->mutex);
        shared_->waiting.clear(); // nobody asks any more
    }
    shared_->end();
}

void HashingSink::hand_over() {
    std::unique_lock held(shared_->mutex);
    shared_->changed.wait(held, [&] { return shared_->waiting.size() < most_unhashed; });
    shared_->waiting.push_back(std::move(filling_));
    shared_->changed.notify_all();
    filling_.clear();
    if (shared_->spare.empty()) return;
    filling_ = std::move(shared_->spare.front());
    shared_->spare.pop_front();
}

Result<void> HashingSink::write(std::string_view data) {
    TRY(out_.write(data));
    while (!data.empty()) {
        filling_.reserve(handed_over_bytes);
        std::string_view piece = data.substr(0, handed_over_bytes - filling_.size());
        filling_.append(piece);
        data.remove_prefix(piece.size());
        if (filling_.size() == handed_over_bytes) hand_over();
    }
    return {};
}

std::string HashingSink::hex_digest() {
    hand_over();
    shared_->end();
    return shared_->hash.hex_digest();
}

} // namespace hull::store
