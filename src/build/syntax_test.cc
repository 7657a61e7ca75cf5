#include "build/syntax.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::build {
namespace {

using ::testing::HasSubstr;

// What is wrong with an instruction that stands below FROM; empty: nothing.
std::string wrong(const std::string& instruction) {
    auto file = parse_dockerfile("FROM a\n" + instruction + "\n");
    EXPECT_TRUE(file.ok()) << instruction;
    auto checked = check_syntax(*file);
    return checked.ok() ? "" : checked.error().message();
}

TEST(Syntax, what_an_instruction_takes_is_known_before_it_is_carried_out) {
    const std::pair<const char*, const char*> cases[] = {
        {"ENV", "ENV requires at least one argument"},
        {"ENV a", "ENV must have two arguments"},
        {"ENV a=1 b", "Syntax error - can't find = in \"b\". Must be of the form: name=value"},
        {"ENV =1", "ENV names can not be blank"},
        {"LABEL a", "LABEL must have two arguments"},
        {"ARG", "ARG requires at least one argument"},
        {"ARG =1", "ARG names can not be blank"},
        {"COPY", "COPY requires at least two arguments"},
        {"COPY a", "COPY requires at least two arguments, but only one was provided."},
        {"ADD [\"a\"]", "ADD requires at least two arguments, but only one was provided."},
        {"RUN", "RUN requires at least one argument"},
        {"RUN []", "RUN requires at least one argument"},
        {"MAINTAINER", "MAINTAINER requires exactly one argument"},
        {"USER a b", "USER requires exactly one argument"},
        {"SHELL sh -c", "SHELL requires the arguments to be in JSON form"},
        {"EXPOSE", "EXPOSE requires at least one argument"},
        {"EXPOSE 80/xyz", "invalid proto: xyz"},
        {"VOLUME", "VOLUME requires at least one argument"},
        {"STOPSIGNAL SIGWHAT", "invalid signal: SIGWHAT"},
        {"HEALTHCHECK whatever", "Unknown type \"WHATEVER\" in HEALTHCHECK (try CMD)"},
        {"HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"},
        {"HEALTHCHECK --intervall=1s CMD true", "Unknown flag: intervall"},
        {"ONBUILD ONBUILD RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"},
        {"ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"},
        {"ENV --x=1 a=b", "unknown flag: --x of ENV (it has none)"},
        {"COPY --chwon=1 a b", "unknown flag: --chwon of COPY (did you mean chown?)"},
        {"RUN --qwertzuiop=1 true", "(it has --mount, --network, --security, --device)"},
    };
    for (const auto& [instruction, what] : cases) EXPECT_THAT(wrong(instruction), HasSubstr(what)) << instruction;
}

TEST(Syntax, what_depends_on_variables_is_left_to_the_step) {
    for (const char* fine :
         {"EXPOSE $PORTS", "STOPSIGNAL ${SIG:-TERM}", "USER $A$B", "ENV a=${b:-c d} e=$f", "ENV a b c",
          "ENV a=\"b c\" d='e f'", "WORKDIR $HOME", "COPY [\"a b\", \"c\"]", "VOLUME $V", "CMD", "ENTRYPOINT []",
          "HEALTHCHECK NONE", "ONBUILD RUN x", "ARG A B=1", "COPY <<EOF /x\nEOF"})
        EXPECT_EQ(wrong(fine), "") << fine;
}

TEST(Syntax, the_word_is_marked_on_the_line_that_it_is_on) {
    EXPECT_EQ(wrong("COPY \\\n\t--chwon=1 a b"),
              "dockerfile parse error on line 2: unknown flag: --chwon of COPY (did you mean chown?)\n"
              "Dockerfile:3\n    3 | \t--chwon=1 a b\n        \t^^^^^^^");
}

} // namespace
} // namespace hull::build
