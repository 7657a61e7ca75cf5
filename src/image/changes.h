// The Dockerfile instructions that `docker import --change` and `docker commit
// --change` take: CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL
// USER VOLUME WORKDIR. Source: Dockerfile reference.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/container.h"

namespace hull::image {

// Each may hold several lines. Errors: invalid_argument, worded as Docker does
// ("run is not a valid change command").
Result<void> apply_changes(model::ContainerConfig& config, const std::vector<std::string>& changes);

// One of them, by its name in capitals; variables are taken from env.
Result<void> apply_instruction(model::ContainerConfig& config, std::string_view name, std::string_view text,
                               const model::StringList& env, char escape = '\\');

// Whether text is what the instruction takes, as far as it is known without variables.
Result<void> check_instruction(std::string_view name, std::string_view text, char escape = '\\');

// "1m30s", "0.5h", "100ms" as nanoseconds (Go's time.ParseDuration).
Result<int64_t> parse_duration(std::string_view text);

} // namespace hull::image
