// SHA-256, in one go or piece by piece.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace hull {

class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(std::string_view data);
    // The same, but together with other threads that call this at the same time,
    // where the CPU takes several messages faster side by side (sha256_lanes.h).
    // Worth it for pieces of 64 KiB and more.
    void update_together(std::string_view data);
    // 64 lower-case hex digits. Nothing may be added afterwards.
    std::string hex_digest();

private:
    struct State;
    std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view data);

} // namespace hull
