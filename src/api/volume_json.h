// The wire shape of a volume.
#pragma once

#include <boost/json/fwd.hpp>

#include "engine/volumes.h"

namespace hull::api {

boost::json::object volume_json(const engine::VolumeView& volume);

} // namespace hull::api
