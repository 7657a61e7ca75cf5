// config.json as a whole: read, and changed without losing what others keep in it.
#pragma once

#include <functional>
#include <string>

#include <boost/json/object.hpp>

#include "apps/hull/client/json_access.h"
#include "base/result.h"

namespace hull::cli {

// A missing file is an empty object. Errors: invalid_argument.
Result<Json> read_settings(const std::string& folder);
// Written beside its place (0600, as it holds secrets) and renamed. A file that is
// a link stays one.
Result<void> change_settings(const std::string& folder, const std::function<void(boost::json::object&)>& change);

} // namespace hull::cli
