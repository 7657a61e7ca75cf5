#include <thread>

#include "engine/json_line.h"
#include "engine/log_files.h"
#include "engine/test_engine.h"

namespace hull::engine {
namespace {

using test::EngineTest;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string line(const std::string& text, const std::string& stream, int second) {
    return R"({"log":")" + text + R"(\n","stream":")" + stream + R"(","time":"2026-01-01T00:00:)" +
           (second < 10 ? "0" : "") + std::to_string(second) + "Z\"}\n";
}

TEST(JsonLine, ReadsWhatDockerWrites) {
    JsonLine out;
    ASSERT_TRUE(parse_json_line(
        R"({"log":"a\u003cb\u00e9\ud83d\ude00\"\\\r\n","stream":"stderr","attrs":{"k":"v","n":"1"},"time":"2026-01-01T00:00:01.5Z"})",
        out));
    EXPECT_EQ(out.text, "a<b\xc3\xa9\xf0\x9f\x98\x80\"\\\r\n");
    EXPECT_TRUE(out.is_stderr);
    EXPECT_EQ(out.attributes, "k=v,n=1");
    EXPECT_EQ(to_rfc3339(out.time), "2026-01-01T00:00:01.5Z");
}

TEST(JsonLine, RefusesWhatACrashCutOff) {
    JsonLine out;
    for (const char* text : {"", "{", R"({"log":"a)", R"({"log":"a","stream":"stdout")", R"({"log":"\ud83d"})", "[]",
                             R"({"log":"a\q"})", R"({"log":"a"} x)"})
        EXPECT_FALSE(parse_json_line(text, out)) << text;
}

class Collect : public LogConsumer {
public:
    bool line(const LogLine& line) override {
        std::lock_guard lock(mutex_);
        lines_.push_back(std::string(line.text.substr(0, line.text.size() - 1)) + (line.is_stderr ? "!" : ""));
        return true;
    }
    bool flush() override { return true; }
    std::vector<std::string> lines() {
        std::lock_guard lock(mutex_);
        return lines_;
    }

private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

class LogsTest : public EngineTest {
protected:
    std::string path(const ContainerId& id) {
        return root_.string() + "/containers/" + id.str() + "/" + id.str() + "-json.log";
    }
    std::vector<std::string> read(const ContainerId& id, LogOptions options = {.stdout_ = true, .stderr_ = true}) {
        Collect collect;
        auto stream = containers_->logs(id.str(), options);
        EXPECT_TRUE(stream.ok());
        EXPECT_TRUE((*stream)->run(collect, {}).ok());
        return collect.lines();
    }
};

TEST_F(LogsTest, ReadsRotatedFilesInOrder) {
    ContainerId id = create();
    EXPECT_THAT(read(id), IsEmpty());
    host_.put(path(id) + ".2", line("1", "stdout", 1) + line("2", "stderr", 2));
    host_.put(path(id) + ".1", line("3", "stdout", 3));
    host_.put(path(id), line("4", "stdout", 4) + line("5", "stdout", 5) + R"({"log":"cut)");
    EXPECT_THAT(read(id), ElementsAre("1", "2!", "3", "4", "5"));
}

TEST_F(LogsTest, TailCountsBackOverFiles) {
    ContainerId id = create();
    host_.put(path(id) + ".1", line("1", "stdout", 1) + line("2", "stdout", 2));
    host_.put(path(id), line("3", "stdout", 3) + line("4", "stdout", 4));
    LogOptions options{.stdout_ = true, .stderr_ = true};
    for (auto [tail, count] : {std::pair(0, 0), {1, 1}, {2, 2}, {3, 3}, {4, 4}, {9, 4}}) {
        options.tail = tail;
        EXPECT_EQ(read(id, options).size(), static_cast<size_t>(count)) << tail;
    }
    options.tail = 3;
    EXPECT_THAT(read(id, options), ElementsAre("2", "3", "4"));
}

TEST_F(LogsTest, SelectsStreamsAndTimes) {
    ContainerId id = create();
    host_.put(path(id), line("1", "stdout", 1) + line("2", "stderr", 2) + line("3", "stdout", 3));
    EXPECT_THAT(read(id, {.stdout_ = true}), ElementsAre("1", "3"));
    EXPECT_THAT(read(id, {.stderr_ = true}), ElementsAre("2!"));
    LogOptions options{.stdout_ = true, .stderr_ = true};
    options.since = from_rfc3339("2026-01-01T00:00:02Z");
    EXPECT_THAT(read(id, options), ElementsAre("2!", "3"));
    options.since.reset();
    options.until = from_rfc3339("2026-01-01T00:00:02Z");
    EXPECT_THAT(read(id, options), ElementsAre("1", "2!"));
    EXPECT_EQ(containers_->logs(id.str(), {}).error().kind(), ErrorKind::invalid_argument);
}

TEST_F(LogsTest, FollowsAcrossRotationUntilTheEnd) {
    ContainerId id = run();
    host_.put(path(id), line("1", "stdout", 1));
    Collect collect;
    auto stream = MUST(containers_->logs(id.str(), {.stdout_ = true, .stderr_ = true, .follow = true}));
    std::thread reader([&] { EXPECT_TRUE(stream->run(collect, {}).ok()); });
    EXPECT_TRUE(eventually([&] { return collect.lines().size() == 1; }));
    // Twice, before the reader looks again.
    host_.append(path(id), line("2", "stdout", 2));
    host_.rename(path(id), path(id) + ".1");
    host_.put(path(id), line("3", "stdout", 3));
    host_.rename(path(id) + ".1", path(id) + ".2");
    host_.rename(path(id), path(id) + ".1");
    host_.put(path(id), line("4", "stdout", 4));
    runtime_.end(id, 0);
    reader.join();
    EXPECT_THAT(collect.lines(), ElementsAre("1", "2", "3", "4"));
}

TEST_F(LogsTest, AFollowerThatLeavesIsLetGo) {
    ContainerId id = run();
    Collect collect;
    auto stream = MUST(containers_->logs(id.str(), {.stdout_ = true, .follow = true}));
    std::stop_source leaving;
    std::thread reader([&] { EXPECT_TRUE(stream->run(collect, leaving.get_token()).ok()); });
    leaving.request_stop();
    reader.join();
}

TEST_F(LogsTest, TheDriverNoneCannotBeRead) {
    auto asked = request();
    asked.host_config.log_config.type = "none";
    ContainerId id = run("", asked);
    EXPECT_FALSE(runtime_.last(id).log.enabled);
    EXPECT_EQ(containers_->logs(id.str(), {.stdout_ = true}).error().message(),
              "configured logging driver does not support reading");
}

} // namespace
} // namespace hull::engine
