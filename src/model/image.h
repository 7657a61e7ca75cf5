// Images: digests, references, descriptors, manifests and image configurations.
// Sources: OCI Image Specification 1.1.1 (descriptor.md, manifest.md, config.md),
// Docker's image references (github.com/distribution/reference grammar).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "model/container.h"

namespace hull::model {

// "sha256:<64 hex>"; the only algorithm accepted. Safe to build a path from.
class Digest {
public:
    Digest() = default;
    static Result<Digest> parse(std::string_view text);
    static Digest from_sha256_hex(std::string hex);
    const std::string& str() const { return text_; } // with algorithm
    std::string hex() const { return text_.substr(text_.find(':') + 1); }
    bool empty() const { return text_.empty(); }
    auto operator<=>(const Digest&) const = default;

private:
    std::string text_;
};

// A normalised image name: docker.io/library/busybox:latest.
struct Reference {
    std::string domain; // docker.io, localhost:5000
    std::string path;   // library/busybox
    std::string tag;    // may be empty when a digest is given
    std::optional<Digest> digest;

    // Errors: invalid_argument, worded as Docker does ("invalid reference format").
    static Result<Reference> parse(std::string_view text);
    std::string full() const;          // docker.io/library/busybox:latest
    std::string familiar() const;      // busybox:latest
    std::string familiar_name() const; // busybox
};

struct Platform {
    std::string architecture, os, os_version, variant;
    std::vector<std::string> os_features;
    auto operator<=>(const Platform&) const = default;
};

struct Descriptor {
    std::string media_type;
    Digest digest;
    int64_t size = 0;
    std::vector<std::string> urls;
    std::map<std::string, std::string> annotations;
    std::optional<Platform> platform;
    std::string artifact_type;
};

struct Manifest {
    int schema_version = 2;
    std::string media_type;
    Descriptor config;
    std::vector<Descriptor> layers;
    std::map<std::string, std::string> annotations;
};

struct Index { // several manifests, one for each platform
    int schema_version = 2;
    std::string media_type;
    std::vector<Descriptor> manifests;
    std::map<std::string, std::string> annotations;
};

namespace media_type {
inline constexpr std::string_view oci_manifest = "application/vnd.oci.image.manifest.v1+json",
                                  oci_index = "application/vnd.oci.image.index.v1+json",
                                  oci_config = "application/vnd.oci.image.config.v1+json",
                                  oci_layer = "application/vnd.oci.image.layer.v1.tar",
                                  docker_manifest = "application/vnd.docker.distribution.manifest.v2+json",
                                  docker_index = "application/vnd.docker.distribution.manifest.list.v2+json",
                                  docker_config = "application/vnd.docker.container.image.v1+json";
}

struct HistoryEntry {
    WallTime created;
    std::string created_by, author, comment;
    bool empty_layer = false;
};

struct ImageConfig {
    WallTime created;
    std::string author, architecture, os, os_version, variant;
    ContainerConfig config;
    std::vector<Digest> diff_ids; // bottom layer first
    std::vector<HistoryEntry> history;
    std::string docker_version, comment;
    std::string inline_cache; // what steps gave the layers ("moby.buildkit.cache.v0", in base64)
};

// At most 4 MiB, no key twice. Errors: invalid_argument, also for a document
// that could be taken for both manifest and index; too_large.
Result<Manifest> parse_manifest(std::string_view json);
std::string print_manifest(const Manifest& manifest);
Result<Index> parse_index(std::string_view json);
std::string print_index(const Index& index);
Result<ImageConfig> parse_image_config(std::string_view json);
// Only what belongs to an image is printed of config.config (not its hostname,
// terminal and so on). The same config gives the same bytes.
std::string print_image_config(const ImageConfig& config);

} // namespace hull::model
