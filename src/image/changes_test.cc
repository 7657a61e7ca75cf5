#include "image/changes.h"
#include "image/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/platform.h"

namespace hull::image {
namespace {

using model::ContainerConfig;
using ::testing::ElementsAre;
using ::testing::Optional;
using ::testing::Pair;

ContainerConfig changed(const std::vector<std::string>& changes) {
    ContainerConfig config;
    auto applied = apply_changes(config, changes);
    EXPECT_TRUE(applied.ok()) << applied.error().message();
    return config;
}

std::string refusal(const std::string& change) {
    ContainerConfig config;
    auto applied = apply_changes(config, {change});
    EXPECT_FALSE(applied.ok()) << change;
    return applied.ok() ? "" : applied.error().message();
}

TEST(Changes, CommandsHaveAShellFormAndAListForm) {
    EXPECT_THAT(changed({R"(CMD ["sh", "-c", "x y"])"}).cmd, Optional(ElementsAre("sh", "-c", "x y")));
    EXPECT_THAT(changed({"cmd echo \"hi\" $HOME"}).cmd, Optional(ElementsAre("/bin/sh", "-c", "echo \"hi\" $HOME")));
    EXPECT_THAT(changed({"ENTRYPOINT [\"/init\"]"}).entrypoint, Optional(ElementsAre("/init")));
    EXPECT_THAT(changed({"ENTRYPOINT []"}).entrypoint, Optional(ElementsAre()));
    EXPECT_THAT(changed({"CMD [not json"}).cmd, Optional(ElementsAre("/bin/sh", "-c", "[not json")));
}

TEST(Changes, EnvAndLabelsTakePairsQuotesAndVariables) {
    EXPECT_THAT(changed({"ENV A=1 B=\"two words\" C=t\\ x D='$A'", "ENV A=2", "ENV F=$B/$A",
                         "ENV E $A/${B}${F:-none}${A:+yes}"})
                    .env,
                ElementsAre("A=2", "B=two words", "C=t x", "D=$A", "F=two words/2", "E=2/two wordstwo words/2yes"));
    EXPECT_THAT(changed({"LABEL a=b \"c d\"=\"e f\"\nLABEL old form of it"}).labels,
                ElementsAre(Pair("a", "b"), Pair("c d", "e f"), Pair("old", "form of it")));
    EXPECT_THAT(changed({"LABEL \"a b\"=c x=${NO:-y z}"}).labels, ElementsAre(Pair("a b", "c"), Pair("x", "y z")));
    EXPECT_EQ(refusal("ENV A"), "ENV must have two arguments");
    EXPECT_EQ(refusal("ENV =x"), "ENV names can not be blank");
    EXPECT_EQ(refusal("ENV A=1 B"), "Syntax error - can't find = in \"B\". Must be of the form: name=value");
    EXPECT_THAT(refusal("ENV A=\"x"), ::testing::HasSubstr("unexpected end of statement"));
}

TEST(Changes, variables_have_all_forms_of_the_reference) {
    const model::StringList env{"V=foobarbaz", "EMPTY=", "P=f*b", "TWO=a b"};
    auto expanded = [&](std::string_view text) {
        auto word = expand_word(text, env);
        return word.ok() ? *word : "error: " + word.error().message();
    };
    EXPECT_EQ(expanded("$V/${V}"), "foobarbaz/foobarbaz");
    EXPECT_EQ(expanded("\\$V '$V' \"$V\""), "$V $V foobarbaz");
    EXPECT_EQ(expanded("[${NONE:-d}][${EMPTY:-d}][${EMPTY-d}][${NONE-$V}]"), "[d][d][][foobarbaz]");
    EXPECT_EQ(expanded("[${NONE:+d}][${EMPTY:+d}][${EMPTY+d}][${V+d}]"), "[][][d][d]");
    EXPECT_EQ(expanded("${NONE:?is missing}"), "error: NONE: is missing");
    EXPECT_EQ(expanded("${EMPTY?fine}"), "");
    EXPECT_EQ(expanded("${V#f*b} ${V##f*b} ${V%b*} ${V%%b*}"), "arbaz az foobar foo");
    EXPECT_EQ(expanded("${V#$P} ${V/ba/fo} ${V//ba/fo}"), "arbaz fooforbaz fooforfoz");
    EXPECT_EQ(expanded("${V#\\f\\o} ${V%x}"), "obarbaz foobarbaz");
    EXPECT_EQ(expanded("${NONE:-${EMPTY:-in ${V}}}"), "in foobarbaz");
    for (const char* wrong : {"${V", "${}", "${V:}", "${V:x}", "${V^}", "'x", "\"x"})
        EXPECT_THAT(expanded(wrong), ::testing::StartsWith("error: ")) << wrong;
    EXPECT_THAT(*split_words("x$TWO \"$TWO\" $EMPTY ''", env), ElementsAre("xa b", "a b", "", ""));
    EXPECT_THAT(*split_values("x$TWO \"$TWO\" $EMPTY ''", env), ElementsAre("xa", "b", "a b", ""));
    EXPECT_THAT(raw_words(" a\\ b  '\\' \"c \\\" d\"${E:-f g} "),
                ElementsAre("a\\ b", "'\\'", "\"c \\\" d\"${E:-f g}"));
}

TEST(Changes, TheOthersAreReadToo) {
    ContainerConfig config =
        changed({"EXPOSE 80 8000-8002/UDP", "VOLUME [\"/data\"]", "VOLUME /b /data", "USER www:www", "WORKDIR /a/./b",
                 "WORKDIR ../c", "STOPSIGNAL SIGRTMIN+3", "ONBUILD RUN make", "# a comment"});
    EXPECT_THAT(config.exposed_ports, ElementsAre("80/tcp", "8000/udp", "8001/udp", "8002/udp"));
    EXPECT_THAT(config.volumes, ElementsAre("/b", "/data"));
    EXPECT_EQ(config.user, "www:www");
    EXPECT_EQ(config.working_dir, "/a/c");
    EXPECT_EQ(config.stop_signal, "SIGRTMIN+3");
    EXPECT_THAT(config.on_build, ElementsAre("RUN make"));
}

TEST(Changes, HealthchecksAreRead) {
    auto check =
        changed({"HEALTHCHECK --interval=1m30s --timeout=500ms --retries=4 CMD curl -f localhost"}).healthcheck;
    ASSERT_TRUE(check);
    EXPECT_THAT(check->test, ElementsAre("CMD-SHELL", "curl -f localhost"));
    EXPECT_EQ(check->interval, 90'000'000'000);
    EXPECT_EQ(check->timeout, 500'000'000);
    EXPECT_EQ(check->retries, 4);
    EXPECT_THAT(changed({"HEALTHCHECK NONE"}).healthcheck->test, ElementsAre("NONE"));
    EXPECT_THAT(changed({R"(HEALTHCHECK CMD ["a","b"])"}).healthcheck->test, ElementsAre("CMD", "a", "b"));
    EXPECT_EQ(refusal("HEALTHCHECK --often CMD x"), "Unknown flag: often");
    EXPECT_EQ(refusal("HEALTHCHECK CMD"), "Missing command after HEALTHCHECK CMD");
    EXPECT_EQ(refusal("HEALTHCHECK TRY x"), "Unknown type \"TRY\" in HEALTHCHECK (try CMD)");
    EXPECT_EQ(refusal("HEALTHCHECK --interval=5 CMD x"), "time: missing unit in duration \"5\"");
}

TEST(Changes, WhatIsNotAllowedIsNamed) {
    EXPECT_EQ(refusal("RUN x"), "run is not a valid change command");
    EXPECT_EQ(refusal("nonsense"), "nonsense is not a valid change command");
    EXPECT_EQ(refusal("EXPOSE 70000"), "invalid containerPort: 70000");
    EXPECT_EQ(refusal("EXPOSE 80/xyz"), "invalid proto: xyz");
    EXPECT_EQ(refusal("STOPSIGNAL SIGNOPE"), "invalid signal: SIGNOPE");
    EXPECT_EQ(refusal("STOPSIGNAL 65"), "invalid signal: 65");
    EXPECT_EQ(refusal("ONBUILD ONBUILD RUN x"), "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    EXPECT_EQ(refusal("ONBUILD FROM x"), "FROM isn't allowed as an ONBUILD trigger");
    EXPECT_EQ(refusal("USER a b"), "USER requires exactly one argument");
    EXPECT_EQ(refusal("LABEL"), "LABEL requires at least one argument");
}

TEST(Platform, IsReadAsGoNamesIt) {
    EXPECT_EQ(parse_platform("linux/arm64/v8")->variant, "v8");
    EXPECT_EQ(parse_platform("linux/x86_64")->architecture, "amd64");
    EXPECT_EQ(parse_platform("aarch64")->architecture, "arm64");
    EXPECT_EQ(parse_platform("linux")->architecture, host_platform().architecture);
    for (const char* bad : {"", "/", "linux/", "linux/amd64/v1/x", "linux/toaster"})
        EXPECT_EQ(parse_platform(bad).error().kind(), ErrorKind::invalid_argument) << bad;
    EXPECT_EQ(parse_platform("windows/amd64").error().kind(), ErrorKind::unsupported);
}

} // namespace
} // namespace hull::image
