// Drivers of volumes besides "local": Docker's volume plugins. apps/hulld speaks
// their protocol; tests implement a fake. Thread-safe.
//
// A volume of a driver: create -> mount and unmount, once per container that runs
// with it -> remove. What it holds is the driver's business.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace hull::engine {

struct DriverVolume {
    std::string name;
    std::string mountpoint; // on this host; empty: not mounted
    WallTime created;       // 0: the driver doesn't say
    std::string status;     // a JSON object in the driver's own words; empty: none
};

// Errors of all: not_found 'plugin "x" not found', unavailable (nobody answers),
// deadline (too late), system with what the driver said. driver: its name.
class VolumeDrivers {
public:
    virtual ~VolumeDrivers() = default;
    // All that can be found now, without asking them.
    virtual std::vector<std::string> names() = 0;
    // That there is one, and it is for volumes; gives its scope: "local" or "global".
    virtual Result<std::string> scope(const std::string& driver) = 0;
    virtual Result<void> create(const std::string& driver, const std::string& volume,
                                const std::map<std::string, std::string>& options) = 0;
    virtual Result<void> remove(const std::string& driver, const std::string& volume) = 0;
    // For whom: drivers count these. Gives the mountpoint.
    virtual Result<std::string> mount(const std::string& driver, const std::string& volume,
                                      const std::string& user) = 0;
    virtual Result<void> unmount(const std::string& driver, const std::string& volume, const std::string& user) = 0;
    virtual Result<DriverVolume> get(const std::string& driver, const std::string& volume) = 0;
    virtual Result<std::vector<DriverVolume>> list(const std::string& driver) = 0;
};

} // namespace hull::engine
