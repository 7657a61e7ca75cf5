#include "image/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/test_images.h"

namespace hull::image {
namespace {

using ::testing::ElementsAre;

Digest some_digest(char c) { return Digest::from_sha256_hex(std::string(64, c)); }

TEST(Target, ALoneImageIsItsId) {
    Target target{{some_digest('a')}, std::nullopt};
    EXPECT_EQ(print_target(target), some_digest('a').str());
    EXPECT_EQ(parse_target(some_digest('a').str()).value(), target);
}

TEST(Target, ComesBackAsItWas) {
    Target target{{some_digest('a'), some_digest('b')}, some_digest('c')};
    EXPECT_EQ(parse_target(print_target(target)).value(), target);
    target.index.reset();
    EXPECT_EQ(parse_target(print_target(target)).value(), target);
}

TEST(Target, NonsenseIsRefused) {
    for (const char* text : {"", "x", "{", "{}", R"({"images":[]})", R"({"images":["x"]})", "sha256:../../etc"})
        EXPECT_FALSE(parse_target(text).ok()) << text;
    Digest a = some_digest('a');
    auto twice = parse_target(R"({"images":[")" + a.str() + R"(",")" + a.str() + R"("]})");
    EXPECT_THAT(twice->images, ElementsAre(a));
}

using TargetImages = TestImages;

TEST_F(TargetImages, ANameLosesImagesThatAreGoneAtTheNextStart) {
    Digest first = import({{"f", "1"}}, "one"), second = import({{"f", "2"}}, "two");
    const std::string name = "docker.io/library/both:latest";
    ASSERT_TRUE(
        records->put(store::Table::references, name, print_target({{some_digest('e'), second, first}, std::nullopt}))
            .ok());
    reopen();
    EXPECT_EQ(images->resolve("both").value()->id, second);
    EXPECT_EQ(images->inspect("both")->group.size(), 2U);
    EXPECT_THAT(images->inspect(first.str())->repo_tags, ElementsAre("both:latest", "one:latest"));
}

} // namespace
} // namespace hull::image
