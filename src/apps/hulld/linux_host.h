// engine::HostPort over sys/.
#pragma once

#include <memory>

#include "engine/host_port.h"

namespace hull {

std::unique_ptr<engine::HostPort> make_linux_host();

} // namespace hull
