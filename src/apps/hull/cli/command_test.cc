#include "apps/hull/cli/command.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::cli {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

TEST(CommandTable, FindsCommandsByEverySpelling) {
    for (Words words : {Words{"ps"}, Words{"container", "ls"}, Words{"container", "list"}, Words{"container", "ps"}}) {
        Found found = find_command(words);
        ASSERT_NE(found.command, nullptr) << words[0];
        EXPECT_EQ(found.command->path, "container ls");
        EXPECT_EQ(found.words, words.size());
    }
    EXPECT_EQ(find_command(Words{"image", "rm", "x"}).command, find_command(Words{"rmi"}).command);
    EXPECT_EQ(find_command(Words{"bootstrap"}).command, nullptr);
    EXPECT_NE(find_command(Words{"image"}).manager, nullptr);
}

TEST(CommandTable, HasWhatTheIssueAsksFor) {
    for (const char* name :
         {"run",     "create", "start",   "stop", "restart", "kill",  "rm",      "ps",     "logs",   "exec",
          "attach",  "wait",   "inspect", "top",  "stats",   "pause", "unpause", "rename", "events", "info",
          "version", "images", "rmi",     "tag",  "import",  "load",  "save",    "history"})
        EXPECT_NE(find_command(Words{name}).command, nullptr) << name;
    EXPECT_NE(find_command(Words{"image", "bootstrap"}).command, nullptr);
}

TEST(CommandTable, NoFlagIsThereTwice) {
    for (const Command& c : commands()) {
        std::set<std::string_view> names;
        std::set<char> letters;
        for (auto flags : {c.flags, c.more_flags})
            for (const Flag& f : flags) {
                EXPECT_TRUE(names.insert(f.name).second) << c.path << " --" << f.name;
                EXPECT_TRUE(f.letter == 0 || letters.insert(f.letter).second) << c.path << " -" << f.letter;
                EXPECT_TRUE(f.alias_of.empty() || c.tables().find(f.alias_of)) << f.name;
            }
        EXPECT_NE(c.run, nullptr) << c.path;
    }
}

TEST(CommandTable, HelpNamesFlagsAndAliases) {
    std::string help = help_text(*find_command(Words{"run"}).command);
    EXPECT_THAT(help, HasSubstr("Usage:  hull run [OPTIONS] IMAGE [COMMAND] [ARG...]\n"));
    EXPECT_THAT(help, HasSubstr("hull container run, hull run\n"));
    EXPECT_THAT(help, HasSubstr("\n  -i, --interactive "));
    EXPECT_THAT(help, HasSubstr("\n      --rm "));
    EXPECT_THAT(top_help(), HasSubstr("Management Commands:\n  builder"));
}

TEST(CommandTable, SuggestsWhatIsClose) {
    EXPECT_THAT(suggestions("strat", nullptr), testing::Contains("start"));
    EXPECT_THAT(suggestions("insp", nullptr), testing::Contains("inspect"));
    EXPECT_TRUE(suggestions("xyzzy", nullptr).empty());
}

} // namespace
} // namespace hull::cli
