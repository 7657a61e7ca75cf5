// Images as clients see them: image::Images, with an event for every change.
// Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/events.h"
#include "engine/views.h"
#include "image/images.h"

namespace hull::engine {

class ImageService {
public:
    // Both outlive it.
    ImageService(image::Images& images, EventBus& events) : images_(images), events_(events) {}

    // Reading needs no event.
    const image::Images& read() const { return images_; }

    // filters: dangling label label! before since reference until.
    Result<std::vector<image::Summary>> list(bool all, const Filters& filters) const;
    Result<image::Digest> import_tar(ByteSource& tar, const image::ImportRequest& request);
    Result<std::vector<image::Loaded>> load(ByteSource& archive, const image::LoadCallback& progress);
    Result<std::unique_ptr<image::Export>> save(const std::vector<std::string>& names);
    Result<void> tag(const std::string& name, const std::string& repository, const std::string& tag);
    Result<std::vector<image::Removed>> remove(const std::string& name, const image::RemoveOptions& options);
    // filters: dangling (true by default) label label! until.
    Result<image::Pruned> prune(const Filters& filters);

private:
    void publish(const char* action, const std::string& id, const std::string& name);
    void publish_removed(const std::vector<image::Removed>& removed);

    image::Images& images_;
    EventBus& events_;
};

} // namespace hull::engine
