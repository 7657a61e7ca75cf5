#include "codec/compress/sha256.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <openssl/sha.h>

#include "codec/compress/sha256_lanes.h"

// Deprecated, for being bound to one implementation. That is what they are here
// for: only their state can go on in a vector lane.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace hull {

namespace {

// Taken at one go; after it whoever came meanwhile joins in.
constexpr size_t turn_blocks = 1024;

// One thread's blocks on their way into its hash.
struct Wish {
    Sha256Words* words;
    const unsigned char* data;
    size_t blocks;
};

// Threads that hash at the same time: as many as half the CPUs take turns, each
// for all whose wishes wait.
class Together {
public:
    void hash(Wish& wish) {
        std::unique_lock held(mutex_);
        waiting_.push_back(&wish);
        for (;;) {
            changed_.wait(held, [&] { return wish.blocks == 0 || (at_work_ < most_ && !waiting_.empty()); });
            if (wish.blocks == 0) return;
            std::array<Wish*, max_sha256_lanes> turn{};
            const size_t count = std::min(waiting_.size(), turn.size());
            std::copy_n(waiting_.begin(), count, turn.begin());
            waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(count));
            ++at_work_;
            held.unlock();
            const size_t done = run({turn.data(), count});
            held.lock();
            --at_work_;
            for (Wish* one : std::span(turn.data(), count)) {
                one->blocks -= done;
                one->data += done * sha256_block_bytes;
                if (one->blocks > 0) waiting_.push_front(one);
            }
            changed_.notify_all();
        }
    }

private:
    static size_t run(std::span<Wish* const> turn) {
        size_t blocks = turn_blocks;
        for (const Wish* one : turn) blocks = std::min(blocks, one->blocks);
        std::array<Sha256Lane, max_sha256_lanes> lanes{};
        for (size_t i = 0; i < turn.size(); ++i) lanes[i] = {turn[i]->words, turn[i]->data};
        if (turn.size() > 1) {
            sha256_lanes({lanes.data(), turn.size()}, blocks);
            return blocks;
        }
        SHA256_CTX alone{};
        SHA256_Init(&alone);
        std::copy(turn[0]->words->begin(), turn[0]->words->end(), std::begin(alone.h));
        SHA256_Update(&alone, turn[0]->data, blocks * sha256_block_bytes);
        std::copy(std::begin(alone.h), std::end(alone.h), turn[0]->words->begin());
        return blocks;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Wish*> waiting_;
    unsigned at_work_ = 0;
    const unsigned most_ = std::max(std::thread::hardware_concurrency() / 2, 1u);
};

Together& together() {
    static Together one;
    return one;
}

} // namespace

struct Sha256::State {
    SHA256_CTX context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) { SHA256_Init(&state_->context); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view data) { SHA256_Update(&state_->context, data.data(), data.size()); }

void Sha256::update_together(std::string_view data) {
    SHA256_CTX& context = state_->context;
    if (!sha256_lanes_pay() || data.size() < turn_blocks * sha256_block_bytes) return update(data);
    if (context.num != 0) { // to the end of a block that was begun
        const size_t rest = sha256_block_bytes - context.num;
        update(data.substr(0, rest));
        data.remove_prefix(rest);
    }
    const size_t blocks = data.size() / sha256_block_bytes;
    Sha256Words words{};
    std::copy(std::begin(context.h), std::end(context.h), words.begin());
    Wish wish{&words, reinterpret_cast<const unsigned char*>(data.data()), blocks};
    together().hash(wish);
    std::copy(words.begin(), words.end(), std::begin(context.h));
    const uint64_t bits = (uint64_t{context.Nh} << 32 | context.Nl) + uint64_t{blocks} * sha256_block_bytes * 8;
    context.Nl = static_cast<SHA_LONG>(bits);
    context.Nh = static_cast<SHA_LONG>(bits >> 32);
    update(data.substr(blocks * sha256_block_bytes));
}

std::string Sha256::hex_digest() {
    static constexpr char digits[] = "0123456789abcdef";
    std::array<unsigned char, 32> raw{};
    SHA256_Final(raw.data(), &state_->context);
    std::string out;
    out.reserve(64);
    for (unsigned char b : raw) {
        out.push_back(digits[b >> 4]);
        out.push_back(digits[b & 15]);
    }
    return out;
}

std::string sha256_hex(std::string_view data) {
    Sha256 hash;
    hash.update(data);
    return hash.hex_digest();
}

} // namespace hull

#pragma GCC diagnostic pop
