// Values of single options of run and create.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/container.h"

namespace hull::cli {

// "NAME=value" kept, "NAME" taken from our environment (dropped when unset there).
// Files come first, as in docker. Errors: invalid_argument, not_found.
Result<std::vector<std::string>> read_environment(const std::vector<std::string>& files,
                                                  const std::vector<std::string>& variables);
// "key=value", "key"; files first.
Result<model::Labels> read_labels(const std::vector<std::string>& files, const std::vector<std::string>& labels);

// "a=b" -> {a, b}; "a" -> {a, ""}.
std::string joined(const std::vector<std::string>& parts, char between);
std::pair<std::string, std::string> split_pair(std::string_view text);

Result<model::Ulimit> parse_ulimit(std::string_view text);                   // "nofile=1024:2048"
Result<model::DeviceMapping> parse_device(std::string_view text);            // "/dev/a[:/dev/b][:rwm]"
bool is_cdi_device(std::string_view text);                                   // "vendor.com/class=name"
Result<model::BlkioWeightDevice> parse_weight_device(std::string_view text); // "/dev/sda:500"
enum class Rate : unsigned char { bytes, operations };
Result<model::BlkioRateDevice> parse_rate_device(std::string_view text, Rate unit); // "/dev/sda:1mb"
Result<model::RestartPolicy> parse_restart(std::string_view text);                  // "on-failure:3"
Result<model::DeviceRequest> parse_gpus(std::string_view text); // "all", "2", "device=0,capabilities=..."
Result<int64_t> parse_cpus(std::string_view text);              // "1.5" -> 1'500'000'000
Result<std::string> parse_extra_host(std::string_view text);    // "name:ip", "name=ip", "name:host-gateway"
// Reads the profile a "seccomp=FILE" names. "systempaths=unconfined" is left out
// and answered in `unmask`.
Result<std::vector<std::string>> read_security_options(const std::vector<std::string>& options, bool& unmask);

// "80", "8080:80", "127.0.0.1:8080-8081:80-81/udp" added to bindings and exposed.
Result<void> add_port(std::string_view text, model::HostConfig& host, model::ContainerConfig& config);
// "80/tcp", "80-90" (--expose).
Result<void> add_exposed(std::string_view text, model::ContainerConfig& config);

} // namespace hull::cli
