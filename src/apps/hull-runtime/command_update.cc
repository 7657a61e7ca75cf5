// update: new limits for a container, and what its saved configuration says.

#include <unistd.h>

#include "apps/hull-runtime/context.h"
#include "apps/hull-runtime/flag_values.h"
#include "apps/hull-runtime/placing.h"
#include "apps/hull-runtime/processes.h"
#include "apps/hull-runtime/saved_resources.h"
#include "codec/json.h"
#include "kernel/resctrl.h"
#include "sys/file.h"

namespace hull::oci_runtime {

namespace {

namespace oci = model::oci;

Result<std::string> read_all(BorrowedFd fd, size_t limit) {
    std::string out;
    std::string buffer(65536, '\0');
    for (;;) {
        size_t n = TRY(sys::read(fd, buffer));
        if (n == 0) return out;
        out.append(buffer, 0, n);
        if (out.size() > limit) return Error(ErrorKind::too_large, "the resources are larger than 4 MiB");
    }
}

Result<std::string> read_resources(const std::string& path) {
    constexpr size_t limit = size_t{4} << 20;
    if (path == "-") return read_all(BorrowedFd(STDIN_FILENO), limit);
    return sys::read_file(path, limit);
}

// Everything that --resources doesn't say; empty values are as good as none.
class Flags {
public:
    explicit Flags(const Args& args) : args_(args) {}

    Result<void> bytes(const char* flag, std::optional<int64_t>& into) const {
        if (auto text = args_.value(flag); !text.empty()) into = TRY(parse_bytes(flag, text));
        return {};
    }
    template <class T>
    Result<void> number(const char* flag, std::optional<T>& into) const {
        std::string text = args_.value(flag);
        if (text.empty()) return {};
        // -1 is "no limit" to some.
        bool no_limit = std::is_signed_v<T> && text == "-1";
        into = no_limit ? static_cast<T>(-1) : static_cast<T>(TRY(args_.number(flag, 0)));
        return {};
    }
    std::string text(const char* flag) const { return args_.value(flag); }

private:
    const Args& args_;
};

Result<oci::CpuLimits> cpu_from(const Flags& flags) {
    oci::CpuLimits cpu;
    TRY(flags.number("cpu-period", cpu.period));
    TRY(flags.number("cpu-quota", cpu.quota));
    TRY(flags.number("cpu-burst", cpu.burst));
    TRY(flags.number("cpu-share", cpu.shares));
    TRY(flags.number("cpu-rt-period", cpu.realtime_period));
    TRY(flags.number("cpu-rt-runtime", cpu.realtime_runtime));
    TRY(flags.number("cpu-idle", cpu.idle));
    cpu.cpus = flags.text("cpuset-cpus");
    cpu.mems = flags.text("cpuset-mems");
    return cpu;
}

Result<oci::Resources> from_flags(const Flags& flags) {
    oci::Resources r;
    r.cpu = TRY(cpu_from(flags));
    oci::MemoryLimits& memory = r.memory.emplace();
    TRY(flags.bytes("memory", memory.limit));
    TRY(flags.bytes("memory-reservation", memory.reservation));
    TRY(flags.bytes("memory-swap", memory.swap));
    TRY(flags.bytes("kernel-memory", memory.kernel));
    TRY(flags.bytes("kernel-memory-tcp", memory.kernel_tcp));
    TRY(flags.number("pids-limit", r.pids_limit));
    std::optional<int64_t> weight;
    TRY(flags.number("blkio-weight", weight));
    if (!weight || *weight == 0) return r;
    if (*weight < 10 || *weight > 1000)
        return invalid("invalid value for blkio-weight: " + std::to_string(*weight) + " is not in range 10 to 1000");
    r.block_io.emplace().weight = static_cast<uint16_t>(*weight);
    return r;
}

// What the kernel no longer has, or what isn't for `update`.
void leave_out(oci::Resources& resources, const Logger& log) {
    resources.devices.clear();                                   // as runc: the rules of the start stay
    if (resources.pids_limit == 0) resources.pids_limit.reset(); // Go's "unchanged"
    if (!resources.memory) return;
    if (resources.memory->kernel || resources.memory->kernel_tcp)
        log.warning("Kernel memory settings are ignored and will be removed");
    resources.memory->kernel.reset();
    resources.memory->kernel_tcp.reset();
}

// Quota and period mean something together only (v2 has one file for them).
void complete_cpu(oci::Resources& changes, const oci::Resources& before) {
    if (!changes.cpu || !before.cpu) return;
    oci::CpuLimits& cpu = *changes.cpu;
    if (cpu.quota && !cpu.period) cpu.period = before.cpu->period;
    if (cpu.period && !cpu.quota) cpu.quota = before.cpu->quota;
}

// --l3-cache-schema, --mem-bw-schema: of the container's class of service.
Result<void> update_schemata(Context& context, const Container& container, const Args& args) {
    oci::IntelRdt schemata;
    schemata.l3_cache_schema = args.value("l3-cache-schema");
    schemata.mem_bw_schema = args.value("mem-bw-schema");
    if (schemata.l3_cache_schema.empty() && schemata.mem_bw_schema.empty()) return {};
    oci::Spec spec = TRY(context.store.load_spec(container.id));
    if (!spec.linux_ || !spec.linux_->intel_rdt)
        return unsupported("--l3-cache-schema and --mem-bw-schema need a container with intelRdt in its configuration");
    schemata.clos_id = spec.linux_->intel_rdt->clos_id;
    TRY(kernel::check_intel_rdt(schemata));
    return kernel::write_schemata(TRY(kernel::find_resctrl()), container.id, schemata);
}

} // namespace

Result<int> run_update(Context& context, const Args& args) {
    const std::string& id = args.words()[0];
    UniqueFd lock = TRY(context.store.lock(id));
    Container container = TRY(context.store.load(id));
    TRY(context.need_cgroups());
    if (status_of(container, context.store, *context.cgroups) == Status::stopped)
        return Error(ErrorKind::conflict, "container not running");
    TRY(need_cgroup_of(container, "update"));
    TRY(update_schemata(context, container, args));
    oci::Resources changes;
    if (auto path = args.value("resources"); !path.empty())
        changes = TRY(oci::parse_resources(TRY(read_resources(path))).context("resources"));
    else
        changes = TRY(from_flags(Flags(args)));
    leave_out(changes, context.log);
    SavedResources saved = TRY(SavedResources::load(context.store, id));
    complete_cpu(changes, saved.resources());
    auto updated = update_cgroup(context, container, changes);
    if (!updated.ok()) {
        oci::Resources before = saved.resources();
        before.devices.clear();
        if (auto back = update_cgroup(context, container, before); !back.ok())
            context.log.warning("setting back the limits: " + back.error().message());
        return std::move(updated).error();
    }
    TRY(saved.merge(changes));
    return 0;
}

} // namespace hull::oci_runtime
