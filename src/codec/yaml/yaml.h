// YAML 1.1 (libyaml's events) as JSON values: one document, without anchors,
// aliases and tags of its own, which nothing that we read needs and which make
// a small text a large one. Plain scalars are null, booleans and numbers as in
// YAML's core schema; keys are texts, none twice.
#pragma once

#include <string_view>

#include <boost/json/value.hpp>

#include "base/result.h"

namespace hull {

struct YamlLimits {
    size_t max_depth = 64;
    size_t max_bytes = size_t{4} << 20;
};

// JSON is YAML, too. Errors: invalid_argument with line and column, too_large.
Result<boost::json::value> parse_yaml(std::string_view text, const YamlLimits& limits = {});

} // namespace hull
