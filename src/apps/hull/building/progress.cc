#include "apps/hull/building/progress.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>

#include <boost/json.hpp>

#include "apps/hull/building/terminal_display.h"
#include "apps/hull/cli/session.h"
#include "apps/hull/format/human.h"
#include "codec/base64.h"
#include "sys/terminal_mode.h"

namespace hull::cli {

namespace {

using build::wire::VertexStatus;
using build::wire::VertexWarning;

constexpr size_t kept_log_bytes = size_t{64} << 10; // of one step, for when it fails
constexpr size_t replayed_lines = 20;

// BuildKit's own shape (client.SolveStatus), a line each.
class RawDisplay final : public BuildDisplay {
public:
    void take(const build::wire::Progress& progress) override {
        boost::json::object out;
        boost::json::array vertexes, statuses, logs, warnings;
        for (const auto& vertex : progress.vertexes) {
            boost::json::object one{{"digest", vertex.digest}, {"name", vertex.name}};
            if (!vertex.inputs.empty()) one["inputs"] = boost::json::value_from(vertex.inputs);
            if (vertex.started) one["started"] = to_rfc3339(*vertex.started);
            if (vertex.completed) one["completed"] = to_rfc3339(*vertex.completed);
            if (vertex.cached) one["cached"] = true;
            if (!vertex.error.empty()) one["error"] = vertex.error;
            vertexes.push_back(std::move(one));
        }
        for (const auto& status : progress.statuses) {
            boost::json::object one{{"id", status.id},
                                    {"vertex", status.vertex},
                                    {"current", status.current},
                                    {"timestamp", to_rfc3339(status.timestamp)}};
            if (!status.name.empty()) one["name"] = status.name;
            if (status.total) one["total"] = status.total;
            if (status.started) one["started"] = to_rfc3339(*status.started);
            if (status.completed) one["completed"] = to_rfc3339(*status.completed);
            statuses.push_back(std::move(one));
        }
        for (const auto& log : progress.logs)
            logs.push_back(boost::json::object{{"vertex", log.vertex},
                                               {"stream", log.stream},
                                               {"data", base64_encode(log.text)},
                                               {"timestamp", to_rfc3339(log.timestamp)}});
        for (const auto& warning : progress.warnings)
            warnings.push_back(boost::json::object{{"vertex", warning.vertex},
                                                   {"level", warning.level},
                                                   {"short", base64_encode(warning.brief)},
                                                   {"url", warning.url},
                                                   {"line", warning.first_line}});
        if (!vertexes.empty()) out["vertexes"] = std::move(vertexes);
        if (!statuses.empty()) out["statuses"] = std::move(statuses);
        if (!logs.empty()) out["logs"] = std::move(logs);
        if (!warnings.empty()) out["warnings"] = std::move(warnings);
        std::lock_guard lock(mutex_);
        print_error(boost::json::serialize(out) + "\n");
    }
    void finish(bool) override {}

private:
    std::mutex mutex_;
};

class QuietDisplay final : public BuildDisplay {
public:
    void take(const build::wire::Progress& progress) override {
        std::lock_guard lock(mutex_);
        steps_.take(progress);
    }
    void finish(bool failed) override {
        std::lock_guard lock(mutex_);
        if (failed) print_error(steps_.failures());
    }

private:
    std::mutex mutex_;
    ShownSteps steps_;
};

class PlainDisplay final : public BuildDisplay {
public:
    void take(const build::wire::Progress& progress) override {
        std::lock_guard lock(mutex_);
        steps_.take(progress);
        std::string out;
        for (const auto& vertex : progress.vertexes) begin(vertex, out);
        for (const auto& status : progress.statuses) tell(status, out);
        for (const auto& log : progress.logs) tell(log, out);
        for (const auto& vertex : progress.vertexes) end(vertex, out);
        if (!out.empty()) print_error(out);
    }
    void finish(bool failed) override {
        std::lock_guard lock(mutex_);
        if (failed) print_error(steps_.failures());
    }

private:
    // The head of a step, whenever it is another's turn.
    void turn_to(ShownStep& step, std::string& out) {
        if (!step.number) step.number = ++count_;
        if (shown_ == step.vertex.digest) return;
        if (!shown_.empty()) {
            if (auto* before = steps_.find(shown_); before && before->running())
                out += "#" + std::to_string(before->number) + " ...\n";
            out += "\n";
        }
        shown_ = step.vertex.digest;
        out += "#" + std::to_string(step.number) + " " + step.vertex.name + "\n";
    }
    void line(const ShownStep& step, const std::string& text, std::string& out) {
        out += "#" + std::to_string(step.number) + " " + text + "\n";
    }
    void begin(const build::wire::Vertex& vertex, std::string& out) {
        ShownStep* step = steps_.find(vertex.digest);
        if (vertex.started && step && !step->number) turn_to(*step, out);
    }
    void end(const build::wire::Vertex& vertex, std::string& out) {
        ShownStep* step = steps_.find(vertex.digest);
        if (!vertex.completed || !step || !ended_.insert({vertex.digest, true}).second) return;
        turn_to(*step, out);
        if (auto rest = pending_.find(vertex.digest); rest != pending_.end() && !rest->second.empty())
            line(*step, rest->second, out);
        pending_.erase(vertex.digest);
        if (!vertex.error.empty())
            line(*step,
                 vertex.error.find("context canceled") != std::string::npos ? "CANCELED" : "ERROR: " + vertex.error,
                 out);
        else if (vertex.cached)
            line(*step, "CACHED", out);
        else
            line(*step, "DONE " + seconds_text(step->seconds(*vertex.completed)), out);
    }
    void tell(const VertexStatus& status, std::string& out) {
        constexpr int64_t interval_ns = 1'000'000'000;
        ShownStep* step = steps_.find(status.vertex);
        if (!step) return;
        WallTime& last = told_[status.vertex + "\n" + status.id];
        if (!status.completed && last.ns && status.timestamp.ns - last.ns < interval_ns) return;
        const bool first = !last.ns;
        last = status.timestamp;
        if (first && !status.completed && !status.current) return; // nothing to say yet
        turn_to(*step, out);
        const double seconds =
            status.started ? static_cast<double>(status.timestamp.ns - status.started->ns) / 1e9 : 0.0;
        line(*step,
             status.id + amount_text(status) + (seconds >= 0.05 ? " " + seconds_text(seconds) : "") +
                 (status.completed ? " done" : ""),
             out);
    }
    void tell(const build::wire::VertexLog& log, std::string& out) {
        ShownStep* step = steps_.find(log.vertex);
        if (!step) return;
        std::string text = std::move(pending_[log.vertex]) + log.text;
        const double at =
            step->vertex.started ? static_cast<double>(log.timestamp.ns - step->vertex.started->ns) / 1e9 : 0.0;
        char clock[32];
        std::snprintf(clock, sizeof clock, "%.3f ", std::max(0.0, at));
        turn_to(*step, out);
        for (size_t end = 0; (end = text.find('\n')) != text.npos; text.erase(0, end + 1))
            line(*step, clock + text.substr(0, end), out);
        pending_[log.vertex] = std::move(text);
    }

    std::mutex mutex_;
    ShownSteps steps_;
    size_t count_ = 0;
    std::string shown_; // digest of the step whose lines come
    std::map<std::string, bool> ended_;
    std::map<std::string, WallTime> told_;
    std::map<std::string, std::string> pending_; // lines without an end
};

} // namespace

double ShownStep::seconds(WallTime now) const {
    if (!vertex.started) return 0;
    const WallTime end = vertex.completed.value_or(now);
    return std::max(0.0, static_cast<double>(end.ns - vertex.started->ns) / 1e9);
}

std::string seconds_text(double seconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1fs", seconds);
    return text;
}

std::string amount_text(const VertexStatus& status) {
    if (status.total)
        return " " + format::decimal_size(static_cast<double>(status.current)) + " / " +
               format::decimal_size(static_cast<double>(status.total));
    return status.current ? " " + format::decimal_size(static_cast<double>(status.current)) : "";
}

void ShownSteps::take(const build::wire::Progress& progress) {
    for (const auto& vertex : progress.vertexes) {
        ShownStep* step = find(vertex.digest);
        if (!step) {
            steps_.emplace_back();
            step = &steps_.back();
        }
        step->vertex = vertex;
    }
    for (const auto& status : progress.statuses) {
        ShownStep* step = find(status.vertex);
        if (!step) continue;
        auto known = std::ranges::find(step->statuses, status.id, &VertexStatus::id);
        if (known == step->statuses.end())
            step->statuses.push_back(status);
        else
            *known = status;
    }
    for (const auto& log : progress.logs) {
        ShownStep* step = find(log.vertex);
        if (!step) continue;
        step->log += log.text;
        if (step->log.size() <= 2 * kept_log_bytes) continue;
        step->log.erase(0, step->log.size() - kept_log_bytes);
        step->log_is_cut = true;
    }
}

ShownStep* ShownSteps::find(const std::string& digest) {
    auto found = std::ranges::find(steps_, digest, [](const ShownStep& step) { return step.vertex.digest; });
    return found == steps_.end() ? nullptr : &*found;
}

std::string ShownSteps::failures() const {
    std::string out;
    for (const ShownStep& step : steps_) {
        if (!step.failed() || step.vertex.error.find("context canceled") != std::string::npos) continue;
        std::string_view log = step.log;
        while (log.ends_with('\n')) log.remove_suffix(1);
        size_t begin = log.size();
        for (size_t lines = 0; begin != 0 && lines < replayed_lines; ++lines) {
            const size_t newline = log.rfind('\n', begin - 1);
            begin = newline == log.npos ? 0 : newline;
            if (begin == 0) break;
        }
        const bool cut = begin != 0 || step.log_is_cut;
        if (begin != 0) log.remove_prefix(begin + 1);
        out += "------\n > " + step.vertex.name + ":\n";
        if (cut) out += "...\n";
        if (!log.empty()) out += std::string(log) + "\n";
        out += "------\n";
    }
    return out;
}

std::string warnings_summary(const std::vector<VertexWarning>& warnings, bool details) {
    if (warnings.empty()) return {};
    if (details) return "\n" + warnings_report(warnings);
    std::string out = "\n " + std::to_string(warnings.size()) + (warnings.size() == 1 ? " warning" : " warnings") +
                      " found (use --debug to expand):\n";
    for (const VertexWarning& warning : warnings) out += " - " + warning.brief + "\n";
    return out;
}

WarningWords words_of(const VertexWarning& warning) {
    const size_t colon = warning.brief.find(": ");
    if (colon == std::string::npos) return {warning.brief, ""};
    WarningWords words{warning.brief.substr(0, colon), warning.brief.substr(colon + 2)};
    if (size_t at = words.what.rfind(" (line "); at != std::string::npos) words.what.resize(at);
    return words;
}

std::string warnings_report(const std::vector<VertexWarning>& warnings) {
    if (warnings.empty()) return "Check complete, no warnings found.\n";
    std::string out = "Check complete, " + std::to_string(warnings.size()) +
                      (warnings.size() == 1 ? " warning has" : " warnings have") + " been found!\n";
    for (const VertexWarning& warning : warnings) {
        const auto [rule, what] = words_of(warning);
        out += "\nWARNING: " + rule + (warning.url.empty() ? "" : " - " + warning.url) + "\n" + what + "\n" +
               warning.file_name + ":" + std::to_string(warning.first_line) + "\n" + std::string(20, '-') + "\n";
        std::string_view rest = warning.file;
        constexpr int lines_around = 2;
        for (int number = 1; !rest.empty(); ++number) {
            const size_t end = std::min(rest.find('\n'), rest.size());
            if (number >= warning.first_line - lines_around && number <= warning.last_line + lines_around) {
                char head[32];
                const bool in = number >= warning.first_line && number <= warning.last_line;
                std::snprintf(head, sizeof head, "%4d | %s ", number, in ? ">>>" : "   ");
                out += head + std::string(rest.substr(0, end)) + "\n";
            }
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
        out += std::string(20, '-') + "\n";
    }
    return out;
}

Result<ProgressStyle> parse_progress_style(const std::string& text) {
    const bool terminal = sys::is_terminal(BorrowedFd(2));
    if (text.empty() || text == "auto") return terminal ? ProgressStyle::terminal : ProgressStyle::plain;
    if (text == "plain") return ProgressStyle::plain;
    if (text == "tty") {
        if (terminal) return ProgressStyle::terminal;
        return Error(ErrorKind::invalid_argument, "--progress=tty: standard error is no terminal");
    }
    if (text == "quiet") return ProgressStyle::quiet;
    if (text == "rawjson") return ProgressStyle::raw_json;
    return Error(ErrorKind::invalid_argument,
                 "invalid progress type \"" + text + "\": auto, plain, tty, quiet or rawjson");
}

std::unique_ptr<BuildDisplay> BuildDisplay::create(ProgressStyle style) {
    switch (style) {
    case ProgressStyle::terminal: return make_terminal_display();
    case ProgressStyle::quiet: return std::make_unique<QuietDisplay>();
    case ProgressStyle::raw_json: return std::make_unique<RawDisplay>();
    case ProgressStyle::plain: break;
    }
    return std::make_unique<PlainDisplay>();
}

} // namespace hull::cli
