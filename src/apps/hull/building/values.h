// Values of build's flags: --secret, --ssh, --output, --build-context, caches.
// Source: docker buildx build reference. All errors are invalid_argument or unsupported.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hull::cli {

// Comma-separated fields, of which "..." may have commas in it ("" is a quote).
Result<std::vector<std::string>> csv_fields(std::string_view text);
using FieldPairs = std::vector<std::pair<std::string, std::string>>; // "a=b,c" : the value of c is empty
Result<FieldPairs> csv_pairs(std::string_view text);

struct BuildSecret { // one of file and environment is not empty
    std::string id, file, environment;
};
Result<BuildSecret> parse_secret(const std::string& text);

struct BuildAgent {
    std::string id, socket; // socket: never empty
};
Result<BuildAgent> parse_ssh(const std::string& text);

// type: image, local, tar, oci, docker, cacheonly. destination: of what comes to this machine: a folder for
// local, else a file or "-" (standard output).
struct BuildTarget {
    std::string type = "image";
    std::optional<std::string> destination;
    std::map<std::string, std::string> attributes;
};
Result<BuildTarget> parse_output(const std::string& text);

struct NamedContext {
    std::string name, value; // value: a folder, docker-image://, https://, ...
    bool is_folder = false;
};
Result<NamedContext> parse_build_context(const std::string& text);

struct BuildCache { // "name:tag" is type=registry,ref=name:tag
    std::string type;
    std::map<std::string, std::string> attributes;
};
Result<BuildCache> parse_cache(const std::string& text, const char* flag);

} // namespace hull::cli
