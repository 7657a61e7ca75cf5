// The one place where errors become HTTP.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hull::api {

int status_of(ErrorKind kind);
// {"message": "..."} and a newline, as the Docker engine sends it.
std::string error_body(std::string_view message);

} // namespace hull::api
