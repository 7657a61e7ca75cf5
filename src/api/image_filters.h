// Filters of images, from text to what image/ takes.
#pragma once

#include "engine/filters.h"
#include "engine/image_service.h"

namespace hull::api {

// dangling label label! before since reference until.
Result<image::ListOptions> image_list_options(const engine::Filters& filters, bool all);
// dangling (true unless said) label label! until.
Result<image::PruneOptions> image_prune_options(const engine::Filters& filters);

// until: a moment or a time ago. One value at most: two make no sense.
Result<std::optional<WallTime>> until_filter(const engine::Filters& filters);

} // namespace hull::api
