#include "logs/target.h"

#include <algorithm>
#include <array>

#include "logs/fluentd.h"
#include "logs/journald.h"
#include "logs/syslog.h"

namespace hull::logs {

Result<std::unique_ptr<Target>> make_target(const TargetSpec& spec) {
    if (spec.driver == "syslog") return make_syslog(spec);
    if (spec.driver == "journald") return make_journald(spec);
    if (spec.driver == "fluentd") return make_fluentd(spec);
    return invalid("logger: no log driver named '" + spec.driver + "' is registered");
}

bool knows_option(std::string_view driver, std::string_view option) {
    static constexpr std::array<std::string_view, 7> syslog = {
        "syslog-address",  "syslog-facility", "syslog-format",         "syslog-tls-ca-cert",
        "syslog-tls-cert", "syslog-tls-key",  "syslog-tls-skip-verify"};
    static constexpr std::array<std::string_view, 11> fluentd = {"fluentd-address",
                                                                 "fluentd-async",
                                                                 "fluentd-async-reconnect-interval",
                                                                 "fluentd-buffer-limit",
                                                                 "fluentd-max-retries",
                                                                 "fluentd-request-ack",
                                                                 "fluentd-retry-wait",
                                                                 "fluentd-sub-second-precision",
                                                                 "fluentd-write-timeout",
                                                                 "fluentd-read-timeout",
                                                                 "fluentd-async-connect"};
    if (driver == "syslog") return std::ranges::find(syslog, option) != syslog.end();
    if (driver == "fluentd") return std::ranges::find(fluentd, option) != fluentd.end();
    return false;
}

} // namespace hull::logs
