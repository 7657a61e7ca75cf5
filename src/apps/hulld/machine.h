// engine::HostPort on this machine: device nodes, small files, ps.
#pragma once

#include <memory>

#include "engine/host_port.h"

namespace hull {

std::unique_ptr<engine::HostPort> make_machine();

} // namespace hull
