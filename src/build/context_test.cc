#include "build/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/compress/sha256.h"
#include "codec/tar_writer.h"

namespace hull::build {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Item {
    std::string path, data;
    tar::Type type = tar::Type::file;
    std::string target = {};
    uint32_t mode = 0644;
};

std::string make_tar(const std::vector<Item>& items) {
    TextSink out;
    tar::Writer writer(out);
    for (const Item& item : items) {
        tar::Entry entry;
        entry.path = item.path;
        entry.type = item.type;
        entry.mode = item.mode;
        entry.size = item.data.size();
        entry.link_target = item.target;
        EXPECT_TRUE(writer.add(entry).ok());
        EXPECT_TRUE(writer.data(item.data).ok());
    }
    EXPECT_TRUE(writer.finish().ok());
    return out.take();
}

Result<std::unique_ptr<Context>> read(const std::string& tar, const ContextLimits& limits = {}) {
    TextSource source(tar);
    return Context::from_tar(source, ::testing::TempDir(), limits);
}

TEST(BuildContext, keeps_files_and_folders) {
    auto context = read(make_tar({{"./b/y", "why"}, {"a.txt", "hello"}, {"b/x", ""}, {"b-c", "dash"}}));
    ASSERT_TRUE(context.ok()) << context.error().message();
    EXPECT_THAT(*(*context)->children(""), ElementsAre("a.txt", "b", "b-c"));
    EXPECT_THAT(*(*context)->children("b"), ElementsAre("x", "y"));
    EXPECT_EQ(*(*context)->read("b/y", 10), "why");
    EXPECT_EQ((*context)->known_digest("a.txt"), sha256_hex("hello"));
    EXPECT_FALSE((*context)->read("a.txt", 4).ok());
    EXPECT_FALSE((*context)->read("none", 4).ok());
    EXPECT_EQ((*context)->look("b")->value().type, tar::Type::directory);
}

TEST(BuildContext, links_stay_inside) {
    auto context = read(make_tar({{"f", "data"},
                                  {"l", "", tar::Type::symlink, "/f"},
                                  {"up", "", tar::Type::symlink, "../../../f"},
                                  {"loop", "", tar::Type::symlink, "loop"},
                                  {"h", "", tar::Type::hard_link, "f"}}));
    ASSERT_TRUE(context.ok()) << context.error().message();
    EXPECT_EQ(*(*context)->read("l", 10), "data");
    EXPECT_EQ(*(*context)->read("up", 10), "data");
    EXPECT_EQ(*(*context)->read("h", 10), "data");
    EXPECT_THAT((*context)->read("loop", 10).error().message(), HasSubstr("too many levels"));
    EXPECT_EQ(*resolve(**context, "l", FinalLink::kept), "l");
}

TEST(BuildContext, I2_hostile_archives_are_refused) {
    EXPECT_THAT(read(make_tar({{"../x", ""}})).error().message(), HasSubstr("leads out"));
    EXPECT_THAT(read(make_tar({{"a", "", tar::Type::symlink, "/etc"}, {"a/passwd", "x"}})).error().message(),
                HasSubstr("below a link"));
    EXPECT_THAT(read(make_tar({{"h", "", tar::Type::hard_link, "/etc/passwd"}})).error().message(),
                HasSubstr("hard link to nothing"));
    EXPECT_EQ(read(make_tar({{"a", "12345"}, {"b", "12345"}}), {.bytes = 9}).error().kind(), ErrorKind::too_large);
    EXPECT_EQ(read(make_tar({{"a", ""}, {"b", ""}}), {.entries = 1}).error().kind(), ErrorKind::too_large);
    EXPECT_FALSE(read(std::string(2000, 'x')).ok());
    EXPECT_FALSE(read(make_tar({{"a", std::string(3000, 'y')}}).substr(0, 1500)).ok());
}

TEST(BuildContext, a_later_entry_replaces_an_earlier_one) {
    auto context = read(make_tar({{"d/a", "1"}, {"d", "file now"}, {"e", "1"}, {"e", "2"}}));
    ASSERT_TRUE(context.ok()) << context.error().message();
    EXPECT_EQ(*(*context)->read("d", 10), "file now");
    EXPECT_FALSE((*context)->look("d/a")->has_value());
    EXPECT_EQ(*(*context)->read("e", 10), "2");
}

TEST(BuildContext, what_is_ignored_is_not_there) {
    auto context = read(make_tar({{"docs/a", "1"}, {"docs/keep", "2"}, {"x", "3"}}));
    ASSERT_TRUE(context.ok());
    (*context)->leave_out(*IgnoreList::parse("docs\n!docs/keep\n"));
    EXPECT_THAT(*(*context)->children("docs"), ElementsAre("keep"));
    EXPECT_THAT(*(*context)->children(""), ElementsAre("docs", "x"));
}

} // namespace
} // namespace hull::build
