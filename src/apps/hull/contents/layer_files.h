// The biggest files of each layer of an image, from its archive (GET /images/{name}/get).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "apps/hull/client/engine.h"
#include "codec/stream.h"

namespace hull::cli {

struct LayerFile {
    std::string path; // without a slash in front
    uint64_t size = 0;
};
struct LayerFiles {
    std::vector<LayerFile> biggest; // first the biggest
    uint64_t bytes = 0;             // of all its files
};
// By diff id. Layers that are packed in the archive (they came from a registry so) are not in it.
Result<std::map<std::string, LayerFiles>> layer_files(Engine& engine, const std::string& image, size_t most);
// The same of an archive.
Result<std::map<std::string, LayerFiles>> read_layer_files(ByteSource& archive, size_t most);

} // namespace hull::cli
