// links: hull_yaml hull_codec
// YAML to JSON values, and those, printed, once more.
#include <cstddef>
#include <cstdint>

#include "codec/json.h"
#include "codec/yaml/yaml.h"

using namespace hull;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto value = parse_yaml({reinterpret_cast<const char*>(data), size}, {.max_depth = 16, .max_bytes = 64 << 10});
    if (!value.ok()) return 0;
    (void)parse_yaml(json::print(*value), {.max_depth = 16, .max_bytes = 1 << 20});
    return 0;
}
