// Threads with a stack of a chosen size.
#pragma once

#include <cstddef>
#include <functional>

#include "base/result.h"

namespace hull::sys {

// Runs work in a thread of its own, detached. name: up to 15 bytes, as ps shows
// it. stack_bytes is what the thread may use at most; only touched pages cost.
Result<void> start_thread(const char* name, size_t stack_bytes, std::function<void()> work);

} // namespace hull::sys
