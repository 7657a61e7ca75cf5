#include "base/random.h"

#include <array>
#include <cstdlib>

#include <sys/random.h>

namespace hull {

std::string random_hex(size_t digits) {
    static constexpr char hex[] = "0123456789abcdef";
    std::string out;
    out.reserve(digits + 1);
    std::array<unsigned char, 64> bytes{};
    while (out.size() < digits) {
        if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
        for (unsigned char b : bytes) {
            if (out.size() >= digits) break;
            out.push_back(hex[b >> 4]);
            if (out.size() < digits) out.push_back(hex[b & 15]);
        }
    }
    return out;
}

std::string random_id() {
    for (;;) {
        std::string id = random_hex(64);
        if (id.find_first_not_of("0123456789") < 12) return id;
    }
}

} // namespace hull
