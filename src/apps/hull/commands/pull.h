// Getting an image from a registry through the engine.
#pragma once

#include <string>

#include "apps/hull/cli/session.h"
#include "apps/hull/client/engine.h"

namespace hull::cli {

// Asks the engine to pull; the progress goes to standard error, line by line,
// unless quiet. Errors: what the engine says, before or within the stream.
Result<void> pull_image(Session& session, const std::string& image, const std::string& platform, bool quiet);

// The user's credentials for the registry of this name, as X-Registry-Auth.
Result<std::string> auth_header(Session& session, const std::string& domain);

// Reads a stream of JSON objects with status, progress, error. Each finished
// line of text goes to `line`. Errors: the stream's own "error".
Result<void> read_progress(Exchange& exchange, const std::function<void(const Json&)>& each);

} // namespace hull::cli
