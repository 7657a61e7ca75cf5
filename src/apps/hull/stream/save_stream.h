// An answer's body as a file.
#pragma once

#include <string>

#include "apps/hull/client/engine.h"
#include "base/result.h"

namespace hull::cli {

// Writes the rest of the answer to path, the whole file or none: it is written
// beside its place and renamed. An empty path, or one that is no regular file
// (a pipe, a device), gets the bytes as they come; empty is standard output.
Result<void> save_stream(Exchange& exchange, const std::string& path);

} // namespace hull::cli
