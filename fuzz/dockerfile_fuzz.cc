// links: hull_build
// Input: a Dockerfile. What parses is printed and parsed again; its words are
// replaced and split as the instructions would have them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "build/dockerfile.h"
#include "build/stages.h"
#include "image/words.h"

using namespace hull;

namespace {

void check(bool holds) {
    if (!holds) __builtin_trap();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(bytes), size);
    auto file = build::parse_dockerfile(text);
    if (!file.ok()) return 0;
    std::string printed = build::print(*file);
    auto again = build::parse_dockerfile(printed);
    check(again.ok() && again->instructions.size() == file->instructions.size());
    check(build::print(*again) == printed);
    const model::StringList env{"A=1", "B=two words", "EMPTY="};
    for (const auto& instruction : file->instructions) {
        auto words = image::split_words(instruction.rest, env, file->directives.escape);
        if (words.ok()) check(words->size() <= instruction.rest.size() * 9 + 1);
    }
    (void)build::plan_stages(*file, "", {{"A", "x"}}, {"TARGETPLATFORM=linux/amd64"});
    return 0;
}
