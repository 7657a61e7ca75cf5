// A Dockerfile's text as instructions: directives, continued lines, comments,
// flags, here-documents. What the words of an instruction mean is not known here.
// Source: Dockerfile reference, "Format", "Parser directives", "Here-Documents".
//
// print() gives a text that parses to the same again.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hull::build {

struct Heredoc {
    std::string name;
    std::string content; // with its line ends; tabs before it removed when chomp
    bool expand = true;  // false: the name was quoted
    bool chomp = false;  // <<-
};

struct Flag { // --name=value, --name
    std::string name, value;
    bool has_value = false;
};

struct Instruction {
    std::string keyword;  // in capitals
    std::string original; // as written, continued lines joined, without here-documents' contents
    std::vector<Flag> flags;
    std::string rest; // after the flags, as written
    std::vector<Heredoc> heredocs;
    int line = 0, end_line = 0; // from 1
};

struct Directives {
    char escape = '\\';
    std::string syntax, check;
};

struct Dockerfile {
    Directives directives;
    std::vector<Instruction> instructions; // at least one
    std::vector<std::string> warnings;
    std::string name;               // of the file, for messages
    std::vector<std::string> lines; // the same
};

// Text beyond this is refused: no Dockerfile is that long.
constexpr size_t max_dockerfile_bytes = size_t{16} << 20;

// Errors: invalid_argument with the line ("dockerfile parse error on line 3:
// unknown instruction: RUNN (did you mean RUN?)") and where in it.
Result<Dockerfile> parse_dockerfile(std::string_view text, std::string name = "Dockerfile");
std::string print(const Dockerfile& file);

// ["a", "b"] as JSON; nullopt: it is none, so it is text for a shell.
std::optional<std::vector<std::string>> exec_form(std::string_view text);

// The word of words that text may have been meant to be.
std::optional<std::string> did_you_mean(std::string_view text, std::span<const std::string_view> words);

// The error with the line it is about below it, as it stands in the file, and a
// mark under word (empty: under the keyword).
Error at_line(Error error, const Dockerfile& file, const Instruction& instruction, std::string_view word = {});

} // namespace hull::build
