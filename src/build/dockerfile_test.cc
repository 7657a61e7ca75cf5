#include "build/dockerfile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::build {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Dockerfile parsed(std::string_view text) {
    auto file = parse_dockerfile(text);
    EXPECT_TRUE(file.ok()) << file.error().message();
    return file.ok() ? std::move(*file) : Dockerfile();
}
std::string refused(std::string_view text) {
    auto file = parse_dockerfile(text);
    EXPECT_FALSE(file.ok());
    return file.ok() ? "" : file.error().message();
}

TEST(Dockerfile, has_instructions_with_their_lines) {
    auto file = parsed("# a comment\nFROM scratch\n\n  run echo hi\nCMD [\"a\", \"b\"]");
    ASSERT_THAT(file.instructions, SizeIs(3));
    EXPECT_EQ(file.instructions[0].keyword, "FROM");
    EXPECT_EQ(file.instructions[0].rest, "scratch");
    EXPECT_EQ(file.instructions[0].line, 2);
    EXPECT_EQ(file.instructions[1].keyword, "RUN");
    EXPECT_EQ(file.instructions[1].original, "run echo hi");
    EXPECT_EQ(file.instructions[1].line, 4);
    EXPECT_THAT(*exec_form(file.instructions[2].rest), ElementsAre("a", "b"));
}

TEST(Dockerfile, continued_lines_are_joined_without_comments_and_empty_lines) {
    auto file = parsed("FROM a\nRUN one && \\\n# not this\n\n   two \\  \n&& three\nRUN x\n");
    ASSERT_THAT(file.instructions, SizeIs(3));
    EXPECT_EQ(file.instructions[1].rest, "one &&    two && three");
    EXPECT_EQ(file.instructions[1].end_line, 6);
    EXPECT_THAT(file.warnings, ElementsAre(HasSubstr("Empty continuation line")));
    EXPECT_EQ(file.instructions[2].line, 7);
}

TEST(Dockerfile, the_escape_character_can_be_another) {
    auto file = parsed("# escape=`\nFROM a\nRUN dir `\n c:\\\\x\n");
    EXPECT_EQ(file.instructions[1].rest, "dir  c:\\\\x");
    EXPECT_THAT(refused("#escape=x\nFROM a"), HasSubstr("invalid ESCAPE 'x'"));
    EXPECT_THAT(refused("#escape=`\n#escape=`\nFROM a"), HasSubstr("only one escape parser directive"));
    // After a comment or an empty line it is a comment itself.
    EXPECT_EQ(parsed("# hello\n# escape=`\nFROM a").directives.escape, '\\');
    EXPECT_EQ(parsed("# syntax=docker/dockerfile:1\n# escape=`\nFROM a").directives.syntax, "docker/dockerfile:1");
}

TEST(Dockerfile, flags_are_before_the_rest) {
    auto file =
        parsed("FROM --platform=linux/amd64 a AS b\nCOPY --link --chown=1:2 \"--from=x y\" -- a b\nRUN echo --no\n");
    ASSERT_THAT(file.instructions[0].flags, SizeIs(1));
    EXPECT_EQ(file.instructions[0].flags[0].value, "linux/amd64");
    EXPECT_EQ(file.instructions[0].rest, "a AS b");
    ASSERT_THAT(file.instructions[1].flags, SizeIs(2));
    EXPECT_FALSE(file.instructions[1].flags[0].has_value);
    EXPECT_EQ(file.instructions[1].flags[1].name, "chown");
    EXPECT_THAT(file.instructions[2].flags, SizeIs(0));
}

TEST(Dockerfile, here_documents) {
    auto file = parsed("FROM a\nRUN <<EOF sh\none\n# kept\n  two\nEOF\nCOPY <<-\"A\" <<B /x/\n\ttext "
                       "$V\n\tA\nb\nB\nRUN cat <<<x \"<<y\"\n");
    ASSERT_THAT(file.instructions, SizeIs(4));
    ASSERT_THAT(file.instructions[1].heredocs, SizeIs(1));
    EXPECT_EQ(file.instructions[1].heredocs[0].content, "one\n# kept\n  two\n");
    EXPECT_TRUE(file.instructions[1].heredocs[0].expand);
    EXPECT_EQ(file.instructions[1].end_line, 6);
    ASSERT_THAT(file.instructions[2].heredocs, SizeIs(2));
    EXPECT_EQ(file.instructions[2].heredocs[0].content, "text $V\n");
    EXPECT_FALSE(file.instructions[2].heredocs[0].expand);
    EXPECT_EQ(file.instructions[2].heredocs[1].content, "b\n");
    EXPECT_THAT(file.instructions[3].heredocs, SizeIs(0));
    EXPECT_THAT(refused("FROM a\nRUN <<EOF\nx\n"), HasSubstr("line 2: unterminated heredoc"));
}

TEST(Dockerfile, B1_what_is_no_dockerfile_is_refused_with_its_line) {
    EXPECT_THAT(refused(""), HasSubstr("cannot be empty"));
    EXPECT_THAT(refused(" \n\n"), HasSubstr("cannot be empty"));
    EXPECT_THAT(refused("# only a comment\n"), HasSubstr("no instructions"));
    EXPECT_EQ(refused("FROM a\n  RUNN x"), "dockerfile parse error on line 2: unknown instruction: RUNN (did you mean "
                                           "RUN?)\nDockerfile:2\n    2 |   RUNN x\n          ^^^^");
    EXPECT_THAT(refused("FROM a\nqwertz x"),
                HasSubstr("dockerfile parse error on line 2: unknown instruction: qwertz\n"));
    EXPECT_THAT(refused(std::string_view("FROM a\n\0RUN", 11)), HasSubstr("not a text"));
}

TEST(Dockerfile, windows_line_ends_and_a_byte_order_mark_are_no_matter) {
    auto file = parsed("\xEF\xBB\xBF"
                       "FROM a\r\nRUN b \\\r\n c\r\n");
    ASSERT_THAT(file.instructions, SizeIs(2));
    EXPECT_EQ(file.instructions[1].rest, "b  c");
}

TEST(Dockerfile, an_escaped_escape_at_the_end_of_a_line_does_not_continue_it) {
    Dockerfile file = parsed("FROM a\nRUN dir c:\\\\\nRUN b\n");
    ASSERT_EQ(file.instructions.size(), 3u);
    EXPECT_EQ(file.instructions[1].rest, "dir c:\\\\");
}

// Found by the fuzzer: "COPY a \<tab>\<tab>" at the end of the file.
TEST(Dockerfile, marks_at_the_end_of_the_file_are_all_dropped) {
    for (const char* end : {"\\", "\\\t\\\t", "\\ \\ \\\n", "\\\n\\", "\\ \\\n\\\n"}) {
        Dockerfile file = parsed(std::string("FROM a\nRUN b ") + end);
        EXPECT_EQ(file.instructions.back().rest, "b") << end;
        EXPECT_EQ(print(parsed(print(file))), print(file)) << end;
    }
}

TEST(Dockerfile, returns_before_the_newline_are_not_of_the_line) {
    Dockerfile file = parsed("FROM a\r\r\nCOPY <<E /x\r\ntext\r\r\nE\r\n");
    EXPECT_EQ(file.instructions.front().rest, "a");
    EXPECT_EQ(file.instructions.back().heredocs.front().content, "text\n");
}

TEST(Dockerfile, printed_it_parses_to_the_same) {
    auto file = parsed("# escape=`\nFROM a\nRUN <<X <<Y\n1\nX\n2\nY\nENV a=b `\n  c=d\n");
    auto again = parsed(print(file));
    EXPECT_EQ(print(again), print(file));
    EXPECT_EQ(again.instructions.size(), file.instructions.size());
}

TEST(ExecForm, is_a_list_of_texts) {
    EXPECT_THAT(*exec_form("[]"), SizeIs(0));
    EXPECT_FALSE(exec_form("[\"a\", 1]"));
    EXPECT_FALSE(exec_form("['a']"));
    EXPECT_FALSE(exec_form("echo [\"a\"]"));
}

} // namespace
} // namespace hull::build
