// What a Dockerfile offers to who builds it: its targets, and the arguments, secrets and agents of one of them. Pure.
// Source: BuildKit's frontend/subrequests (outline, targets), "docker build --call".
#pragma once

#include <string>
#include <vector>

#include "build/stages.h"

namespace hull::build {

struct Outline {
    struct Argument {
        std::string name, value, description;
        int line = 0;
    };
    struct Need { // a secret or an agent
        std::string name;
        bool required = false;
        int line = 0;
    };
    std::string name, description; // of the target
    std::vector<Argument> arguments;
    std::vector<Need> secrets, agents;
    std::vector<Need> caches; // ids of cache mounts

    std::string as_json() const;
};

// Of the stages that plan needs. Errors: invalid_argument (variables).
Result<Outline> outline_of(const Dockerfile& file, const StagePlan& plan, const GivenArgs& given,
                           const model::StringList& platform_args);

// All stages with names, and the one that is built when none is asked for: {"targets": [...]}.
std::string targets_json(const Dockerfile& file, const StagePlan& plan);

// What the comment right before the instruction says of name: "# name is for this". "": nothing.
std::string description_of(const Dockerfile& file, const Instruction& instruction, const std::string& name);
// The comment, a line each, without its marks.
std::vector<std::string> comment_before(const Dockerfile& file, const Instruction& instruction);

} // namespace hull::build
