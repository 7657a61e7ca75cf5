// What an image has at a path, copied: the first content of a volume that is
// mounted there, as Docker fills new volumes.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace hull::store {

// lower: folders of layers, topmost first, as overlayfs takes them (whiteouts,
// opaque folders). path: absolute, inside the image. target: an empty folder;
// it gets owner, mode and times of the image's, too. Nothing happens when the
// image has no folder there (links in the path are followed inside a layer).
Result<void> seed_volume(const std::vector<std::string>& lower, const std::string& path, const std::string& target);

} // namespace hull::store
