// BuildKit's checks of Dockerfiles: what is allowed and still not wise. Pure.
// Source: frontend/dockerfile/docs/rules, and the words of BuildKit's linter.
#pragma once

#include <string>
#include <vector>

#include "build/dockerfile.h"
#include "build/files/pattern.h"
#include "build/lint_variables.h"
#include "build/stages.h"

namespace hull::build {

struct LintWarning {
    std::string rule; // "JSONArgsRecommended"
    std::string text; // about what stands there
    int line = 0, end_line = 0;

    std::string brief() const; // "JSONArgsRecommended: ... (line 3)"
    std::string description() const;
    std::string url() const;
};

// The value of "# check=": skip=A,B;error=true;experimental=C. "all": every rule.
struct LintSettings {
    std::vector<std::string> skip;
    std::vector<std::string> experimental; // those that are asked for
    bool error = false;                    // a warning fails the build
    static Result<LintSettings> parse(const std::string& text);
};

struct LintSurroundings {           // of the Dockerfile
    const IgnoreList& ignored;      // what .dockerignore leaves out
    const model::StringList& known; // "NAME=value" that a FROM may use besides the file's own
    BaseVariables base_variables;
};
std::vector<LintWarning> lint(const Dockerfile& file, const StagePlan& plan, const LintSurroundings& around,
                              const LintSettings& settings);

} // namespace hull::build
