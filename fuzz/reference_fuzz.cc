// links: hull_model
// Input: an image reference; the same bytes are tried as a digest.
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
    auto reference = model::Reference::parse(text);
    if (reference.ok()) {
        check(!reference->tag.empty() || reference->digest);
        for (char c : reference->full()) check(c > ' ' && c < 0x7f);
        check(model::Reference::parse(reference->full())->full() == reference->full());
        check(model::Reference::parse(reference->familiar())->full() == reference->full());
    }
    auto digest = model::Digest::parse(text);
    if (digest.ok()) {
        check(digest->hex().size() == 64 && digest->hex().find_first_not_of("0123456789abcdef") == std::string::npos);
        check(digest->str() == text);
    }
    return 0;
}
