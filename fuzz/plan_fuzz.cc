// links: hull_runtime
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/plan.h"

using namespace hull;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (auto plan = runtime::decode_plan(bytes); plan.ok()) {
        std::string once = runtime::encode(*plan);
        auto again = runtime::decode_plan(once);
        if (!again.ok() || runtime::encode(*again) != once) __builtin_trap();
    }
    if (auto plan = runtime::decode_exec_plan(bytes); plan.ok()) {
        std::string once = runtime::encode(*plan);
        auto again = runtime::decode_exec_plan(once);
        if (!again.ok() || runtime::encode(*again) != once) __builtin_trap();
    }
    return 0;
}
