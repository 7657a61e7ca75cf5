// What may follow on a command line: commands, flags, and names of what the
// engine has. `hull __complete WORD...` prints one a line, with its help after a
// tab; the last word is the one being typed.
#pragma once

#include <span>
#include <string>

namespace hull::cli {

int run_completion(std::span<const std::string> words);

} // namespace hull::cli
