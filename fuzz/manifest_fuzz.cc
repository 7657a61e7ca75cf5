// links: hull_model
// Input: a manifest, an index or an image config. None is two of the first two,
// and what is printed reads as what was printed.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/image.h"

using namespace hull;

namespace {

void check(bool holds) {
    if (!holds) __builtin_trap();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(bytes), size);
    auto manifest = model::parse_manifest(text);
    auto index = model::parse_index(text);
    check(!manifest.ok() || !index.ok());
    if (manifest.ok()) {
        std::string printed = model::print_manifest(*manifest);
        check(model::print_manifest(*model::parse_manifest(printed)) == printed);
    }
    if (index.ok()) {
        std::string printed = model::print_index(*index);
        check(model::print_index(*model::parse_index(printed)) == printed);
    }
    auto config = model::parse_image_config(text);
    if (config.ok()) {
        std::string printed = model::print_image_config(*config);
        auto again = model::parse_image_config(printed);
        check(again.ok() && model::print_image_config(*again) == printed);
    }
    return 0;
}
