// An ordered list of named steps, each timed. The name is what --trace-start
// prints and what an error begins with.
#pragma once

#include <span>

#include "base/clock.h"
#include "base/result.h"
#include "runtime/report_writer.h"

namespace hull::runtime {

template <class Context>
struct Step {
    const char* name;
    Result<void> (*run)(Context&);
};

// Stops at the first that fails.
template <class Context>
Result<void> run_steps(std::span<const Step<Context>> steps, Context& context, ReportWriter& report) {
    int64_t begin = monotonic_ns();
    for (const auto& step : steps) {
        TRY(step.run(context));
        int64_t end = monotonic_ns();
        report.step(step.name, end - begin);
        begin = end;
    }
    return {};
}

} // namespace hull::runtime
