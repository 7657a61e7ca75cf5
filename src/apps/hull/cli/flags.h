// Command-line flags with the behaviour of Go's pflag, which Docker's users
// know: --name value, --name=value, -n value, -nvalue, -n=value, -abc, --rm=false,
// -- ends the flags. Errors carry pflag's texts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hull::cli {

enum class FlagType : unsigned char {
    boolean,  // --x, --x=false
    text,     // any text; the last one counts
    list,     // any text; may come more than once
    integer,  // int64
    natural,  // uint64
    bytes,    // "512m"; -1 allowed
    duration, // "1m30s"
    decimal,  // "1.5"
};

struct Flag {
    std::string_view name;
    char letter; // 0: none
    FlagType type;
    std::string_view type_name; // in the help; empty for booleans
    std::string_view initial;   // text of the value when the flag is not given
    std::string_view help;      // empty: not shown
    std::string_view alias_of;  // another name of that flag
};

// Flags of one command: up to two tables, so that `run` can add to `create`.
struct FlagTables {
    std::span<const Flag> own, shared;
    const Flag* find(std::string_view name) const;
    const Flag* find(char letter) const;
};

// Whether flags may come after the first operand.
enum class Order : unsigned char { mixed, flags_first };

class Flags {
public:
    // Keeps views into the tables only. Errors: invalid_argument with pflag's
    // text; kind cancelled when --help was asked for.
    static Result<Flags> parse(const FlagTables& tables, std::span<const std::string> arguments, Order order);

    // Names must be in the tables.
    bool given(std::string_view name) const;
    bool on(std::string_view name) const;
    std::string text(std::string_view name) const;
    int64_t number(std::string_view name) const; // integer, natural, bytes; nanoseconds of a duration
    std::vector<std::string> list(std::string_view name) const;

    const std::vector<std::string>& operands() const { return operands_; }
    // The index of the first operand that stands behind "--", else operands().size().
    size_t dash() const { return dash_; }

private:
    struct Given {
        const Flag* flag;
        std::string value;
    };
    friend class FlagParser;
    const Flag& flag(std::string_view name) const;
    const std::string* last(std::string_view name) const;

    FlagTables tables_;
    std::vector<Given> given_;
    std::vector<std::string> operands_;
    size_t dash_ = 0;
};

// Go's strconv.ParseBool.
Result<bool> parse_bool(std::string_view text);
// Errors with strconv's texts.
Result<int64_t> parse_integer(std::string_view text);

} // namespace hull::cli
