// update: limits, the restart policy and published ports of containers.
#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/container_calls.h"
#include "apps/hull/options/values.h"

namespace hull::cli {

namespace {

struct LimitFlag {
    const char* flag;
    const char* field;
};
constexpr LimitFlag limits[] = {
    {"blkio-weight", "BlkioWeight"},
    {"cpu-period", "CpuPeriod"},
    {"cpu-quota", "CpuQuota"},
    {"cpu-rt-period", "CpuRealtimePeriod"},
    {"cpu-rt-runtime", "CpuRealtimeRuntime"},
    {"cpu-shares", "CpuShares"},
    {"memory", "Memory"},
    {"memory-reservation", "MemoryReservation"},
    {"memory-swap", "MemorySwap"},
    {"pids-limit", "PidsLimit"},
};

Result<boost::json::object> changes_of(const Flags& flags) {
    boost::json::object changes;
    for (const LimitFlag& limit : limits)
        if (flags.given(limit.flag)) changes[limit.field] = flags.number(limit.flag);
    if (flags.given("cpus")) changes["NanoCpus"] = TRY(parse_cpus(flags.text("cpus")));
    if (flags.given("cpuset-cpus")) changes["CpusetCpus"] = flags.text("cpuset-cpus");
    if (flags.given("cpuset-mems")) changes["CpusetMems"] = flags.text("cpuset-mems");
    if (flags.given("restart")) {
        auto policy = TRY(parse_restart(flags.text("restart")));
        changes["RestartPolicy"] =
            boost::json::object{{"Name", policy.name}, {"MaximumRetryCount", policy.maximum_retry_count}};
    }
    boost::json::object annotations;
    if (flags.given("egress")) annotations["hull.egress"] = joined(flags.list("egress"), ',');
    if (flags.given("bandwidth")) annotations["hull.bandwidth"] = flags.text("bandwidth");
    if (!annotations.empty()) changes["Annotations"] = std::move(annotations);
    boost::json::object ports;
    if (flags.given("publish-add")) ports["Add"] = TRY(port_bindings(flags.list("publish-add")));
    if (flags.given("publish-rm")) ports["Remove"] = TRY(port_bindings(flags.list("publish-rm")));
    if (!ports.empty()) changes["PublishedPorts"] = std::move(ports);
    return changes;
}

} // namespace

Result<int> update_containers(Session& session) {
    auto changes = TRY(changes_of(session.flags()));
    if (changes.empty())
        return Error(ErrorKind::invalid_argument, "you must provide one or more flags when using this command");
    const std::string body = boost::json::serialize(changes);
    std::string warnings;
    auto code = for_each_operand(session, [&](Engine& engine, const std::string& name) -> Result<void> {
        Reply reply = TRY(engine.post(container_path(name, "update"), {}, body));
        Json answer = TRY(reply.json());
        for (const Json& warning : cli::list(answer, "Warnings"))
            if (warning.is_string()) warnings += std::string(warning.get_string()) + "\n";
        return {};
    });
    print_error(warnings);
    return code;
}

} // namespace hull::cli
