#include "runtime/user_namespace.h"

#include <array>

#include "sys/credentials.h"
#include "sys/namespace.h"
#include "sys/process.h"

namespace hull::runtime {

void drop_groups() {
    // Refused to those without CAP_SETGID, whose groups stay theirs.
    (void)sys::set_groups({}).ok();
}

Result<void> enter_user_namespace(BorrowedFd user_ns) {
    TRY(sys::setns(user_ns, CLONE_NEWUSER).context("enter the user namespace"));
    return become_inside_root();
}

Result<void> become_inside_root() {
    TRY(sys::set_groups({}));
    TRY(sys::set_gid(0));
    TRY(sys::set_uid(0));
    return sys::set_not_dumpable();
}

Result<void> become_inside_root_unprivileged() {
    auto unless = [](Result<void> done, int code) {
        return !done.ok() && done.error().code() == code ? Result<void>() : std::move(done);
    };
    TRY(unless(sys::set_groups({}), EPERM));
    TRY(unless(sys::set_gid(0), EINVAL));
    TRY(unless(sys::set_uid(0), EINVAL));
    return sys::set_not_dumpable();
}

std::string rlimit_name(uint32_t resource) {
    // By number: <sys/resource.h>.
    static constexpr std::array<const char*, 16> names{"cpu",      "fsize",  "data",    "stack", "core",  "rss",
                                                       "nproc",    "nofile", "memlock", "as",    "locks", "sigpending",
                                                       "msgqueue", "nice",   "rtprio",  "rttime"};
    return resource < names.size() ? names[resource] : "limit " + std::to_string(resource);
}

} // namespace hull::runtime
