#include "build/lint.h"

#include <gtest/gtest.h>

namespace hull::build {

namespace {

std::vector<std::string> linted(const std::string& text, const std::string& check = "",
                                const std::string& ignore = "") {
    Dockerfile file = MUST(parse_dockerfile(text));
    StagePlan plan = MUST(plan_stages(file, "", {}, {"TARGETPLATFORM=linux/amd64"}));
    std::vector<std::string> out;
    const IgnoreList ignored = MUST(IgnoreList::parse(ignore));
    const model::StringList known = {"TARGETPLATFORM=linux/amd64"};
    auto base = [](const Stage& stage) {
        return stage.base == "unknown" ? std::nullopt : std::optional(model::StringList{"LANG=C"});
    };
    for (const LintWarning& warning : lint(file, plan, {ignored, known, base}, MUST(LintSettings::parse(check))))
        out.push_back(warning.brief());
    return out;
}
using Lines = std::vector<std::string>;

TEST(Lint, says_nothing_of_a_good_file) {
    EXPECT_EQ(
        linted("ARG V=1\nFROM a:$V AS one\nWORKDIR /x\nWORKDIR y\nENV A=b KEYBOARD=c PUBLIC_KEY=d\nEXPOSE 80/tcp\n"
               "COPY f /\nCMD [\"x\"]\n"),
        Lines());
}

TEST(Lint, has_BuildKits_rules_and_words) {
    EXPECT_EQ(linted("FROM a\nCMD x\n"),
              Lines{"JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to "
                    "OS signals (line 2)"});
    EXPECT_EQ(linted("FROM a\nSHELL [\"x\"]\nCMD x\n"), Lines());
    EXPECT_EQ(linted("FROM a as B\nFROM a AS b\n"),
              (Lines{"FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)",
                     "StageNameCasing: Stage name 'B' should be lowercase (line 1)",
                     "DuplicateStageName: Duplicate stage name \"b\", stage names should be unique (line 2)"}));
    EXPECT_EQ(
        linted("FROM a AS context\nrun x\nMAINTAINER y\nENV a b\nENV TOKEN=x\n"),
        (Lines{"ReservedStageName: Stage name should not use the same name as reserved stage \"context\" (line 1)",
               "ConsistentInstructionCasing: Command 'run' should match the case of the command majority "
               "(uppercase) (line 2)",
               "MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 3)",
               "LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV key value\" format "
               "(line 4)",
               "SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ENV \"TOKEN\") "
               "(line 5)"}));
    EXPECT_EQ(
        linted("FROM a\nWORKDIR x\nCMD [\"a\"]\nCMD [\"b\"]\nEXPOSE 80/TCP 1:2\nRUN a \\\n\n b\n"),
        (Lines{"WorkdirRelativePath: Relative workdir \"x\" can have unexpected results if the base image changes "
               "(line 2)",
               "MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage "
               "because only the last one will be used (line 3)",
               "ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase (line 5)",
               "ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, "
               "found '1:2' (line 5)",
               "NoEmptyContinuation: Empty continuation line (line 6)"}));
    EXPECT_EQ(linted("FROM --platform=linux/amd64 a\nFROM --platform=$TARGETPLATFORM a\n"),
              (Lines{"FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value "
                     "\"linux/amd64\" (line 1)",
                     "RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as "
                     "this is the default behavior (line 2)"}));
    EXPECT_EQ(linted("ARG VERSION=1\nFROM a:${VERSION}x$VERSIOM\n"),
              Lines{"UndefinedArgInFrom: FROM argument 'VERSIOM' is not declared (did you mean VERSION?) (line 2)"});
    EXPECT_EQ(
        linted("FROM a\nCOPY secret.txt b /\n", "", "*.txt\n"),
        Lines{"CopyIgnoredFile: Attempting to Copy file \"secret.txt\" that is excluded by .dockerignore (line 2)"});
}

TEST(Lint, rules_can_be_skipped) {
    EXPECT_EQ(linted("FROM a AS B\nCMD x\n", "skip=jsonargsrecommended,StageNameCasing"), Lines());
    EXPECT_EQ(linted("FROM a AS B\nCMD x\n", "skip=all;error=true"), Lines());
    EXPECT_TRUE(MUST(LintSettings::parse("error = true")).error);
    EXPECT_FALSE(LintSettings::parse("nonsense=1").ok());
}

TEST(Lint, variables_that_nothing_defines) {
    EXPECT_EQ(linted("FROM a\nENV PATH=$PAHT:/bin\n"),
              Lines{"UndefinedVar: Usage of undefined variable '$PAHT' (did you mean $PATH?) (line 2)"});
    EXPECT_EQ(linted("FROM a AS one\nCOPY $foo .\n"),
              Lines{"UndefinedVar: Usage of undefined variable '$foo' (line 2)"});
    EXPECT_EQ(linted("ARG G=1\nFROM a\nWORKDIR /$G\n"),
              Lines{"UndefinedVar: Usage of undefined variable '$G' (line 3)"});
    // Defined, replaced by a shell or by what stands beside them, meant as they are, or the base's.
    EXPECT_EQ(linted("FROM a AS one\nARG A B=$LANG\nENV C=$A D=${E:-f}\nWORKDIR /$B$C\nRUN echo $X\nENV F='$X' G=\\$X\n"
                     "FROM one\nUSER $D\n"),
              Lines());
    EXPECT_EQ(linted("FROM unknown AS one\nWORKDIR /$X\nFROM one\nUSER $Y\n"), Lines());
    EXPECT_EQ(linted("FROM scratch\nUSER $LANG\n"),
              Lines{"UndefinedVar: Usage of undefined variable '$LANG' (line 2)"});
}

TEST(Lint, descriptions_when_asked_for) {
    const std::string text =
        "# something else\nFROM a AS base\n# V is a version\nARG V=1\n# other\n\nARG W\n# other\nARG X Y\n";
    EXPECT_EQ(linted(text), Lines());
    EXPECT_EQ(
        linted(text, "experimental=InvalidDefinitionDescription"),
        (Lines{
            "InvalidDefinitionDescription: Comment for FROM should follow the format: `# base <description>` (line 2)",
            "InvalidDefinitionDescription: Comment for ARG should follow the format: `# <arg_key> <description>` (line "
            "9)"}));
}

} // namespace

} // namespace hull::build
