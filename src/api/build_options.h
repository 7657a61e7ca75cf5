// The parameters of POST /build, which both of its protocols have.
#pragma once

#include "api/call.h"
#include "build/builder.h"

namespace hull::api {

// Errors: invalid_argument.
Result<build::BuildOptions> read_build_options(const Call& call);
// A parameter that is a number of bytes; 0: absent.
Result<int64_t> byte_amount(const Call& call, const char* name);

} // namespace hull::api
