// Variables that nothing gives a value, for lint(). Pure. Source: BuildKit's rule UndefinedVar.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "build/stages.h"

namespace hull::build {

// What the image that a stage begins with gives variables; nullopt: it isn't known.
using BaseVariables = std::function<std::optional<model::StringList>(const Stage& stage)>;

struct UndefinedVariable {
    const Instruction* instruction;
    std::string name;
    std::optional<std::string> meant; // one that there is, and is spelled alike
};

// The names of $NAME and ${NAME} in text, without those that say what stands for them when they aren't there.
std::vector<std::string> plain_variables(std::string_view text, char escape = '\\');

// In the words that the builder, not a shell, replaces; stages that stand on an image that isn't known are left out.
std::vector<UndefinedVariable> undefined_variables(const StagePlan& plan, char escape, const BaseVariables& base);

} // namespace hull::build
