// The parts of compile(), one file each. Private to the compiler.
#pragma once

#include <string>

#include "base/result.h"
#include "runtime/compile.h"

namespace hull::runtime {

Result<ProcessPlan> compile_process(const model::oci::Process& process);
Result<void> compile_mounts(const model::oci::Spec& spec, const CompileOptions& options, Plan& plan);
Result<void> compile_devices(const model::oci::Linux& config, Plan& plan);

Result<SchedulerPlan> compile_scheduler(const model::oci::Scheduler& config);
Result<uint16_t> compile_io_priority(const model::oci::IoPriority& config);
Result<MemoryPolicyPlan> compile_memory_policy(const model::oci::MemoryPolicy& config);
Result<uint32_t> compile_personality(const model::oci::Personality& config);
Result<void> compile_affinity(const model::oci::CpuAffinity& config, ExecPlan& plan);
// The text for /proc/self/timens_offsets; empty without offsets.
Result<std::string> compile_time_offsets(const model::oci::Linux& config, const Namespaces& ns);

// bundle is put before a relative path; without a bundle it must be absolute.
Result<std::string> absolute_host_path(const std::string& path, const std::string& bundle);
// "net/ipv4/ip_forward" -> "net.ipv4.ip_forward".
std::string sysctl_dotted(const std::string& name);
// "net.ipv4.ip_forward" -> "net/ipv4/ip_forward": below /proc/sys.
std::string sysctl_path(const std::string& name);

} // namespace hull::runtime
