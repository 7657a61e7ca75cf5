#include <algorithm>

#include "codec/json.h"
#include "codec/json_strict.h"
#include "model/image.h"

namespace hull::model {
namespace {

// "": no time, as some tools leave it.
Result<WallTime> time_from(std::string_view text) {
    if (text.empty()) return WallTime{};
    auto time = from_rfc3339(text);
    if (!time) return Error(ErrorKind::invalid_argument, "invalid JSON: a time is not RFC 3339");
    return *time;
}

} // namespace
} // namespace hull::model

namespace hull::json {

template <>
struct Codec<hull::model::Digest> {
    static Value encode(const hull::model::Digest& digest) { return Value(digest.str()); }
    static Result<hull::model::Digest> decode(const Value& value) {
        if (!value.is_string()) return detail::mismatch(value, "string");
        return hull::model::Digest::parse(value.get_string());
    }
};

using hull::model::Descriptor;
using hull::model::HistoryEntry;
using hull::model::Manifest;
using hull::model::Platform;

template <>
struct Fields<Platform> {
    static constexpr auto list = std::tuple{field("architecture", &Platform::architecture), field("os", &Platform::os),
                                            field("os.version", &Platform::os_version, Emit::omit_empty),
                                            field("os.features", &Platform::os_features, Emit::omit_empty),
                                            field("variant", &Platform::variant, Emit::omit_empty)};
};

template <>
struct Fields<Descriptor> {
    static constexpr auto list = std::tuple{field("mediaType", &Descriptor::media_type),
                                            field("digest", &Descriptor::digest),
                                            field("size", &Descriptor::size),
                                            field("urls", &Descriptor::urls, Emit::omit_empty),
                                            field("annotations", &Descriptor::annotations, Emit::omit_empty),
                                            field("platform", &Descriptor::platform, Emit::omit_empty),
                                            field("artifactType", &Descriptor::artifact_type, Emit::omit_empty)};
};

template <>
struct Fields<Manifest> {
    static constexpr auto list =
        std::tuple{field("schemaVersion", &Manifest::schema_version),
                   field("mediaType", &Manifest::media_type, Emit::omit_empty), field("config", &Manifest::config),
                   field("layers", &Manifest::layers), field("annotations", &Manifest::annotations, Emit::omit_empty)};
};

template <>
struct Fields<hull::model::Index> {
    using Index = hull::model::Index;
    static constexpr auto list = std::tuple{
        field("schemaVersion", &Index::schema_version), field("mediaType", &Index::media_type, Emit::omit_empty),
        field("manifests", &Index::manifests), field("annotations", &Index::annotations, Emit::omit_empty)};
};

// By hand: a Codec of WallTime would clash with those of files that keep times
// in another form.
template <>
struct Codec<HistoryEntry> {
    static Value encode(const HistoryEntry& entry) {
        Object out{{"created", to_rfc3339(entry.created)}};
        if (!entry.created_by.empty()) out["created_by"] = entry.created_by;
        if (!entry.author.empty()) out["author"] = entry.author;
        if (!entry.comment.empty()) out["comment"] = entry.comment;
        if (entry.empty_layer) out["empty_layer"] = true;
        return out;
    }
    static Result<HistoryEntry> decode(const Value& value) {
        if (!value.is_object()) return detail::mismatch(value, "object");
        HistoryEntry entry;
        auto read = [&](std::string_view name, auto& into) -> Result<void> {
            const Value* member = value.get_object().if_contains(name);
            if (!member || member->is_null()) return {};
            return detail::decode_into(*member, into).context(name);
        };
        std::string created;
        TRY(read("created", created));
        TRY(read("created_by", entry.created_by));
        TRY(read("author", entry.author));
        TRY(read("comment", entry.comment));
        TRY(read("empty_layer", entry.empty_layer));
        entry.created = TRY(hull::model::time_from(created));
        return entry;
    }
};

} // namespace hull::json

namespace hull::model {

namespace {

// hardening.md I3: manifests and configs are a few KiB; 4 MiB is the limit of
// registries too.
constexpr json::Limits limits{.max_depth = 64, .max_bytes = size_t{4} << 20};

Result<json::Value> parse_document(std::string_view text, const char* what) {
    json::Value value = TRY(json::parse_strict(text, limits).context(what));
    if (!value.is_object()) return invalid(std::string(what) + ": not a JSON object");
    return value;
}

Result<void> check_descriptor(const Descriptor& descriptor, const char* what) {
    if (descriptor.digest.empty()) return invalid(std::string(what) + ": a descriptor has no digest");
    if (descriptor.size < 0) return invalid(std::string(what) + ": a descriptor has a negative size");
    return {};
}

bool text_is(const json::Object& object, std::string_view key, std::string_view wanted) {
    const json::Value* value = object.if_contains(key);
    return value && value->is_string() && value->get_string() == wanted;
}

// The members of a container's settings that belong to an image (OCI image
// config and Docker's extensions of it); the rest is one container's business.
json::Value image_part(const ContainerConfig& config) {
    static constexpr std::string_view kept[] = {"ArgsEscaped", "Cmd",    "Entrypoint", "Env",       "ExposedPorts",
                                                "Healthcheck", "Labels", "OnBuild",    "Shell",     "StopSignal",
                                                "StopTimeout", "User",   "Volumes",    "WorkingDir"};
    json::Value all = to_json(config);
    json::Object out;
    for (std::string_view name : kept) {
        const json::Value* value = all.get_object().if_contains(name);
        if (!value || value->is_null()) continue;
        const bool empty = (value->is_string() && value->get_string().empty()) ||
                           (value->is_array() && value->get_array().empty() && name != "Entrypoint") ||
                           (value->is_object() && value->get_object().empty()) ||
                           (value->is_bool() && !value->get_bool());
        if (!empty) out[name] = *value;
    }
    return out;
}

} // namespace

Result<Manifest> parse_manifest(std::string_view text) {
    json::Value value = TRY(parse_document(text, "manifest"));
    const json::Object& object = value.get_object();
    // A document that is a manifest to one reader and an index to another
    // (CVE-2021-41190).
    if (object.contains("manifests") || object.contains("fsLayers"))
        return invalid("manifest: it has the members of an index or of schema 1");
    if (!object.contains("config") || !object.contains("layers"))
        return invalid("manifest: config or layers are missing");
    Manifest manifest = TRY(json::decode<Manifest>(value).context("manifest"));
    if (manifest.schema_version != 2)
        return invalid("manifest: unsupported schema version " + std::to_string(manifest.schema_version));
    if (!manifest.media_type.empty() && manifest.media_type != media_type::docker_manifest &&
        manifest.media_type != media_type::oci_manifest)
        return invalid("manifest: media type " + manifest.media_type.substr(0, 200) + " is not a manifest's");
    TRY(check_descriptor(manifest.config, "manifest"));
    for (const Descriptor& layer : manifest.layers) TRY(check_descriptor(layer, "manifest"));
    return manifest;
}

std::string print_manifest(const Manifest& manifest) { return json::print(json::encode(manifest)); }

Result<Index> parse_index(std::string_view text) {
    json::Value value = TRY(parse_document(text, "index"));
    const json::Object& object = value.get_object();
    if (object.contains("layers") || object.contains("config") || object.contains("fsLayers"))
        return invalid("index: it has the members of a manifest");
    if (!object.contains("manifests")) return invalid("index: manifests are missing");
    Index index = TRY(json::decode<Index>(value).context("index"));
    if (index.schema_version != 2)
        return invalid("index: unsupported schema version " + std::to_string(index.schema_version));
    if (!index.media_type.empty() && index.media_type != media_type::docker_index &&
        index.media_type != media_type::oci_index)
        return invalid("index: media type " + index.media_type.substr(0, 200) + " is not an index's");
    for (const Descriptor& manifest : index.manifests) TRY(check_descriptor(manifest, "index"));
    return index;
}

std::string print_index(const Index& index) { return json::print(json::encode(index)); }

Result<ImageConfig> parse_image_config(std::string_view text) {
    json::Value value = TRY(parse_document(text, "image config"));
    const json::Object& object = value.get_object();
    const json::Value* rootfs = object.if_contains("rootfs");
    if (!rootfs || !rootfs->is_object()) return invalid("image config: rootfs is missing");
    if (!text_is(rootfs->get_object(), "type", "layers")) return invalid("image config: rootfs is not of type layers");

    ImageConfig config;
    auto read = [&](const json::Object& from, std::string_view name, auto& into) -> Result<void> {
        const json::Value* member = from.if_contains(name);
        if (!member || member->is_null()) return {};
        return json::detail::decode_into(*member, into).context([&] { return "image config: " + std::string(name); });
    };
    std::string created;
    TRY(read(object, "created", created));
    config.created = TRY(time_from(created).context("image config: created"));
    TRY(read(object, "author", config.author));
    TRY(read(object, "architecture", config.architecture));
    TRY(read(object, "os", config.os));
    TRY(read(object, "os.version", config.os_version));
    TRY(read(object, "variant", config.variant));
    TRY(read(object, "docker_version", config.docker_version));
    TRY(read(object, "comment", config.comment));
    TRY(read(object, "moby.buildkit.cache.v0", config.inline_cache));
    TRY(read(object, "history", config.history));
    TRY(read(rootfs->get_object(), "diff_ids", config.diff_ids));
    const json::Value* inner = object.if_contains("config");
    if (inner && !inner->is_null()) config.config = TRY(container_config_from_json(*inner).context("image config"));
    return config;
}

// Members in alphabetical order, as Docker prints them: the id depends on it.
std::string print_image_config(const ImageConfig& config) {
    json::Object out;
    auto text = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) out[name] = value;
    };
    out["architecture"] = config.architecture;
    text("author", config.author);
    text("comment", config.comment);
    out["config"] = image_part(config.config);
    out["created"] = to_rfc3339(config.created);
    text("docker_version", config.docker_version);
    out["history"] = json::encode(config.history);
    text("moby.buildkit.cache.v0", config.inline_cache);
    out["os"] = config.os;
    text("os.version", config.os_version);
    out["rootfs"] = json::Object{{"type", "layers"}, {"diff_ids", json::encode(config.diff_ids)}};
    text("variant", config.variant);
    return json::print(out);
}

} // namespace hull::model
