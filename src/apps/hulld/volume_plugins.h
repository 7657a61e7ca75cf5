// Docker's volume plugins: programs that answer HTTP on a socket.
//
// They are found as Docker finds them, each time one is asked for: in each folder
// NAME.sock or NAME/NAME.sock, NAME.spec (a line: unix:///path or tcp://host:port)
// or NAME.json ({"Addr": "..."}). Protocol: docs.docker.com/engine/extend,
// "Docker Plugin API" and "Docker volume plugins".
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/volume_drivers.h"
#include "http/client.h"

namespace hull {

struct PluginTimes { // milliseconds
    int answer = 120'000;
    int appear = 5'000; // one that was found, but doesn't listen (yet)
};

// folders: earlier ones win.
std::unique_ptr<engine::VolumeDrivers> make_volume_plugins(std::vector<std::string> folders, PluginTimes times = {});

// Where a file in those folders says that a plugin listens. file: its name, for
// errors. Errors: invalid_argument, unsupported (TLS).
Result<http::Endpoint> read_plugin_spec(std::string_view text, const std::string& file);

} // namespace hull
