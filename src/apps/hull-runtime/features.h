// The Features structure (features.md of the runtime specification).
#pragma once

#include "codec/json.h"

namespace hull::oci_runtime {

json::Object features();

} // namespace hull::oci_runtime
