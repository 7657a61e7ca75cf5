// What `hull build --call` prints of what the engine answered. Source of the texts: BuildKit, frontend/subrequests.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "build/wire/progress.h"
#include "codec/json.h"

namespace hull::cli {

struct BuildCall {
    std::string method = "build"; // check, outline, targets
    bool json = false;            // format=json
    bool builds() const { return method == "build"; }
};

// "outline", "targets,format=json", "lint" (the same as check). Errors: invalid_argument.
Result<BuildCall> parse_call(const std::string& text);

// What is printed for it: answer is the engine's; warnings are those of check.
std::string answer_text(const BuildCall& call, const json::Value& answer,
                        const std::vector<build::wire::VertexWarning>& warnings);

} // namespace hull::cli
