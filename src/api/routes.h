// The route table: which handler answers which method and path.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace hull::api {

class Call;
using Handler = Result<void> (*)(Call&);

// A pattern holds at most one "{name}", which takes one character or more,
// slashes too (names of images have them).
struct Route {
    http::Method method;
    std::string_view pattern;
    Handler handler;
};

struct Match {
    Handler handler;
    std::string name; // of {name}; empty when the pattern has none
    size_t route = 0; // its place in routes()
};
// The first route that fits; HEAD falls back on nothing. path: without version.
std::optional<Match> find_route(http::Method method, std::string_view path);
// nullopt: doesn't fit.
std::optional<std::string_view> match_pattern(std::string_view pattern, std::string_view path);

std::span<const Route> routes();

} // namespace hull::api
