// How a build goes, shown: what the engine tells of its steps (build/wire/progress.h).
// Source of the plain texts: BuildKit, util/progress/progressui.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "build/wire/progress.h"

namespace hull::cli {

enum class ProgressStyle : unsigned char { plain, terminal, quiet, raw_json };
// auto, plain, tty, quiet, rawjson; auto is terminal when our standard error is one. Errors: invalid_argument.
Result<ProgressStyle> parse_progress_style(const std::string& text);

// To standard error. Thread-safe.
class BuildDisplay {
public:
    static std::unique_ptr<BuildDisplay> create(ProgressStyle style);
    virtual ~BuildDisplay() = default;
    virtual void take(const build::wire::Progress& progress) = 0;
    // The build is over: the last state, and what a failed step said.
    virtual void finish(bool failed) = 0;
};

// What lint said, after a build ("2 warnings found"), or as the report of --check.
std::string warnings_summary(const std::vector<build::wire::VertexWarning>& warnings, bool details);
// "Rule: what (line 3)" in its parts, without the line.
struct WarningWords {
    std::string rule, what;
};
WarningWords words_of(const build::wire::VertexWarning& warning);
std::string warnings_report(const std::vector<build::wire::VertexWarning>& warnings);

// A step as the displays know it, from what was told of it so far.
struct ShownStep {
    build::wire::Vertex vertex;
    size_t number = 0; // of the plain display, from 1; 0: not begun
    std::vector<build::wire::VertexStatus> statuses;
    std::string log;         // the last of what it said
    bool log_is_cut = false; // there was more before
    bool running() const { return vertex.started && !vertex.completed; }
    bool failed() const { return !vertex.error.empty(); }
    double seconds(WallTime now) const;
};

class ShownSteps {
public:
    // The steps that something was said of, in the order of being named first.
    void take(const build::wire::Progress& progress);
    std::vector<ShownStep>& all() { return steps_; }
    ShownStep* find(const std::string& digest);
    // " > [2/3] RUN x:" and the last lines of each step that failed; "" without one.
    std::string failures() const;

private:
    std::vector<ShownStep> steps_;
};

std::string seconds_text(double seconds);                         // "0.1s"
std::string amount_text(const build::wire::VertexStatus& status); // " 12B / 3.4MB"

} // namespace hull::cli
