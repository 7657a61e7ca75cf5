// An image of an OCI layout in a folder of this machine, as a context that a build has a name for:
// --build-context NAME=oci-layout://FOLDER[:TAG][@DIGEST]. Source: OCI image specification, image-layout.md.
#pragma once

#include <string>

#include "apps/hull/building/local_cache.h"
#include "apps/hull/client/engine.h"
#include "model/image.h"

namespace hull::cli {

struct LayoutPlace {
    std::string folder;
    std::string tag;      // org.opencontainers.image.ref.name; "": latest, or the only one
    model::Digest digest; // of a manifest or an index; may be empty
};
// text: after "oci-layout://". Errors: invalid_argument.
Result<LayoutPlace> parse_layout_place(const std::string& text);

// What of the layout makes one image.
struct LayoutImage {
    model::Descriptor manifest;
    model::Digest config;             // the image's id
    std::vector<model::Digest> blobs; // the manifest's among them
};
// platform: "os/architecture", for where there are several. Errors: not_found, corrupt.
Result<LayoutImage> find_in_layout(const LayoutPlace& place, const std::string& platform);

// Takes the image to the engine, without a name; it is there for as long as the result lives.
Result<LocalCache> load_layout(Engine& engine, const LayoutPlace& place, const std::string& platform);

} // namespace hull::cli
