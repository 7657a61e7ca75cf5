#include "sys/self.h"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace hull::sys {

void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<void> become_subreaper() {
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return Error::from_errno("prctl", "PR_SET_CHILD_SUBREAPER");
    return {};
}

} // namespace hull::sys
