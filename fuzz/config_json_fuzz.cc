// links: hull_model hull_codec
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/oci_spec.h"

using namespace hull;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    auto spec = model::oci::parse_spec(text);
    if (spec.ok()) {
        std::string printed = model::oci::print_spec(*spec);
        auto again = model::oci::parse_spec(printed);
        if (!again.ok() || model::oci::print_spec(*again) != printed) __builtin_trap();
    }
    (void)model::oci::parse_process(text);
    (void)model::oci::parse_seccomp(text);
    (void)model::oci::parse_resources(text);
    return 0;
}
