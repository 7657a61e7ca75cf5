// links: hull_compress
// Input: a byte that says how much is read at a time, then a stream of any
// compression. At most 16 MiB are taken out of it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "codec/compress/compress.h"

using namespace hull;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    if (size == 0) return 0;
    TextSource source({reinterpret_cast<const char*>(bytes) + 1, size - 1});
    auto plain = decompress(source);
    if (!plain.ok()) return 0;
    std::string buffer(size_t{1} + bytes[0] * 37, '\0');
    for (size_t total = 0; total < size_t{16} << 20;) {
        auto n = (*plain)->read(buffer);
        if (!n.ok() || *n == 0) break;
        if (*n > buffer.size()) __builtin_trap();
        total += *n;
    }
    return 0;
}
