// What the ways to build share.
#pragma once

#include <string>

#include "apps/hull/building/values.h"
#include "apps/hull/cli/session.h"

namespace hull::cli {

constexpr size_t max_file_bytes = size_t{16} << 20; // of a Dockerfile, a .dockerignore

// The flags that POST /build has parameters for. dockerfile: in the context.
// images: those of --cache-from. named: with the names of --tag.
Result<Query> build_query(const Flags& flags, const std::string& dockerfile, const std::vector<std::string>& images,
                          bool named = true);
// The image that a cache of type registry is; text: as the flag has it. Errors: unsupported.
Result<std::string> cache_image(const BuildCache& cache, const std::string& text);
std::string json_text(const std::vector<std::string>& list);
// Without links. Errors: it isn't there.
Result<std::string> real_path_of(const std::string& path);

// Builds from a folder or "-" (standard input); the image's id.
Result<std::string> build_classic(Session& session, const std::string& context);
// The same with BuildKit's protocol; from an address, too. The exit code.
Result<int> build_with_steps(Session& session, const std::string& context);

// What --iidfile says.
Result<void> write_id_file(Session& session, const std::string& id);

} // namespace hull::cli
