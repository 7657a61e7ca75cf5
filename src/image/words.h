// Words of a Dockerfile instruction: split at blanks, quotes and escapes
// removed, $variables replaced. Source: Dockerfile reference, "Environment
// replacement".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/container.h"

namespace hull::image {

// $NAME and ${NAME} are taken from env ("NAME=value"); ${NAME:-word}, ${NAME-word},
// :+ + :? ? as in a shell, ${NAME#pattern} ## % %% / // with * and ? for patterns.
// A word stays one whatever its variables hold.
// Errors: invalid_argument (quotes or braces that don't end, :? of one not set).
Result<std::vector<std::string>> split_words(std::string_view text, const model::StringList& env, char escape = '\\');
// The same, but the value of an unquoted variable is split at its blanks too (EXPOSE).
Result<std::vector<std::string>> split_values(std::string_view text, const model::StringList& env, char escape = '\\');
// The words as they stand, with quotes, escapes and variables.
std::vector<std::string_view> raw_words(std::string_view text, char escape = '\\');
// The same without splitting at blanks.
Result<std::string> expand_word(std::string_view text, const model::StringList& env, char escape = '\\');

} // namespace hull::image
