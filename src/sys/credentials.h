// Who a process is: ids, groups, capabilities, limits. All act on the calling
// thread or process; single-threaded programs only (no glibc-style broadcast
// to other threads).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

Result<void> set_uid(uid_t uid); // real, effective, saved, file system
Result<void> set_gid(gid_t gid);
Result<void> set_groups(std::span<const gid_t> groups);
Result<size_t> group_count(); // supplementary groups
struct Identity {
    uid_t uid = 0, effective_uid = 0;
    gid_t gid = 0, effective_gid = 0;
};
Identity identity(); // as the process's own user namespace has it
// The ids that new files get; capabilities that go with uid 0 are lost when
// leaving it, see set_capabilities().
Result<void> set_filesystem_ids(uid_t uid, gid_t gid);
// Keeps permitted capabilities across set_uid() away from 0.
Result<void> set_keep_capabilities(bool keep);

struct Capabilities { // bit n is capability n
    uint64_t effective = 0, permitted = 0, inheritable = 0;
};
Result<Capabilities> get_capabilities();
Result<void> set_capabilities(const Capabilities& sets);
Result<void> drop_bounding_capability(int capability);
Result<bool> has_bounding_capability(int capability);
Result<void> clear_ambient_capabilities();
Result<void> raise_ambient_capability(int capability);

struct Limit {
    uint64_t soft = 0, hard = 0;
};
Result<Limit> get_limit(unsigned resource); // RLIMIT_*
Result<void> set_limit(unsigned resource, Limit limit);

// Loads a filter, given as the bytes of struct sock_filter[]. Final.
Result<void> load_seccomp(std::span<const char> filter, unsigned flags);
// With SECCOMP_FILTER_FLAG_NEW_LISTENER in flags: the listener, close-on-exec.
// Not owned by the result: a filtered process may not be able to close it.
Result<BorrowedFd> load_notifying_seccomp(std::span<const char> filter, unsigned flags);

} // namespace hull::sys
