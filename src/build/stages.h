// The stages of a Dockerfile, and which of them a build needs.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "build/dockerfile.h"
#include "model/container.h"

namespace hull::build {

// Build arguments as they were given: without a value they only allow.
using GivenArgs = std::vector<std::pair<std::string, std::optional<std::string>>>;

struct Stage {
    std::string name; // lower case; "" without AS
    std::string base; // image, "scratch", or another stage's name
    std::optional<size_t> base_stage;
    std::string platform; // --platform, expanded
    const Instruction* from = nullptr;
    std::vector<const Instruction*> steps;
    bool needed = false;
};

struct StagePlan {
    model::StringList global_args; // "NAME=value": what ARG says before the first FROM
    std::vector<const Instruction*> global_instructions;
    std::vector<Stage> stages;
    size_t target = 0;
    // Instructions of the needed stages and ARGs before them, for "Step 1/n".
    size_t steps = 0;
};

// platform_args: TARGETPLATFORM=... and its kin, which FROM may use.
// Errors: invalid_argument with the line.
Result<StagePlan> plan_stages(const Dockerfile& file, const std::string& target, const GivenArgs& given,
                              const model::StringList& platform_args);

// The stage that name (of --from) means: a name, or a number below `before`.
std::optional<size_t> find_stage(const std::vector<Stage>& stages, const std::string& name, size_t before);

// HTTP_PROXY and its kin: allowed without ARG, in no image and no cache key.
bool is_predefined_arg(std::string_view name);

// The value of a flag; nullptr without it.
const Flag* find_flag(const Instruction& instruction, std::string_view name);

} // namespace hull::build
