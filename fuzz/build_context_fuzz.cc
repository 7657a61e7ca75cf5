// links: hull_build
// Input: a tar as a build context; the first line of it, before a zero byte, is
// taken for a .dockerignore and a pattern of COPY as well.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "build/context.h"
#include "build/copy.h"

using namespace hull;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(bytes), size);
    size_t cut = text.find('\0');
    std::string first(text.substr(0, cut));
    auto ignore = build::IgnoreList::parse(first);
    TextSource source(text);
    auto read = build::Context::from_tar(source, "/tmp", {.entries = 1000, .bytes = 1 << 20});
    if (!read.ok()) return 0;
    std::shared_ptr<build::Context> context = std::move(*read);
    if (ignore.ok()) context->leave_out(*ignore);
    build::CopyOptions options;
    options.destination = "/to/";
    for (const std::string& path : {std::string("."), first}) {
        auto items = build::plan_copy({{context, path, std::nullopt}}, *context, options, "/tmp");
        if (!items.ok()) continue;
        for (const auto& item : *items)
            if (item.entry.path.starts_with('/') || item.entry.path.find("../") == 0) __builtin_trap();
        (void)build::digest_of(*items);
    }
    return 0;
}
