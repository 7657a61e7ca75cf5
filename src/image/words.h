// Words of a Dockerfile instruction: split at blanks, quotes and backslashes
// removed, $variables replaced.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/container.h"

namespace hull::image {

// $NAME, ${NAME}, ${NAME:-word} and ${NAME:+word} are taken from env ("NAME=value").
// Errors: invalid_argument (quotes or braces that don't end).
Result<std::vector<std::string>> split_words(std::string_view text, const model::StringList& env);
// The same without splitting at blanks.
Result<std::string> expand_word(std::string_view text, const model::StringList& env);

} // namespace hull::image
