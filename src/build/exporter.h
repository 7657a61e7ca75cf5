// What a client says of an output: a type and attributes, as BuildKit's exporters
// have them. Each attribute is honoured or refused by its name; none is passed over.
// Source: BuildKit, README "Output" and exporter/*/opts.go.
#pragma once

#include <map>
#include <string>

#include "build/builder.h"

namespace hull::build {

// Into o.output, o.tags (name) and o.args (source-date-epoch). type: empty is image.
// Errors: invalid_argument (a value), unsupported (a type, an attribute, a value).
Result<void> read_exporter(const std::string& type, const std::map<std::string, std::string>& attributes,
                           BuildOptions& o);

// --cache-to: the same for a cache. Into o.cache_to or o.inline_cache.
Result<void> read_cache_export(const std::string& type, const std::map<std::string, std::string>& attributes,
                               BuildOptions& o);

} // namespace hull::build
