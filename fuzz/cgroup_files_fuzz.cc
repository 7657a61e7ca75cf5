// links: hull_kernel
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kernel/cgroup/files.h"
#include "kernel/cgroup/layout.h"

using namespace hull::kernel;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)cgroup::parse_number(text);
    (void)cgroup::parse_numbers(text);
    (void)cgroup::parse_keyed(text);
    (void)cgroup::parse_blkio(text);
    (void)cgroup::parse_pids(text);
    (void)cgroup::parse_mounts(text);
    cgroup::Usage usage;
    cgroup::parse_io_stat(text, usage);
    auto path = cgroup::check_path(text);
    // What passed must stay below the hierarchy.
    if (path.ok() && (path->empty() || path->front() != '/' || (*path + "/").find("/../") != path->npos))
        __builtin_trap();
    return 0;
}
