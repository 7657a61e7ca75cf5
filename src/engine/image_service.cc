#include "engine/image_service.h"

#include <utility>

namespace hull::engine {

void ImageService::publish(const image::Digest& id, std::string action, std::string name) {
    Event event{.type = "image", .action = std::move(action), .actor = id.str(), .attributes = {}, .time = {}};
    // The image may be gone (delete): then only its name is known.
    if (auto image = images_.resolve(id.str()); image.ok()) event.attributes = (*image)->config.config.labels;
    event.attributes["name"] = std::move(name);
    events_.publish(std::move(event));
}

void ImageService::publish_removed(const std::vector<image::Removed>& removed) {
    for (const image::Removed& one : removed) {
        if (!one.untagged.empty())
            publish(one.image, "untag", one.image.str());
        else if (one.deleted == one.image.str())
            publish(one.image, "delete", one.image.str());
    }
}

Result<void> ImageService::name_several(const std::vector<image::Digest>& ids, const model::Reference& reference) {
    TRY(images_.name_several(ids, reference));
    for (const image::Digest& id : ids) publish(id, "tag", reference.familiar());
    return {};
}

Result<image::Digest> ImageService::tag(std::string_view name, std::string_view repository, std::string_view tag) {
    image::Digest id = TRY(images_.tag(name, repository, tag));
    std::string text(repository);
    if (!tag.empty()) text.append(":").append(tag);
    auto reference = model::Reference::parse(text);
    publish(id, "tag", reference.ok() ? reference->familiar() : text);
    return id;
}

Result<std::vector<image::Removed>> ImageService::remove(std::string_view name, const image::RemoveOptions& options) {
    auto removed = TRY(images_.remove(name, options));
    publish_removed(removed);
    return removed;
}

Result<image::Pruned> ImageService::prune(const image::PruneOptions& options) {
    image::Pruned pruned = TRY(images_.prune(options));
    publish_removed(pruned.removed);
    events_.publish({.type = "image",
                     .action = "prune",
                     .actor = "",
                     .attributes = {{"reclaimed", std::to_string(pruned.space_reclaimed)}},
                     .time = {}});
    return pruned;
}

Result<image::Digest> ImageService::import_tar(ByteSource& tar, const image::ImportRequest& request) {
    image::Digest id = TRY(images_.import_tar(tar, request));
    if (!request.repository.empty()) {
        std::string text = request.tag.empty() ? request.repository : request.repository + ":" + request.tag;
        auto reference = model::Reference::parse(text);
        publish(id, "tag", reference.ok() ? reference->familiar() : text);
    }
    publish(id, "import", id.str());
    return id;
}

Result<image::Digest> ImageService::commit(model::ImageConfig config, const std::optional<image::Digest>& base,
                                           ByteSource* layer, const std::optional<model::Reference>& reference,
                                           image::Making making) {
    image::Digest id = TRY(images_.create(std::move(config), base, layer, reference, making));
    if (reference) publish(id, "tag", reference->familiar());
    return id;
}

Result<std::vector<image::Loaded>> ImageService::load(ByteSource& archive, const image::LoadCallback& progress,
                                                      const std::vector<model::Platform>& platforms) {
    auto loaded = TRY(images_.load(archive, progress, platforms));
    for (const image::Loaded& one : loaded) publish(one.id, "load", one.id.str());
    return loaded;
}

Result<std::unique_ptr<image::Export>> ImageService::save(const std::vector<std::string>& names,
                                                          const std::vector<model::Platform>& platforms) {
    auto written = TRY(images_.save(names, platforms));
    for (const std::string& name : names)
        if (auto image = images_.resolve(name); image.ok()) publish((*image)->id, "save", (*image)->id.str());
    return written;
}

Result<image::Registries*> ImageService::registries() const {
    if (!registries_) return unsupported("this engine was started without registries");
    return registries_;
}

// The actor of these two is the name, not the id: so Docker's clients know them.
Result<void> ImageService::pull(const image::PullRequest& request, const image::TransferListener& tell,
                                const std::stop_token& stop) {
    image::Registries* from = TRY(registries());
    auto pulled = TRY(from->pull(request, tell, stop));
    for (const std::string& name : pulled) publish_transfer(name, "pull");
    return {};
}

Result<void> ImageService::push(const image::PushRequest& request, const image::TransferListener& tell,
                                const std::stop_token& stop) {
    image::Registries* to = TRY(registries());
    TRY(to->push(request, tell, stop));
    if (request.image) return {}; // of a build's cache: no image of anybody's
    publish_transfer(request.tag.empty() ? request.name : request.name + ":" + request.tag, "push");
    return {};
}

void ImageService::publish_transfer(const std::string& name, std::string action) {
    Event event{.type = "image", .action = std::move(action), .actor = name, .attributes = {}, .time = {}};
    if (auto image = images_.resolve(name); image.ok()) event.attributes = (*image)->config.config.labels;
    auto reference = model::Reference::parse(name);
    event.attributes["name"] = reference.ok() ? reference->familiar_name() : name;
    events_.publish(std::move(event));
}

RegistryView ImageService::registry_view() const {
    RegistryView view{.insecure_blocks = {"::1/128", "127.0.0.0/8"},
                      .indexes = {},
                      .http_proxy = {},
                      .https_proxy = {},
                      .no_proxy = {}};
    if (!registries_) return view;
    const registry::Config config = registries_->config();
    std::map<std::string, RegistryView::Index> indexes;
    auto index = [&](const std::string& name) -> RegistryView::Index& {
        RegistryView::Index& one = indexes[name];
        one.name = name;
        return one;
    };
    index("docker.io").official = true;
    for (const std::string& name : config.insecure_registries) {
        if (name.find('/') == name.npos)
            index(name).secure = false;
        else
            view.insecure_blocks.push_back(name);
    }
    for (const registry::Mirror& mirror : config.mirrors) index(mirror.registry).mirrors.push_back(mirror.url + "/");
    for (auto& [name, one] : indexes) view.indexes.push_back(std::move(one));
    auto masked = [](const std::string& url) {
        const size_t scheme = url.find("://"), at = url.rfind('@');
        if (scheme == url.npos || at == url.npos || at < scheme) return url;
        return url.substr(0, scheme + 3) + "xxxxx:xxxxx" + url.substr(at);
    };
    view.http_proxy = masked(config.http_proxy);
    view.https_proxy = masked(config.https_proxy);
    view.no_proxy = config.no_proxy;
    return view;
}

} // namespace hull::engine
