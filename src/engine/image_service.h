// Images as clients see them: what changes them goes through here, so that each
// change is an event. Reading goes to images() directly. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/events.h"
#include "engine/views.h"
#include "image/images.h"
#include "image/registries.h"

namespace hull::engine {

class ImageService {
public:
    // Both outlive it.
    ImageService(image::Images& images, EventBus& events) : images_(images), events_(events) {}

    // For reading.
    const image::Images& images() const { return images_; }

    // As in image::Images, each with its events.
    // images().name_several(), with a tag event for each.
    Result<void> name_several(const std::vector<image::Digest>& ids, const model::Reference& reference);
    Result<image::Digest> tag(std::string_view name, std::string_view repository, std::string_view tag);
    Result<std::vector<image::Removed>> remove(std::string_view name, const image::RemoveOptions& options);
    Result<image::Pruned> prune(const image::PruneOptions& options);
    // As in image::Images, without events: nobody was told of what is removed.
    Result<std::vector<image::Digest>> forget_build_cache(const std::vector<image::Digest>& ids) {
        return images_.forget_build_cache(ids);
    }
    Result<uint64_t> remove_unused_layers(const std::vector<image::Digest>& chain_ids) {
        return images_.remove_unused_layers(chain_ids);
    }
    Result<image::Digest> import_tar(ByteSource& tar, const image::ImportRequest& request);
    // An image that a container or a build made: images().create() with its event.
    Result<image::Digest> commit(model::ImageConfig config, const std::optional<image::Digest>& base, ByteSource* layer,
                                 const std::optional<model::Reference>& reference,
                                 image::Making making = image::Making::child);
    // images().create_adopting(), without events.
    Result<image::Digest> commit_adopting(model::ImageConfig config, const std::optional<image::Digest>& base,
                                          const std::string& folder, const store::LayerStore::TarWriter& write,
                                          image::Making making) {
        return images_.create_adopting(std::move(config), base, folder, write, making);
    }
    // images().create_on_layers(), without events.
    Result<image::Digest> commit_on_layers(model::ImageConfig config, const image::Digest& image, size_t layers,
                                           const std::optional<image::Digest>& parent, image::Making making) {
        return images_.create_on_layers(std::move(config), image, layers, parent, making);
    }
    // images().create_with_times_at_most(), without events.
    Result<image::Digest> commit_with_times_at_most(model::ImageConfig config, const image::Digest& image,
                                                    size_t first_layer, int64_t seconds, image::Making making) {
        return images_.create_with_times_at_most(std::move(config), image, first_layer, seconds, making);
    }
    Result<std::vector<image::Loaded>> load(ByteSource& archive, const image::LoadCallback& progress,
                                            const std::vector<model::Platform>& platforms = {});
    Result<std::unique_ptr<image::Export>> save(const std::vector<std::string>& names,
                                                const std::vector<model::Platform>& platforms = {});

    // Registries, for who has them: set once, before the first request; outlives this.
    void use(image::Registries& registries) { registries_ = &registries; }
    Result<image::Registries*> registries() const; // unsupported: none
    RegistryView registry_view() const;
    Result<void> pull(const image::PullRequest& request, const image::TransferListener& tell,
                      const std::stop_token& stop);
    Result<void> push(const image::PushRequest& request, const image::TransferListener& tell,
                      const std::stop_token& stop);

private:
    void publish(const image::Digest& id, std::string action, std::string name);
    void publish_transfer(const std::string& name, std::string action);
    void publish_removed(const std::vector<image::Removed>& removed);

    image::Images& images_;
    EventBus& events_;
    image::Registries* registries_ = nullptr;
};

} // namespace hull::engine
