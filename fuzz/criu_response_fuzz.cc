// links: hull_oci_runtime
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "apps/hull-runtime/criu_messages.h"

using namespace hull;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    auto response = oci_runtime::decode_criu_response(bytes);
    if (!response.ok() && response.error().kind() != ErrorKind::corrupt) __builtin_trap();
    return 0;
}
