// What Prometheus' clients tell about their own process (process_...).
#pragma once

#include <string>

namespace hull {

std::string process_metrics();

} // namespace hull
