// process.scheduler, process.ioPriority, process.execCPUAffinity,
// linux.memoryPolicy, linux.personality.

#include <array>
#include <optional>

#include "base/field_path.h"
#include "kernel/number_list.h"
#include "runtime/compile_parts.h"

namespace hull::runtime {

namespace {

namespace oci = model::oci;

struct Named {
    std::string_view name;
    uint64_t value;
};

template <size_t n>
std::optional<uint64_t> look_up(const std::array<Named, n>& table, std::string_view name) {
    for (const Named& entry : table)
        if (entry.name == name) return entry.value;
    return std::nullopt;
}

template <size_t n>
Result<uint64_t> flags_of(const std::array<Named, n>& table, const std::vector<std::string>& names) {
    uint64_t all = 0;
    for (size_t i = 0; i < names.size(); ++i) {
        auto flag = look_up(table, names[i]);
        if (!flag) return in_member(in_element(bad_field("", names[i], "unknown flag"), i), "flags");
        all |= *flag;
    }
    return all;
}

// <linux/sched.h>
enum : uint32_t { sched_other, sched_fifo, sched_rr, sched_batch, sched_iso, sched_idle, sched_deadline };
constexpr std::array<Named, 7> policies{{
    {"SCHED_OTHER", sched_other},
    {"SCHED_FIFO", sched_fifo},
    {"SCHED_RR", sched_rr},
    {"SCHED_BATCH", sched_batch},
    {"SCHED_ISO", sched_iso},
    {"SCHED_IDLE", sched_idle},
    {"SCHED_DEADLINE", sched_deadline},
}};
constexpr std::array<Named, 7> scheduler_flags{{
    {"SCHED_FLAG_RESET_ON_FORK", 0x01},
    {"SCHED_FLAG_RECLAIM", 0x02},
    {"SCHED_FLAG_DL_OVERRUN", 0x04},
    {"SCHED_FLAG_KEEP_POLICY", 0x08},
    {"SCHED_FLAG_KEEP_PARAMS", 0x10},
    {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40},
}};

constexpr std::array<Named, 3> io_classes{{
    {"IOPRIO_CLASS_RT", 1},
    {"IOPRIO_CLASS_BE", 2},
    {"IOPRIO_CLASS_IDLE", 3},
}};
constexpr int io_class_shift = 13;

// <linux/mempolicy.h>
enum : uint32_t { mpol_default, mpol_preferred, mpol_bind, mpol_interleave, mpol_local };
constexpr std::array<Named, 7> memory_modes{{
    {"MPOL_DEFAULT", mpol_default},
    {"MPOL_PREFERRED", mpol_preferred},
    {"MPOL_BIND", mpol_bind},
    {"MPOL_INTERLEAVE", mpol_interleave},
    {"MPOL_LOCAL", mpol_local},
    {"MPOL_PREFERRED_MANY", 5},
    {"MPOL_WEIGHTED_INTERLEAVE", 6},
}};
constexpr std::array<Named, 3> memory_flags{{
    {"MPOL_F_NUMA_BALANCING", 1u << 13},
    {"MPOL_F_RELATIVE_NODES", 1u << 14},
    {"MPOL_F_STATIC_NODES", 1u << 15},
}};

constexpr uint32_t per_linux32 = 0x0008;

} // namespace

Result<SchedulerPlan> compile_scheduler(const oci::Scheduler& config) {
    auto policy = look_up(policies, config.policy);
    if (!policy) return bad_field("policy", config.policy, "unknown scheduling policy");
    SchedulerPlan plan;
    plan.policy = static_cast<uint32_t>(*policy);
    plan.flags = TRY(flags_of(scheduler_flags, config.flags));
    bool realtime = plan.policy == sched_fifo || plan.policy == sched_rr;
    bool deadline = plan.policy == sched_deadline;
    if (config.nice < -20 || config.nice > 19) return bad_field("nice", config.nice, "is not within -20 to 19");
    if (realtime && (config.priority < 1 || config.priority > 99))
        return bad_field("priority", config.priority, "is not within 1 to 99");
    if (!realtime && config.priority != 0)
        return bad_field("priority", config.priority, "is only for SCHED_FIFO and SCHED_RR, not for " + config.policy);
    const std::array<Named, 3> times{
        {{"runtime", config.runtime}, {"deadline", config.deadline}, {"period", config.period}}};
    for (const Named& time : times)
        if (!deadline && time.value != 0)
            return bad_field(time.name, time.value, "is only for SCHED_DEADLINE, not for " + config.policy);
    plan.nice = config.nice;
    plan.priority = static_cast<uint32_t>(config.priority);
    plan.runtime = config.runtime;
    plan.deadline = config.deadline;
    plan.period = config.period;
    return plan;
}

Result<uint16_t> compile_io_priority(const oci::IoPriority& config) {
    auto io_class = look_up(io_classes, config.io_class);
    if (!io_class) return bad_field("class", config.io_class, "unknown I/O scheduling class");
    if (config.priority < 0 || config.priority > 7)
        return bad_field("priority", config.priority, "is not within 0 to 7");
    return static_cast<uint16_t>(*io_class << io_class_shift | static_cast<uint64_t>(config.priority));
}

Result<MemoryPolicyPlan> compile_memory_policy(const oci::MemoryPolicy& config) {
    auto mode = look_up(memory_modes, config.mode);
    if (!mode) return bad_field("mode", config.mode, "unknown memory policy");
    MemoryPolicyPlan plan;
    plan.nodes = TRY(in_member(kernel::parse_number_list(config.nodes), "nodes"));
    bool none = *mode == mpol_default || *mode == mpol_local;
    if (none && !plan.nodes.empty()) return bad_field("nodes", config.nodes, config.mode + " takes no nodes");
    if (!none && *mode != mpol_preferred && plan.nodes.empty())
        return bad_field("nodes", config.nodes, config.mode + " needs at least one node");
    plan.mode = static_cast<uint32_t>(*mode | TRY(flags_of(memory_flags, config.flags)));
    return plan;
}

Result<uint32_t> compile_personality(const oci::Personality& config) {
    if (!config.flags.empty())
        return in_member(in_element(bad_field("", config.flags[0], "no flag is supported"), 0), "flags");
    if (config.domain == "LINUX") return 0;
    if (config.domain == "LINUX32") return per_linux32;
    return bad_field("domain", config.domain, "is neither LINUX nor LINUX32");
}

Result<void> compile_affinity(const oci::CpuAffinity& config, ExecPlan& plan) {
    plan.initial_cpus = TRY(in_member(kernel::parse_number_list(config.initial), "initial"));
    plan.final_cpus = TRY(in_member(kernel::parse_number_list(config.final_), "final"));
    return {};
}

Result<std::string> compile_time_offsets(const oci::Linux& config, const Namespaces& ns) {
    if (config.time_offsets.empty()) return std::string();
    std::string text;
    for (const auto& [clock, offset] : config.time_offsets) {
        std::string place = "timeOffsets." + clock;
        if (clock != "boottime" && clock != "monotonic")
            return bad_field(place, "only the clocks boottime and monotonic have an offset");
        if (offset.nanoseconds > 999'999'999)
            return bad_field(place + ".nanosecs", offset.nanoseconds, "is a second or more");
        text += clock + " " + std::to_string(offset.seconds) + " " + std::to_string(offset.nanoseconds) + "\n";
    }
    if (ns.time.mode != NamespaceUse::Mode::fresh)
        return bad_field("timeOffsets", "only for a new time namespace, which linux.namespaces doesn't ask for");
    return text;
}

} // namespace hull::runtime
