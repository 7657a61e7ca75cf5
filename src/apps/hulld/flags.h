// hulld's flags and the configuration file, as text: dockerd's names and rules.
//
// A flag and a key of the file are the same option; both given is an error, as
// is a name that no option has. options.h turns the texts into types.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hull {

enum class FlagKind : unsigned char {
    boolean,
    text,
    number,
    list, // may come more than once
    map,  // key=value, may come more than once; an object in the file
};

struct Flag {
    std::string_view name; // without dashes
    char letter;           // 0: none
    FlagKind kind;
    std::string_view file_key; // empty: the name
    std::string_view help;
    std::string_view default_text;
};

std::span<const Flag> flags();
// Its name in the file.
std::string_view key_of(const Flag& flag);

// The values given, by flag name; absent: not given.
using FlagValues = std::map<std::string, std::vector<std::string>, std::less<>>;

// The command line. Errors: invalid_argument with Docker's text ("unknown flag:
// --x").
Result<FlagValues> parse_command_line(const std::vector<std::string>& args);
// A daemon.json. Errors: invalid_argument (JSON, unknown keys, wrong types).
Result<FlagValues> parse_config_file(std::string_view text);
// Both together. Errors: invalid_argument naming what is given twice.
Result<FlagValues> merge(const FlagValues& from_flags, const FlagValues& from_file);

std::string usage();

} // namespace hull
