// The wire shapes of images.
#pragma once

#include <boost/json/fwd.hpp>

#include "api/version.h"
#include "engine/image_service.h"

namespace hull::api {

struct ImageCounts {
    int64_t containers = -1;  // that use the image; -1: not counted
    int64_t shared_size = -1; // -1: not asked for
};

boost::json::value image_summary_json(const image::Summary& summary, ImageCounts counts, Version version);
// layers: their folders, topmost first.
boost::json::value image_inspect_json(const image::Summary& summary, const std::vector<std::string>& layers,
                                      Version version);
// Docker's list of [{"Untagged": ...}, {"Deleted": ...}].
boost::json::value removed_json(const std::vector<image::Removed>& removed);

// Whether the descriptor tells its platform: in an index it does.
enum class WithPlatform : bool { no, yes };
boost::json::value descriptor_json(const model::Descriptor& descriptor, WithPlatform with);
// ImageManifestSummary. containers: ids of those that use its image.
boost::json::value manifest_json(const image::PlatformManifest& manifest, const std::vector<std::string>& containers);

} // namespace hull::api
