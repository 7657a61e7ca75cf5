#include "apps/hull/building/terminal_display.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "apps/hull/cli/session.h"
#include "sys/terminal_mode.h"

namespace hull::cli {

namespace {

constexpr auto frame_interval = std::chrono::milliseconds(100);
constexpr size_t log_lines_shown = 6; // of a step that runs
constexpr size_t least_rows = 4;

// left padded with what stands at the right end of the line; control characters are blanks.
std::string fitted(std::string left, const std::string& right, size_t columns) {
    for (char& c : left)
        if (static_cast<unsigned char>(c) < ' ') c = ' ';
    const size_t room = columns > right.size() + 1 ? columns - right.size() - 1 : 0;
    if (left.size() > room) {
        size_t end = room;
        while (end > 0 && (static_cast<unsigned char>(left[end]) & 0xC0) == 0x80) --end; // not within a character
        left.resize(end);
    }
    left.append(room - std::min(room, left.size()), ' ');
    return left + " " + right;
}

std::vector<std::string> last_lines(const std::string& log, size_t most) {
    std::vector<std::string> lines;
    size_t end = log.size();
    while (end > 0 && (log[end - 1] == '\n' || log[end - 1] == '\r')) --end;
    while (end > 0 && lines.size() < most) {
        size_t begin = log.find_last_of("\n\r", end - 1);
        begin = begin == log.npos ? 0 : begin + 1;
        if (begin < end) lines.push_back(log.substr(begin, end - begin));
        end = begin == 0 ? 0 : begin - 1;
    }
    std::ranges::reverse(lines);
    return lines;
}

class TerminalDisplay final : public BuildDisplay {
public:
    TerminalDisplay() : thread_([this](const std::stop_token& stop) { run(stop); }) {}
    ~TerminalDisplay() override {
        thread_.request_stop();
        thread_.join();
    }
    void take(const build::wire::Progress& progress) override {
        std::lock_guard lock(mutex_);
        steps_.take(progress);
        dirty_ = true;
    }
    void finish(bool failed) override {
        std::lock_guard lock(mutex_);
        if (over_) return;
        draw(true);
        over_ = true;
        if (failed) print_error(steps_.failures());
    }

private:
    void run(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
            tick_.wait_for(lock, stop, frame_interval, [] { return false; });
            if (over_ || stop.stop_requested()) return;
            if (!steps_.all().empty()) draw(false);
        }
    }
    // mutex_ is held.
    void draw(bool over) {
        auto size = sys::terminal_size(BorrowedFd(2)).value_or(sys::TerminalSize{});
        if (size.rows == 0) size.rows = 24;
        if (size.columns == 0) size.columns = 80;
        // The whole of it stays on the screen when it is over.
        const size_t rows = over ? SIZE_MAX : std::max<size_t>(size.rows, least_rows + 1) - 1;
        auto lines = draw_steps(steps_.all(), begun_, wall_now(), rows, std::max(size.columns, 20U), over);
        std::string out = drawn_ ? "\x1b[" + std::to_string(drawn_) + "A\r" : "";
        for (const std::string& line : lines) out += "\x1b[2K" + line + "\n";
        // What was longer before.
        for (size_t i = lines.size(); i < drawn_; ++i) out += "\x1b[2K\n";
        if (drawn_ > lines.size()) out += "\x1b[" + std::to_string(drawn_ - lines.size()) + "A";
        drawn_ = lines.size();
        print_error(out);
    }

    std::mutex mutex_;
    std::condition_variable_any tick_;
    ShownSteps steps_;
    WallTime begun_ = wall_now();
    size_t drawn_ = 0; // lines on the screen
    bool dirty_ = false, over_ = false;
    std::jthread thread_; // last: it uses what stands above
};

} // namespace

std::unique_ptr<BuildDisplay> make_terminal_display() { return std::make_unique<TerminalDisplay>(); }

std::vector<std::string> draw_steps(std::vector<ShownStep>& steps, WallTime begun, WallTime now, size_t rows,
                                    size_t columns, bool over) {
    size_t total = 0, done = 0;
    bool failed = false;
    struct Block {
        std::vector<std::string> lines;
        bool running;
    };
    std::vector<Block> blocks;
    for (const ShownStep& step : steps) {
        ++total;
        done += step.vertex.completed ? 1 : 0;
        failed |= step.failed();
        if (!step.vertex.started) continue;
        std::string name = step.vertex.name;
        if (step.vertex.cached) name = "CACHED " + name;
        if (step.failed())
            name = (step.vertex.error.find("context canceled") == name.npos ? "ERROR " : "CANCELED ") + name;
        Block block{{fitted(" => " + name, seconds_text(step.seconds(now)), columns)}, step.running()};
        for (const auto& status : step.statuses) {
            // Finished output is folded, but for what is worth knowing at the end.
            if (!step.running() && !over) continue;
            const double seconds =
                status.started ? static_cast<double>(status.completed.value_or(now).ns - status.started->ns) / 1e9
                               : 0.0;
            block.lines.push_back(
                fitted(" => => " + status.id + amount_text(status), seconds_text(std::max(0.0, seconds)), columns));
        }
        if (step.running() && !over)
            for (const std::string& line : last_lines(step.log, log_lines_shown))
                block.lines.push_back(fitted(" => => # " + line, "", columns));
        blocks.push_back(std::move(block));
    }
    std::string head = "[+] Building " + seconds_text(static_cast<double>(now.ns - begun.ns) / 1e9) + " (" +
                       std::to_string(done) + "/" + std::to_string(total) + ")";
    if (over) head += failed ? " ERROR" : " FINISHED";
    size_t used = 1;
    for (const Block& block : blocks) used += block.lines.size();
    for (Block& block : blocks) {
        if (used <= rows) break;
        if (block.running) continue;
        used -= block.lines.size();
        block.lines.clear();
    }
    // Still too much: what runs without what it says.
    for (Block& block : blocks) {
        if (used <= rows || block.lines.empty()) continue;
        used -= block.lines.size() - 1;
        block.lines.resize(1);
    }
    std::vector<std::string> lines{fitted(head, "", columns)};
    for (Block& block : blocks)
        for (std::string& line : block.lines)
            if (lines.size() < rows) lines.push_back(std::move(line));
    return lines;
}

} // namespace hull::cli
