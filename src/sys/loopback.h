// The loopback interface of the caller's network namespace.
#pragma once

#include "base/result.h"

namespace hull::sys {

Result<void> raise_loopback();

} // namespace hull::sys
