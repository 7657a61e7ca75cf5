#include "kernel/cgroup/cgroup.h"

#include <csignal>

#include "kernel/cgroup/drivers.h"
#include "kernel/cgroup/files.h"
#include "kernel/cgroup/limits.h"
#include "sys/directory.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/sleep.h"

namespace hull::kernel::cgroup {

namespace {

Result<void> collect_pids(const std::string& folder, int depth, std::vector<pid_t>& into) {
    auto text = sys::read_file(folder + "/cgroup.procs");
    // A threaded child of v2 has no list of its own.
    if (!text.ok() && text.error().code() != EOPNOTSUPP) return std::move(text).error();
    if (text.ok()) {
        auto pids = parse_pids(*text);
        into.insert(into.end(), pids.begin(), pids.end());
    }
    if (depth >= 64) return {};
    for (const std::string& name : TRY(sys::list_folders(folder))) {
        auto below = collect_pids(folder + "/" + name, depth + 1, into);
        if (!below.ok() && below.error().kind() != ErrorKind::not_found && below.error().code() != ENODEV) return below;
    }
    return {};
}

} // namespace

Result<std::vector<pid_t>> pids_below(const std::string& folder) {
    std::vector<pid_t> pids;
    TRY(collect_pids(folder, 0, pids));
    return pids;
}

Result<void> wait_until(const std::function<Result<bool>()>& done, int patience_ms, const char* what) {
    sys::Backoff backoff(patience_ms);
    while (!TRY(done()))
        if (!backoff.wait())
            return Error(ErrorKind::timed_out,
                         std::string(what) + " took more than " + std::to_string(patience_ms) + " ms");
    return {};
}

Result<void> kill_below(const std::string& folder, const std::function<void()>& thaw) {
    bool thawed = false;
    auto none_left = [&]() -> Result<bool> {
        auto pids = pids_below(folder);
        if (!pids.ok() && pids.error().kind() == ErrorKind::not_found) return true;
        if (!pids.ok()) return std::move(pids).error();
        for (pid_t pid : *pids) {
            // By pidfd, so that a pid used again in between is at least alive
            // and ours to have looked up just now.
            auto fd = sys::pidfd_open(pid);
            if (fd.ok()) (void)sys::pidfd_signal(*fd, SIGKILL);
        }
        if (!thawed) thaw();
        thawed = true;
        return pids->empty();
    };
    return wait_until(none_left, freeze_patience_ms, "killing all processes");
}

namespace {

class NoCgroups final : public Cgroups {
public:
    explicit NoCgroups(Machine machine) : machine_(std::move(machine)) {}

    Version version() const override { return Version::none; }
    const Support& support() const override { return machine_.support; }

    Result<Plan> plan(std::string_view path, const model::oci::Resources& resources) const override {
        TRY(check_path(path));
        // Finds whatever needs a controller, as this machine has none. Device
        // rules too: they are protection.
        TRY(v1_limits(resources, machine_));
        if (!resources.devices.empty()) return missing();
        return Plan{};
    }
    Result<Plan> locate(std::string_view) const override { return Plan{}; }
    Result<Usage> usage(std::string_view) const override { return missing(); }
    Result<std::vector<pid_t>> pids(std::string_view) const override { return missing(); }
    Result<void> freeze(std::string_view) const override { return missing(); }
    Result<void> thaw(std::string_view) const override { return missing(); }
    Result<bool> frozen(std::string_view) const override { return false; }
    Result<void> kill_all(std::string_view) const override { return missing(); }
    Result<void> update(std::string_view, const model::oci::Resources&) const override { return missing(); }
    Result<UniqueFd> watch_oom(std::string_view) const override { return missing(); }

private:
    Machine machine_;
    static Error missing() { return Error(ErrorKind::unsupported, "this machine has no cgroups mounted"); }
};

} // namespace

std::unique_ptr<Cgroups> make_none(Machine machine) { return std::make_unique<NoCgroups>(std::move(machine)); }

Result<std::unique_ptr<Cgroups>> detect() {
    std::string mounts = TRY(sys::read_file("/proc/self/mountinfo", size_t{64} << 20));
    Machine machine = probe(parse_mounts(mounts));
    switch (machine.version) {
    case Version::v1: return make_v1(std::move(machine));
    case Version::v2: return make_v2(std::move(machine));
    case Version::none: break;
    }
    return make_none(std::move(machine));
}

} // namespace hull::kernel::cgroup
