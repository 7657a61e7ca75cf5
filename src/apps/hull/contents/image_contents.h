// What files an image has, as the engine exports them; and what is different between two.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "apps/hull/client/engine.h"
#include "codec/stream.h"
#include "codec/tar.h"

namespace hull::cli {

struct FileFacts {
    tar::Type type = tar::Type::file;
    uint32_t mode = 0, uid = 0, gid = 0;
    uint64_t size = 0;
    int64_t mtime_ns = 0;
    std::string target; // of links
    std::string digest; // SHA-256 of a file's contents, in hex
};
using Contents = std::map<std::string, FileFacts>; // by path, without a slash in front

// Of an archive, to its end. What a container's start makes (dev/, etc/hosts ...) is in it, too.
Result<Contents> read_contents(ByteSource& tar);
// By a container that is never started.
Result<Contents> image_contents(Engine& engine, const std::string& image);

enum class Times : unsigned char { ignored, compared };
// "A path", "D path", "C path (mode 644 -> 755, contents)", by path.
std::vector<std::string> differences(const Contents& before, const Contents& after, Times times);

} // namespace hull::cli
