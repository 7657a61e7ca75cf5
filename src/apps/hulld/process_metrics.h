// What Prometheus' clients tell about their own process (process_...).
#pragma once

#include <string>

#include "api/api.h"

namespace hull {

std::string process_metrics();
api::ProcessUsage process_usage();

} // namespace hull
