#include "build/exporter.h"

#include <algorithm>
#include <array>
#include <span>

namespace hull::build {

namespace {

enum Types : unsigned char { of_image = 1, of_docker = 2, of_oci = 4, of_local = 8, of_tar = 16 };
constexpr unsigned char images_all = of_image | of_docker | of_oci, files_all = of_local | of_tar;
enum class Meaning : unsigned char {
    names,   // of the image
    push,    // a boolean
    rewrite, // a boolean
    epoch,   // seconds
    boolean, // either is what is done here
    only,    // one value is what is done here
    clients, // where the client puts what it gets
    refused,
};

struct Attribute {
    std::string_view name;
    unsigned char types;
    Meaning meaning;
    std::string_view value = {}; // of only
};

// A name may stand here for each type once. Layers are always unpacked; pushed ones
// are gzip in Docker's manifests, those of archives are plain in an OCI layout.
constexpr Attribute known[] = {
    {"annotation", images_all, Meaning::refused},
    {"attestation-prefix", images_all | files_all, Meaning::refused},
    {"buildinfo", images_all, Meaning::only, "false"},
    {"buildinfo-attrs", images_all, Meaning::only, "false"},
    {"compression", of_image, Meaning::only, "gzip"},
    {"compression", of_docker | of_oci, Meaning::only, "uncompressed"},
    {"compression-level", images_all, Meaning::refused},
    {"dangling-name-prefix", images_all, Meaning::refused},
    {"dest", of_docker | of_oci | files_all, Meaning::clients},
    {"force-compression", images_all, Meaning::only, "false"},
    {"mode", of_local, Meaning::only, "copy"},
    {"name", images_all, Meaning::names},
    {"name-canonical", images_all, Meaning::only, "false"},
    {"oci-artifact", images_all, Meaning::only, "false"},
    {"oci-mediatypes", of_image, Meaning::only, "false"},
    {"oci-mediatypes", of_docker, Meaning::boolean},
    {"oci-mediatypes", of_oci, Meaning::only, "true"},
    {"platform-split", files_all, Meaning::only, "false"},
    {"prefer-nondist-layers", images_all, Meaning::only, "false"},
    {"push", of_image, Meaning::push},
    {"push-by-digest", of_image, Meaning::only, "false"},
    {"registry.insecure", of_image, Meaning::only, "false"},
    {"rewrite-timestamp", images_all, Meaning::rewrite},
    {"source-date-epoch", images_all | files_all, Meaning::epoch},
    {"store", of_image, Meaning::only, "true"},
    {"tar", of_docker | of_oci, Meaning::only, "true"},
    {"unpack", of_image, Meaning::boolean},
};

Result<unsigned char> type_bit(const std::string& type) {
    if (type.empty() || type == "image" || type == "moby") return static_cast<unsigned char>(of_image);
    if (type == "docker") return static_cast<unsigned char>(of_docker);
    if (type == "oci") return static_cast<unsigned char>(of_oci);
    if (type == "local") return static_cast<unsigned char>(of_local);
    if (type == "tar") return static_cast<unsigned char>(of_tar);
    if (type == "cacheonly") return static_cast<unsigned char>(0);
    return unsupported("exporter \"" + type + "\" could not be found");
}

// As Go reads them; nothing said is yes.
std::optional<bool> exporter_boolean(std::string_view text) {
    static constexpr std::string_view yes[] = {"", "1", "t", "T", "true", "TRUE", "True"};
    static constexpr std::string_view no[] = {"0", "f", "F", "false", "FALSE", "False"};
    if (std::ranges::find(yes, text) != std::end(yes)) return true;
    if (std::ranges::find(no, text) != std::end(no)) return false;
    return std::nullopt;
}

Result<void> take_names(const std::string& value, BuildOptions& o) {
    for (size_t begin = 0; begin < value.size();) {
        size_t end = std::min(value.find(',', begin), value.size());
        std::string name = value.substr(begin, end - begin);
        if (!name.empty() && std::ranges::find(o.tags, name) == o.tags.end()) o.tags.push_back(std::move(name));
        begin = end + 1;
    }
    return {};
}

Result<void> take(const std::string& type, const Attribute& attribute, const std::string& value, BuildOptions& o) {
    const std::string name(attribute.name);
    auto boolean = exporter_boolean(value);
    auto refuse = [&](const std::string& why) {
        return unsupported("the attribute " + name + "=" + value + " of the output " + type + " is not supported" +
                           why);
    };
    switch (attribute.meaning) {
    case Meaning::names: return take_names(value, o);
    case Meaning::push:
    case Meaning::rewrite:
    case Meaning::boolean:
        if (!boolean) return invalid("non-bool value specified for " + name + ": " + value);
        if (attribute.meaning == Meaning::push) o.output.push = *boolean;
        if (attribute.meaning == Meaning::rewrite) o.output.rewrite_timestamps = *boolean;
        return {};
    case Meaning::clients: return {};
    case Meaning::epoch:
        if (value.empty()) return {};
        o.args.emplace_back("SOURCE_DATE_EPOCH", value);
        return {};
    case Meaning::only: {
        auto wanted = exporter_boolean(attribute.value);
        if (value == attribute.value || (wanted && boolean == wanted)) return {};
        if (wanted && !boolean) return invalid("non-bool value specified for " + name + ": " + value);
        return refuse(": this engine has " + name + "=" + std::string(attribute.value));
    }
    case Meaning::refused: return refuse("");
    }
    return {};
}

} // namespace

Result<void> read_exporter(const std::string& type, const std::map<std::string, std::string>& attributes,
                           BuildOptions& o) {
    const unsigned char bit = TRY(type_bit(type));
    const std::string shown = type.empty() || type == "moby" ? "image" : type;
    o.output.type = shown;
    for (const auto& [name, value] : attributes) {
        const bool annotation =
            name.starts_with("annotation.") || name.starts_with("annotation-") || name.starts_with("annotation[");
        auto found = std::ranges::find_if(known, [&](const Attribute& entry) {
            return (entry.types & bit) && (entry.name == name || (annotation && entry.name == "annotation"));
        });
        if (found == std::end(known)) return unsupported("the output " + shown + " has no attribute " + name);
        TRY(take(shown, *found, value, o));
    }
    if (o.output.rewrite_timestamps &&
        std::ranges::none_of(o.args, [](const auto& arg) { return arg.first == "SOURCE_DATE_EPOCH" && arg.second; }))
        return invalid("rewrite-timestamp needs a time: --build-arg SOURCE_DATE_EPOCH=SECONDS");
    return {};
}

Result<void> read_cache_export(const std::string& type, const std::map<std::string, std::string>& attributes,
                               BuildOptions& o) {
    if (type != "inline" && type != "registry" && type != "local")
        return unsupported("cache export of type " + type + " is not supported: inline, registry or local");
    BuildOptions::CacheExport wanted;
    wanted.type = type;
    for (const auto& [name, value] : attributes) {
        const auto boolean = exporter_boolean(value);
        const bool plain = name == "image-manifest" || name == "oci-mediatypes" || name == "force-compression";
        if (name == "mode" && type != "inline") {
            if (value != "min" && value != "max") return invalid("invalid mode of the cache: " + value);
            wanted.max = value == "max";
        } else if (name == "ref" && type == "registry") {
            wanted.ref = value;
        } else if (name == "ignore-error") {
            if (!boolean) return invalid("non-bool value specified for ignore-error: " + value);
            wanted.ignore_errors = *boolean;
        } else if (name == "compression" && type == "registry" && value == "gzip") {
            continue; // as it is
        } else if (plain && type == "registry" && boolean == std::optional(name == "image-manifest")) {
            continue; // an image, of Docker's media types
        } else {
            return unsupported("the attribute " + name + "=" + value + " of a cache of type " + type +
                               " is not supported");
        }
    }
    if (type == "registry" && wanted.ref.empty()) return invalid("a cache of type registry needs ref=NAME");
    if (type == "inline")
        o.inline_cache = true;
    else
        o.cache_to.push_back(std::move(wanted));
    return {};
}

} // namespace hull::build
