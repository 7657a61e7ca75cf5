// What a name stands for: images of one platform or several, and the index that
// lists them. In the records (table refs): docs/formats/store.md.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/image.h"

namespace hull::image {

struct Target {
    // Image ids; never empty. The first is meant where no platform is asked for:
    // one that runs here, if there is one.
    std::vector<model::Digest> images;
    std::optional<model::Digest> index; // its text is a blob

    const model::Digest& first() const { return images.front(); }
    bool contains(const model::Digest& id) const { return std::find(images.begin(), images.end(), id) != images.end(); }
    bool operator==(const Target&) const = default;
};

// A lone image without an index is its id, as in records from before.
std::string print_target(const Target& target);
Result<Target> parse_target(std::string_view text);

} // namespace hull::image
