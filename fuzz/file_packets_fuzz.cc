// links: hull_build_wire
// What a client of BuildKit's protocol sends, and what an engine does: read
// again after it was written, it is the same.
#include <cstdint>

#include "build/wire/control.h"
#include "build/wire/file_packets.h"
#include "build/wire/progress.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view message(reinterpret_cast<const char*>(data), size);
    if (auto packet = hull::build::wire::parse_file_packet(message); packet.ok()) {
        std::string text = print(*packet);
        auto again = hull::build::wire::parse_file_packet(text);
        if (!again.ok() || print(*again) != text) __builtin_trap();
    }
    (void)hull::build::wire::parse_solve_request(message);
    (void)hull::build::wire::parse_frontend_request(message);
    (void)hull::build::wire::parse_return_request(message);
    (void)hull::build::wire::parse_prune_request(message);
    if (auto progress = hull::build::wire::parse_progress(message); progress.ok()) {
        std::string text = print(*progress);
        auto again = hull::build::wire::parse_progress(text);
        if (!again.ok() || print(*again) != text) __builtin_trap();
    }
    return 0;
}
