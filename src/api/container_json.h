// The wire shapes of containers, for list, inspect and system/df.
#pragma once

#include <boost/json/fwd.hpp>

#include "api/version.h"
#include "engine/views.h"

namespace hull::api {

boost::json::value summary_json(const engine::ContainerSummary& summary, Version version);
boost::json::value inspect_json(const engine::ContainerView& view, Version version);

} // namespace hull::api
