// Command-line flags in the manner of runc (Go's flag package): -x and --x are
// the same, values follow "=" or as the next word, "--" ends the flags.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hull::oci_runtime {

enum class Takes : unsigned char { nothing, value };

struct Flag {
    std::string_view name;
    std::string_view letter; // empty: none
    Takes takes;
    std::string_view help;
};

// Where flags may stand.
enum class Order : unsigned char {
    anywhere,
    before_words, // what follows the first word belongs to somebody else
};

class Args {
public:
    // Errors (invalid_argument) have runc's texts: "flag provided but not
    // defined: -x", "flag needs an argument: -x".
    static Result<Args> parse(std::span<const std::string> words, std::span<const Flag> flags, Order order);

    bool has(std::string_view flag) const; // given, and not as =false
    // The last one given; empty without.
    std::string value(std::string_view flag) const;
    const std::vector<std::string>& values(std::string_view flag) const;
    // A number of at least 0. Without the flag: otherwise.
    Result<int64_t> number(std::string_view flag, int64_t otherwise) const;
    const std::vector<std::string>& words() const { return words_; }

private:
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
    std::vector<std::string> words_;
};

} // namespace hull::oci_runtime
