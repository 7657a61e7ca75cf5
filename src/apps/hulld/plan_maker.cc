#include "plan_maker.h"

#include <linux/seccomp.h>

#include "codec/compress/sha256.h"
#include "runtime/compile.h"
#include "runtime/keeper/wire.h"
#include "sys/file.h"

namespace hull {

namespace {

constexpr size_t max_profiles = 64; // distinct ones kept in memory
constexpr size_t max_filter_bytes = size_t{1} << 20;

struct FilterFile {
    uint32_t flags = 0;
    std::string program;
};
void fields(auto& io, keeper::Of<FilterFile> auto& v) { keeper::all(io, v.flags, v.program); }

// Beside the filter, where it has a listener.
struct ListenerFile {
    std::string path, metadata;
};
void fields(auto& io, keeper::Of<ListenerFile> auto& v) { keeper::all(io, v.path, v.metadata); }
constexpr const char* listener_suffix = ".listener";

} // namespace

namespace runtime {
void fields(auto& io, keeper::Of<IdRange> auto& v) { keeper::all(io, v.inside, v.outside, v.size); }
} // namespace runtime

void fields(auto& io, keeper::Of<ContainerNote> auto& v) {
    keeper::all(io, v.cgroup, v.memory_limited, v.own_network, v.uid_map, v.gid_map, v.seccomp);
}

std::string to_text(const ContainerNote& note) { return keeper::to_bytes(note); }

Result<ContainerNote> note_of(const std::string& note, const std::string& container) {
    return keeper::from_bytes<ContainerNote>(note, "note of container " + container);
}

Result<void> PlanMaker::save_listener(const std::string& name, const kernel::seccomp::Filter& filter) const {
    ListenerFile file{filter.listener_path, filter.listener_metadata};
    return sys::replace_file(folder_ + "/" + name + listener_suffix, keeper::to_bytes(file), 0600);
}

Result<void> PlanMaker::load_listener(const std::string& name, kernel::seccomp::Filter& filter) const {
    std::string bytes = TRY(sys::read_file(folder_ + "/" + name + listener_suffix, max_filter_bytes));
    auto file = TRY(keeper::from_bytes<ListenerFile>(bytes, "seccomp listener of filter " + name));
    filter.listener_path = std::move(file.path);
    filter.listener_metadata = std::move(file.metadata);
    return {};
}

Result<std::shared_ptr<const PlanMaker::Profile>> PlanMaker::profile(const model::oci::Seccomp& seccomp) {
    std::string name = sha256_hex(kernel::seccomp::cache_key(seccomp));
    std::lock_guard lock(mutex_);
    if (auto at = by_key_.find(name); at != by_key_.end()) return at->second;
    auto made = std::make_shared<Profile>();
    made->filter = TRY(kernel::seccomp::compile(seccomp));
    made->name = name;
    TRY(sys::mkdir_parents(folder_, 0700));
    TRY(sys::replace_file(folder_ + "/" + name, keeper::to_bytes(FilterFile{made->filter.flags, made->filter.program}),
                          0600));
    if (!made->filter.listener_path.empty()) TRY(save_listener(name, made->filter));
    if (by_key_.size() >= max_profiles) by_key_.clear();
    by_key_[name] = made;
    return std::shared_ptr<const Profile>(std::move(made));
}

Result<std::shared_ptr<const PlanMaker::Profile>> PlanMaker::load_profile(const std::string& name) {
    std::lock_guard lock(mutex_);
    if (auto at = by_key_.find(name); at != by_key_.end()) return at->second;
    std::string bytes = TRY(sys::read_file(folder_ + "/" + name, max_filter_bytes));
    auto file = TRY(keeper::from_bytes<FilterFile>(bytes, "seccomp filter " + name));
    auto loaded = std::make_shared<Profile>();
    loaded->filter.program = std::move(file.program);
    loaded->filter.flags = file.flags;
    loaded->name = name;
    if (file.flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) TRY(load_listener(name, loaded->filter));
    if (by_key_.size() >= max_profiles) by_key_.clear();
    by_key_[name] = loaded;
    return std::shared_ptr<const Profile>(std::move(loaded));
}

Result<MadePlan> PlanMaker::make(const engine::LaunchRequest& request) {
    MadePlan made;
    runtime::CompileOptions options;
    options.id = request.id.str();
    options.lower = request.rootfs.lower;
    options.upper = request.rootfs.upper;
    options.work = request.rootfs.work;
    options.discarded = request.rootfs.discarded;
    options.image_mounts = request.image_mounts;
    options.idmap_by_default = true;
    auto add_fd = [&](const UniqueFd& fd) {
        made.fds.push_back(fd);
        return static_cast<runtime::FdIndex>(made.fds.size() - 1);
    };
    if (request.sandbox && request.sandbox->user_ns) options.user_ns = add_fd(request.sandbox->user_ns);
    if (request.sandbox && request.sandbox->net_ns) options.net_ns = add_fd(request.sandbox->net_ns);
    if (const auto& config = request.spec->linux_) {
        if (config->resources) made.note.memory_limited = config->resources->memory.has_value();
        for (const auto& ns : config->namespaces)
            if (ns.type == "network") made.note.own_network = true;
        if (config->seccomp) {
            auto filter = TRY(profile(*config->seccomp));
            options.seccomp = filter->filter;
            made.note.seccomp = filter->name;
        }
        if (!config->cgroups_path.empty()) {
            const auto resources = config->resources.value_or(model::oci::Resources());
            made.note.cgroup = TRY(driver_.path(config->cgroups_path));
            options.cgroup = TRY(cgroups_.plan(made.note.cgroup, resources));
            TRY(driver_.adopt(options.cgroup, cgroups_.version(), config->cgroups_path, resources));
        }
    }
    made.plan = TRY(runtime::compile(*request.spec, options));
    if (request.rootfs.readonly) made.plan.rootfs.readonly = true;
    made.plan.process.rows = request.stdio.rows;
    made.plan.process.columns = request.stdio.columns;
    made.note.uid_map = made.plan.uid_map;
    made.note.gid_map = made.plan.gid_map;
    return made;
}

Result<runtime::ExecPlan> PlanMaker::make_exec(const model::oci::Process& process, const ContainerId& container,
                                               const ContainerNote& note) {
    runtime::Plan of_container;
    of_container.id = container.str();
    of_container.uid_map = note.uid_map;
    of_container.gid_map = note.gid_map;
    if (!note.cgroup.empty()) of_container.cgroup = TRY(cgroups_.locate(note.cgroup));
    if (!note.seccomp.empty()) {
        auto filter = TRY(load_profile(note.seccomp).context("seccomp filter of the container"));
        of_container.process.seccomp = filter->filter.program;
        of_container.process.seccomp_flags = filter->filter.flags;
        of_container.process.seccomp_listener = filter->filter.listener_path;
        of_container.process.seccomp_metadata = filter->filter.listener_metadata;
    }
    return runtime::compile_exec(process, of_container);
}

} // namespace hull
