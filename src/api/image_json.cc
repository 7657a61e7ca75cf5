#include "api/image_json.h"

#include "codec/json.h"

namespace hull::api {

namespace {

using json::Array;
using json::Object;
using json::Value;

// What a container has beyond an image.
constexpr std::string_view container_members[] = {
    "Hostname",  "Domainname", "AttachStdin", "AttachStdout",    "AttachStderr", "Tty",
    "OpenStdin", "StdinOnce",  "Image",       "NetworkDisabled", "MacAddress",   "StopTimeout",
};
constexpr std::string_view omitted_when_empty[] = {
    "Cmd", "Entrypoint", "Env", "Labels", "OnBuild", "User", "Volumes", "WorkingDir",
};

bool is_empty(const Value& value) {
    return value.is_null() || (value.is_string() && value.get_string().empty()) ||
           (value.is_array() && value.get_array().empty()) || (value.is_object() && value.get_object().empty());
}

Object config_json(const model::ContainerConfig& config, Version version) {
    Value value = model::to_json(config);
    Object& object = value.as_object();
    if (config.labels.empty()) object["Labels"] = nullptr;
    if (at_least(version, 50))
        for (std::string_view name : container_members) object.erase(name);
    if (at_least(version, 52))
        for (std::string_view name : omitted_when_empty)
            if (const Value* member = object.if_contains(name); member && is_empty(*member)) object.erase(name);
    return std::move(object);
}

void add_text(Object& object, const char* name, const std::string& text, Version version) {
    if (!text.empty() || !at_least(version, 52)) object[name] = text;
}

Array diff_ids_json(const model::ImageConfig& config) {
    Array array;
    for (const auto& digest : config.diff_ids) array.push_back(Value(digest.str()));
    return array;
}

} // namespace

Value image_summary_json(const image::Summary& summary, ImageCounts counts, Version version) {
    const image::Image& image = *summary.image;
    const auto size = static_cast<int64_t>(image.size);
    bool dangling_names = !at_least(version, 43); // older clients want a name where there is none
    Value tags = json::encode(summary.repo_tags), digests = json::encode(summary.repo_digests);
    if (summary.repo_tags.empty() && dangling_names) tags = Array{"<none>:<none>"};
    if (summary.repo_digests.empty() && summary.repo_tags.empty() && dangling_names) digests = Array{"<none>@<none>"};
    Object object{
        {"Containers", counts.containers},
        {"Created", image.config.created.ns / 1'000'000'000},
        {"Id", image.id.str()},
        {"Labels", image.config.config.labels.empty() ? Value(nullptr) : json::encode(image.config.config.labels)},
        {"ParentId", image.parent ? image.parent->str() : ""},
        {"RepoDigests", std::move(digests)},
        {"RepoTags", std::move(tags)},
        {"SharedSize", counts.shared_size},
        {"Size", size},
    };
    if (!at_least(version, 44)) object["VirtualSize"] = size;
    return object;
}

namespace {

// As Docker's overlay2, whose folders of an image are named as if one could write there.
Object image_driver_json(const std::vector<std::string>& layers) {
    if (layers.empty()) return {{"Data", nullptr}, {"Name", "overlay2"}};
    const std::string folder = layers.front().substr(0, layers.front().rfind('/'));
    Object data;
    if (layers.size() > 1) {
        std::string lower;
        for (size_t i = 1; i < layers.size(); ++i) lower += (i == 1 ? "" : ":") + layers[i];
        data["LowerDir"] = std::move(lower);
    }
    data["MergedDir"] = folder + "/merged";
    data["UpperDir"] = layers.front();
    data["WorkDir"] = folder + "/work";
    return {{"Data", std::move(data)}, {"Name", "overlay2"}};
}

} // namespace

Value image_inspect_json(const image::Summary& summary, const std::vector<std::string>& layers, Version version) {
    const image::Image& image = *summary.image;
    const auto size = static_cast<int64_t>(image.size);
    Object object{
        {"Id", image.id.str()},
        {"RepoTags", json::encode(summary.repo_tags)},
        {"RepoDigests", json::encode(summary.repo_digests)},
    };
    add_text(object, "Parent", image.parent ? image.parent->str() : "", version);
    const auto& history = image.config.history; // as Docker: the last step's, when the image has none
    bool of_step = image.config.comment.empty() && !history.empty();
    add_text(object, "Comment", of_step ? history.back().comment : image.config.comment, version);
    if (image.config.created.ns != 0 || !at_least(version, 44)) object["Created"] = to_rfc3339(image.config.created);
    if (!at_least(version, 45)) {
        object["Container"] = "";
        object["ContainerConfig"] = config_json({}, version);
    }
    add_text(object, "DockerVersion", image.config.docker_version, version);
    add_text(object, "Author", image.config.author, version);
    object["Config"] = config_json(image.config.config, version);
    object["Architecture"] = image.config.architecture;
    if (!image.config.variant.empty()) object["Variant"] = image.config.variant;
    object["Os"] = image.config.os;
    if (!image.config.os_version.empty()) object["OsVersion"] = image.config.os_version;
    object["Size"] = size;
    if (!at_least(version, 44)) object["VirtualSize"] = size;
    object["GraphDriver"] = image_driver_json(layers);
    object["RootFS"] = Object{{"Type", "layers"}, {"Layers", diff_ids_json(image.config)}};
    object["Metadata"] = Object{{"LastTagTime", to_rfc3339(summary.last_tagged)}};
    return object;
}

namespace {

Object platform_json(const model::Platform& platform) {
    Object object{{"architecture", platform.architecture}, {"os", platform.os}};
    if (!platform.os_version.empty()) object["os.version"] = platform.os_version;
    if (!platform.variant.empty()) object["variant"] = platform.variant;
    return object;
}

} // namespace

Value descriptor_json(const model::Descriptor& descriptor, WithPlatform with) {
    Object object{{"mediaType", descriptor.media_type}, {"digest", descriptor.digest.str()}, {"size", descriptor.size}};
    if (with == WithPlatform::yes && descriptor.platform) object["platform"] = platform_json(*descriptor.platform);
    return object;
}

Value manifest_json(const image::PlatformManifest& manifest, const std::vector<std::string>& containers) {
    const auto unpacked = static_cast<int64_t>(manifest.image ? manifest.image->size : 0);
    const auto content = static_cast<int64_t>(manifest.content);
    Object object{
        {"ID", manifest.descriptor.digest.str()},
        {"Descriptor", descriptor_json(manifest.descriptor, WithPlatform::yes)},
        {"Available", manifest.image != nullptr},
        {"Kind", manifest.attests ? "attestation" : "image"},
        {"Size", Object{{"Content", content}, {"Total", content + unpacked}}},
    };
    if (manifest.attests) {
        object["AttestationData"] = Object{{"For", manifest.attests->str()}};
        return object;
    }
    object["ImageData"] = Object{{"Platform", platform_json(manifest.descriptor.platform.value_or(model::Platform()))},
                                 {"Containers", json::encode(containers)},
                                 {"Size", Object{{"Unpacked", unpacked}}}};
    return object;
}

Value removed_json(const std::vector<image::Removed>& removed) {
    Array array;
    for (const image::Removed& one : removed) {
        if (!one.untagged.empty())
            array.push_back(Object{{"Untagged", one.untagged}});
        else
            array.push_back(Object{{"Deleted", one.deleted}});
    }
    return array;
}

} // namespace hull::api
