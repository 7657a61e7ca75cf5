// The display on a terminal: a picture of all steps that is drawn anew several
// times a second.
#pragma once

#include <memory>
#include <string>

#include "apps/hull/building/progress.h"

namespace hull::cli {

std::unique_ptr<BuildDisplay> make_terminal_display();

// The picture: its lines, none longer than columns, at most rows of them. Steps side by side stand under each
// other; finished ones go first when there is no room.
std::vector<std::string> draw_steps(std::vector<ShownStep>& steps, WallTime begun, WallTime now, size_t rows,
                                    size_t columns, bool over);

} // namespace hull::cli
