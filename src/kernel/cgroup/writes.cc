#include "kernel/cgroup/writes.h"

#include <cerrno>

#include "sys/file.h"

namespace hull::kernel::cgroup {

namespace {

enum class Outcome : uint8_t { done, missing, later };

bool says_missing(const Error& error, IfMissing if_missing) {
    // io.bfq.weight: there, but the device has another scheduler.
    return error.code() == ENOENT || (error.code() == EOPNOTSUPP && if_missing != IfMissing::fail);
}

Result<Outcome> do_one(const std::string& folder, const Write& write, const OnMissing& on_missing) {
    std::string file = folder + "/" + write.file;
    auto written = sys::write_existing(file, write.value);
    if (!written.ok() && written.error().code() == ENOENT && on_missing) {
        TRY(on_missing());
        written = sys::write_existing(file, write.value);
    }
    if (written.ok()) return Outcome::done;
    if (says_missing(written.error(), write.if_missing)) return Outcome::missing;
    if (written.error().code() == EINVAL) return Outcome::later;
    return std::move(written).error().context("set " + write.file + " to " + write.value);
}

Result<void> retry_refused(const std::string& folder, std::vector<const Write*> refused) {
    while (!refused.empty()) {
        std::vector<const Write*> still;
        Result<void> last;
        for (const Write* write : refused) {
            auto written = sys::write_existing(folder + "/" + write->file, write->value);
            if (written.ok()) continue;
            still.push_back(write);
            last = std::move(written).context("set " + write->file + " to " + write->value);
        }
        if (still.size() == refused.size()) return last;
        refused = std::move(still);
    }
    return {};
}

} // namespace

Result<void> do_writes(const std::string& folder, const std::vector<Write>& writes, const OnMissing& on_missing) {
    std::vector<const Write*> refused;
    bool previous_done = false;
    for (const Write& write : writes) {
        if (write.inherit) continue;
        Outcome outcome = TRY(do_one(folder, write, on_missing));
        bool required =
            write.if_missing == IfMissing::fail || (write.if_missing == IfMissing::require_previous && !previous_done);
        if (outcome == Outcome::missing && required)
            return Error(ErrorKind::unsupported,
                         "set " + write.file + " to " + write.value + ": this kernel has no such file here")
                .with_code(ENOENT);
        if (outcome == Outcome::later) refused.push_back(&write);
        previous_done = outcome == Outcome::done;
    }
    if (refused.empty()) return {};
    return retry_refused(folder, std::move(refused));
}

} // namespace hull::kernel::cgroup
