#include "apps/hull/building/terminal_display.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace hull::cli {
namespace {

constexpr int64_t second = 1'000'000'000;

ShownStep shown_step(const std::string& name, int64_t begun, int64_t ended) {
    ShownStep step;
    step.vertex.digest = step.vertex.name = name;
    if (begun) step.vertex.started = WallTime{begun * second};
    if (ended) step.vertex.completed = WallTime{ended * second};
    return step;
}

TEST(DrawSteps, running_steps_stand_under_each_other_with_their_last_lines) {
    std::vector<ShownStep> steps{shown_step("done", 1, 3), shown_step("one", 2, 0), shown_step("two", 3, 0),
                                 shown_step("later", 0, 0)};
    steps[0].log = "folded\n";
    steps[1].log = "first\nsecond\r\nthird";
    auto lines = draw_steps(steps, {second}, {5 * second}, 100, 40, false);
    ASSERT_EQ(lines.size(), 7U);
    EXPECT_EQ(lines[0].substr(0, 24), "[+] Building 4.0s (1/4) ");
    EXPECT_EQ(lines[1], " => done" + std::string(28, ' ') + "2.0s");
    EXPECT_EQ(lines[2].substr(0, 8), " => one ");
    EXPECT_EQ(lines[5].substr(0, 15), " => => # third ");
    for (const std::string& line : lines) EXPECT_LE(line.size(), 40U);
}

TEST(DrawSteps, finished_steps_make_room_and_no_picture_is_too_high) {
    std::vector<ShownStep> steps;
    for (int i = 0; i < 50; ++i) steps.push_back(shown_step("old" + std::to_string(i), 1, 2));
    for (int i = 0; i < 3; ++i) {
        steps.push_back(shown_step("new" + std::to_string(i), 1, 0));
        steps.back().log = "a\nb\nc\nd\ne\nf\ng\nh\n";
    }
    auto lines = draw_steps(steps, {second}, {5 * second}, 10, 60, false);
    EXPECT_LE(lines.size(), 10U);
    EXPECT_EQ(std::ranges::count_if(lines, [](const auto& line) { return line.starts_with(" => new"); }), 3);
    EXPECT_GT(draw_steps(steps, {second}, {5 * second}, SIZE_MAX, 60, true).size(), 50U);
}

TEST(DrawSteps, odd_bytes_and_long_names_do_not_break_lines) {
    std::vector<ShownStep> steps{shown_step(std::string(200, 'x') + "\x1b[2J\n", 1, 0)};
    auto lines = draw_steps(steps, {second}, {2 * second}, 5, 20, false);
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[1].size(), 20U);
    EXPECT_EQ(lines[1].find('\x1b'), std::string::npos);
}

TEST(ShownSteps, the_last_lines_of_what_failed_are_told_again) {
    ShownSteps steps;
    build::wire::Progress progress;
    progress.vertexes.push_back({.digest = "d", .name = "RUN x", .error = "exit code: 1"});
    progress.vertexes.push_back({.digest = "e", .name = "RUN y", .error = "context canceled"});
    std::string text;
    for (int i = 0; i < 30; ++i) text += "line " + std::to_string(i) + "\n";
    progress.logs.push_back({"d", {}, 1, text});
    steps.take(progress);
    const std::string told = steps.failures();
    EXPECT_TRUE(told.starts_with("------\n > RUN x:\n...\nline 10\n")) << told;
    EXPECT_TRUE(told.ends_with("line 29\n------\n")) << told;
    EXPECT_EQ(told.find("RUN y"), std::string::npos);
}

} // namespace
} // namespace hull::cli
