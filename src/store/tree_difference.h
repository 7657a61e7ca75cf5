// Several layers as one.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "codec/stream.h"

namespace hull::store {

// What the layers of `changed` together do to those of `below`, as one layer's
// tar. Both: folders as overlayfs takes them, topmost first.
// Errors: too_large (folders nested too deeply).
Result<void> write_difference(const std::vector<std::string>& changed, const std::vector<std::string>& below,
                              ByteSink& sink);

} // namespace hull::store
