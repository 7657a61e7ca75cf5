#include "apps/hull/commands/commands.h"
namespace hull::cli {
Result<int> bootstrap_image(Session&) { return 0; }
} // namespace hull::cli
