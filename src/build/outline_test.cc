#include "build/outline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::build {

namespace {

const char* const described = "# BASE is what all stands on\n"
                              "ARG BASE=a UNUSED=1\n"
                              "# tools has the compilers\n"
                              "FROM $BASE AS tools\n"
                              "# VERSION of the tools\n"
                              "ARG VERSION=1.${MINOR:-2}\n"
                              "RUN --mount=type=secret,id=key,required --mount=type=ssh true\n"
                              "FROM scratch AS other\n"
                              "ARG NOT_NEEDED\n"
                              "FROM tools\n"
                              "RUN --mount=type=cache,target=/root/.cache --mount=type=secret,target=/x/token true\n";

TEST(Outline, has_what_the_target_needs) {
    Dockerfile file = MUST(parse_dockerfile(described));
    GivenArgs given{{"VERSION", "7"}};
    StagePlan plan = MUST(plan_stages(file, "", given, {}));
    Outline outline = MUST(outline_of(file, plan, given, {}));
    ASSERT_EQ(outline.arguments.size(), 2u);
    EXPECT_EQ(outline.arguments[0].name, "BASE");
    EXPECT_EQ(outline.arguments[0].value, "a");
    EXPECT_EQ(outline.arguments[0].description, "is what all stands on");
    EXPECT_EQ(outline.arguments[1].name, "VERSION");
    EXPECT_EQ(outline.arguments[1].value, "7");
    ASSERT_EQ(outline.secrets.size(), 2u);
    EXPECT_EQ(outline.secrets[0].name, "key");
    EXPECT_TRUE(outline.secrets[0].required);
    EXPECT_EQ(outline.secrets[1].name, "token");
    EXPECT_FALSE(outline.secrets[1].required);
    ASSERT_EQ(outline.agents.size(), 1u);
    EXPECT_EQ(outline.agents[0].name, "default");
    EXPECT_THAT(outline.as_json(), testing::HasSubstr(R"("cache":[{"ID":"/root/.cache")"));

    outline = MUST(outline_of(file, MUST(plan_stages(file, "tools", {}, {})), {}, {}));
    EXPECT_EQ(outline.name, "tools");
    EXPECT_EQ(outline.description, "has the compilers");
    EXPECT_EQ(outline.arguments[1].value, "1.2");
    EXPECT_EQ(outline.secrets.size(), 1u);
}

TEST(Outline, globals_are_those_that_FROM_names) {
    Dockerfile file = MUST(parse_dockerfile("ARG V=1\nARG VERSION=2\nARG TAG=3\nFROM a:$VERSION-${TAG:-4}\n"));
    Outline outline = MUST(outline_of(file, MUST(plan_stages(file, "", {}, {})), {}, {}));
    ASSERT_EQ(outline.arguments.size(), 2u);
    EXPECT_EQ(outline.arguments[0].name, "VERSION");
    EXPECT_EQ(outline.arguments[1].name, "TAG");
}

TEST(Outline, targets_are_stages_with_a_name_and_the_last) {
    Dockerfile file = MUST(parse_dockerfile(described));
    EXPECT_EQ(targets_json(file, MUST(plan_stages(file, "", {}, {}))),
              R"({"targets":[{"name":"tools","description":"has the compilers","base":"a"},)"
              R"({"name":"other","base":"scratch"},{"default":true,"base":"tools"}]})");
}

} // namespace

} // namespace hull::build
