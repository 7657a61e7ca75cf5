#include "apps/hull/building/oci_layout.h"

#include <algorithm>

#include "apps/hull/stream/local_tar.h"
#include "sys/file.h"

namespace hull::cli {

namespace {

constexpr size_t max_document_bytes = size_t{4} << 20;
constexpr std::string_view ref_name = "org.opencontainers.image.ref.name";

std::string blob_path(const std::string& folder, const model::Digest& digest) {
    return folder + "/blobs/sha256/" + digest.hex();
}

bool is_index(const model::Descriptor& descriptor) {
    return descriptor.media_type == model::media_type::oci_index ||
           descriptor.media_type == model::media_type::docker_index;
}

std::string name_of(const model::Descriptor& descriptor) {
    auto found = descriptor.annotations.find(std::string(ref_name));
    if (found == descriptor.annotations.end()) return "";
    // "latest", or with the image's name before it.
    const size_t colon = found->second.rfind(':');
    return colon == std::string::npos ? found->second : found->second.substr(colon + 1);
}

Result<model::Descriptor> choose(const std::vector<model::Descriptor>& all, const LayoutPlace& place) {
    const std::string tag = place.tag.empty() ? "latest" : place.tag;
    for (const model::Descriptor& one : all)
        if (place.digest.empty() ? name_of(one) == tag : one.digest == place.digest) return one;
    if (place.digest.empty() && place.tag.empty() && all.size() == 1) return all.front();
    std::string names;
    for (const model::Descriptor& one : all)
        names += (names.empty() ? "" : ", ") + (name_of(one).empty() ? one.digest.str() : name_of(one));
    return Error(ErrorKind::not_found, "there is no image " + (place.digest.empty() ? tag : place.digest.str()) +
                                           " in " + place.folder + "; it has " + (names.empty() ? "none" : names));
}

Result<model::Descriptor> of_platform(const model::Index& index, const std::string& platform) {
    for (const model::Descriptor& one : index.manifests) {
        if (!one.platform) continue;
        const std::string its = one.platform->os + "/" + one.platform->architecture;
        if (platform == its || platform == its + "/" + one.platform->variant) return one;
    }
    if (index.manifests.size() == 1) return index.manifests.front();
    return Error(ErrorKind::not_found, "the image has nothing for " + platform);
}

} // namespace

Result<LayoutPlace> parse_layout_place(const std::string& text) {
    LayoutPlace place{.folder = text, .tag = {}, .digest = {}};
    if (const size_t at = text.rfind('@'); at != text.npos && text.find('/', at) == text.npos) {
        place.digest = TRY(model::Digest::parse(text.substr(at + 1)).context("oci-layout://" + text));
        place.folder = text.substr(0, at);
    }
    if (const size_t colon = place.folder.rfind(':');
        colon != text.npos && place.folder.find('/', colon) == text.npos) {
        place.tag = place.folder.substr(colon + 1);
        place.folder.resize(colon);
    }
    if (!sys::exists(place.folder + "/index.json"))
        return Error(ErrorKind::invalid_argument,
                     "oci-layout://" + text + ": there is no index.json in " + place.folder);
    return place;
}

Result<LayoutImage> find_in_layout(const LayoutPlace& place, const std::string& platform) {
    auto read = [&](const std::string& path) -> Result<std::string> {
        return sys::read_file(path, max_document_bytes);
    };
    const std::string list = place.folder + "/index.json";
    auto index = TRY(model::parse_index(TRY(read(list))).context(list));
    model::Descriptor chosen = TRY(choose(index.manifests, place));
    if (is_index(chosen)) {
        const std::string path = blob_path(place.folder, chosen.digest);
        auto inner = TRY(model::parse_index(TRY(read(path))).context(path));
        chosen = TRY(of_platform(inner, platform).context("oci-layout://" + place.folder));
    }
    const std::string path = blob_path(place.folder, chosen.digest);
    auto manifest = TRY(model::parse_manifest(TRY(read(path))).context(path));
    LayoutImage image{chosen, manifest.config.digest, {chosen.digest, manifest.config.digest}};
    for (const model::Descriptor& layer : manifest.layers)
        if (std::ranges::find(image.blobs, layer.digest) == image.blobs.end()) image.blobs.push_back(layer.digest);
    image.manifest.annotations.clear(); // it gets no name
    return image;
}

Result<LocalCache> load_layout(Engine& engine, const LayoutPlace& place, const std::string& platform) {
    const LayoutImage image = TRY(find_in_layout(place, platform));
    model::Index alone{.schema_version = 2,
                       .media_type = std::string(model::media_type::oci_index),
                       .manifests = {image.manifest},
                       .annotations = {}};
    std::vector<LocalTar::Item> items = {
        {.path = {}, .name = "oci-layout", .text = R"({"imageLayoutVersion":"1.0.0"})"},
        {.path = {}, .name = "index.json", .text = model::print_index(alone)}};
    for (const model::Digest& blob : image.blobs)
        items.push_back({.path = blob_path(place.folder, blob), .name = "blobs/sha256/" + blob.hex(), .text = {}});
    LocalTar tar(std::move(items));
    return LocalCache::load(engine, {image.config.str()}, tar);
}

} // namespace hull::cli
